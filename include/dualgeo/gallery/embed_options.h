// How photos are turned into features.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dualgeo/util/field.h"

namespace dualgeo {

// The config's `embed` section.
struct EmbedOptions {
  std::int64_t batch_size = 64;
  // Views that are kept as the networks give them, too, in tensors NAME_raw (gallery/features.h). No config key:
  // gallery.normalize says so.
  std::vector<std::string> raw = {};

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("batch_size", batch_size, "photos a batch; matters for speed and memory only", Range{1, 65536});
  }
};

}  // namespace dualgeo
