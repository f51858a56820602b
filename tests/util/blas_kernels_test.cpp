#include "util/blas_kernels.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace dualgeo {
namespace {

// Kernels that the library knows to be right are left alone, whatever comes after them.
TEST(BlasKernels, OnlyThoseFromBeforeAvxAreReplaced) {
  for (const char* kernels : {"Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids", "OfNextYear", ""}) {
    EXPECT_EQ(BetterBlasKernels(kernels), "") << kernels;
  }
#if defined(__x86_64__)
  const std::string here = __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") ? "SkylakeX"
                           : __builtin_cpu_supports("avx2")                                         ? "Haswell"
                                                                                                    : "";
  for (const char* kernels : {"Prescott", "Nehalem", "Barcelona"}) EXPECT_EQ(BetterBlasKernels(kernels), here);
#endif
}

TEST(BlasKernels, WhatIsAskedForStays) {
  setenv("OPENBLAS_CORETYPE", "Nehalem", 1);
  ChooseBlasKernels();
  EXPECT_STREQ(std::getenv("OPENBLAS_CORETYPE"), "Nehalem");
  unsetenv("OPENBLAS_CORETYPE");
  setenv("DUALGEO_CPU", "plain", 1);
  ChooseBlasKernels();
  EXPECT_EQ(std::getenv("OPENBLAS_CORETYPE"), nullptr);
  unsetenv("DUALGEO_CPU");
  ChooseBlasKernels();
  if (const char* const chosen = std::getenv("OPENBLAS_CORETYPE")) {
    EXPECT_EQ(BetterBlasKernels(chosen), "");
    unsetenv("OPENBLAS_CORETYPE");
  }
}

}  // namespace
}  // namespace dualgeo
