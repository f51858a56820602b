// Options of the machine that a run uses (top-level config keys). Light: no LibTorch here.
#pragma once

#include <cstdint>
#include <string>

#include "dualgeo/util/field.h"

namespace dualgeo {

// Top-level config keys: what a run draws its random numbers from and which hardware it uses.
struct RuntimeOptions {
  std::int64_t seed = 0;
  std::string device = "auto";
  std::string precision = "fp32";
  int threads = 0;
  bool tf32 = false;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("seed", seed, "seed of everything random: the same seed, build and thread count give the same bytes on CPU",
            Range{0, 9007199254740992.0});
    v.Field("device", device, "auto (the first GPU if there is one) | cpu | cuda | cuda:N", Affects::kSpeed);
    v.Field("precision", precision,
            "fp32, or mixed precision by autocast: bf16 anywhere, fp16 (with loss scaling) on cuda only",
            OneOf{{"fp32", "bf16", "fp16"}});
    v.Field(
        "tf32", tf32,
        "fp32 products and convolutions on an NVIDIA GPU (Ampere or later) with 10 bits of mantissa (TF32): several "
        "times faster, numbers right to about 0.001",
        Added{});
    v.Field("threads", threads, "CPU threads of networks and search; 0: one per physical core", Range{0, 1024},
            Affects::kSpeed);
  }
  // Throws InputError for a device that is no device name, or fp16 on a CPU that was asked for by name.
  void Validate() const;
};

}  // namespace dualgeo
