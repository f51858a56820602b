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
  std::string decode = "exact";
  std::int64_t decode_megabytes = 2048;
  std::int64_t prefetch_megabytes = 4096;

  bool fast_decoding() const { return decode == "fast"; }

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
    v.Field(
        "decode", decode,
        "exact: every pixel of a photo is decoded, as Pillow does; fast: of a large JPEG only as many as the model's "
        "input needs, which changes features slightly (docs/sources.md)",
        OneOf{{"exact", "fast"}}, Added{});
    v.Field("decode_megabytes", decode_megabytes,
            "memory for photos that are being decoded at once; a photo that takes more is decoded alone",
            Range{1, 1024.0 * 1024.0}, Affects::kSpeed);
    v.Field("prefetch_megabytes", prefetch_megabytes, "memory for the batches held ready; one is, whatever it takes",
            Range{1, 1024.0 * 1024.0}, Affects::kSpeed);
  }
};

}  // namespace dualgeo
