// data.loader: how photos are read.
#pragma once

#include <cstdint>
#include <string>

#include "dualgeo/util/field.h"

namespace dualgeo {

struct LoaderOptions {
  int workers = 0;
  int prefetch = 4;
  std::string on_bad_image = "error";
  std::int64_t cache_megabytes = 1024;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("workers", workers, "threads that decode and preprocess photos; 0: all cores", Range{0, 1024},
            Affects::kSpeed);
    v.Field("prefetch", prefetch, "batches held ready ahead of the one in use", Range{1, 1024}, Affects::kSpeed);
    v.Field("on_bad_image", on_bad_image, "a missing or damaged photo or mask ends the run, or is counted and listed",
            OneOf{{"error", "skip"}});
    v.Field("cache_megabytes", cache_megabytes,
            "memory for decoded photos that later epochs use again, for each set of photos; 0: none",
            Range{0, 1024.0 * 1024.0}, Affects::kSpeed);
  }
};

}  // namespace dualgeo
