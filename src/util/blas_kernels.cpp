#include "util/blas_kernels.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace dualgeo {
namespace {

// By OpenBLAS's names, those without AVX.
constexpr std::array<std::string_view, 17> kBeforeAvx = {
    "Katmai",  "Coppermine", "Northwood", "Prescott",     "Banias",    "Atom",   "Core2", "Penryn", "Dunnington",
    "Nehalem", "Athlon",     "Opteron",   "Opteron_SSE3", "Barcelona", "Bobcat", "Nano",  "Unknown"};

}  // namespace

std::string BlasKernels() {
  const auto name_in = [](void* library) -> std::string {
    const auto name = reinterpret_cast<char* (*)()>(dlsym(library, "openblas_get_corename"));
    return name != nullptr ? name() : "";
  };
  if (std::string name = name_in(RTLD_DEFAULT); !name.empty()) return name;
  void* const library = dlopen("libblas.so.3", RTLD_LAZY | RTLD_LOCAL);
  return library != nullptr ? name_in(library) : "";
}

std::string BetterBlasKernels(const std::string& kernels) {
#if defined(__x86_64__)
  if (std::ranges::find(kBeforeAvx, kernels) == kBeforeAvx.end()) return "";
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd")) {
    return "SkylakeX";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
  return "";
}

bool BlasSharesThreads() {
  constexpr int kOpenMp = 2;
  const auto parallel = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_parallel"));
  return parallel != nullptr && parallel() == kOpenMp;
}

void ChooseBlasKernels() {
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr || std::getenv("DUALGEO_CPU") != nullptr) return;
  const std::string better = BetterBlasKernels(BlasKernels());
  if (!better.empty()) setenv("OPENBLAS_CORETYPE", better.c_str(), 0);
}

}  // namespace dualgeo
