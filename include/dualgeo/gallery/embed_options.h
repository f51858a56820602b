// How photos are turned into features.
#pragma once

#include <cstdint>

#include "dualgeo/util/field.h"

namespace dualgeo {

// The config's `embed` section.
struct EmbedOptions {
  std::int64_t batch_size = 64;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("batch_size", batch_size, "photos a batch; matters for speed and memory only", Range{1, 65536});
  }
};

}  // namespace dualgeo
