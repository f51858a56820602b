#include "cpu_kernels.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include <algorithm>

#include "model/cpu_vectors.h"
#include "model/instruction_set.h"

namespace dualgeo {
namespace {

template <int kLanes, class T>
DUALGEO_INLINE void QuickGeluOfVector(T* x) {
  Vector<kLanes> v;
  Load<kLanes>(x, v);
  Vector<kLanes> e = v * -1.702F;
  Exp<kLanes>(e);
  v /= e + 1.F;
  Store<kLanes>(v, x);
}

template <int kLanes, class T>
DUALGEO_INLINE void QuickGeluOf(T* x, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) QuickGeluOfVector<kLanes>(x + i);
  if (i == n) return;
  T rest[kLanes] = {};
  std::copy(x + i, x + n, rest);
  QuickGeluOfVector<kLanes>(rest);
  std::copy(rest, rest + (n - i), x + i);
}

#if defined(__x86_64__)
template <class T>
DUALGEO_AVX512 void QuickGeluAvx512(T* x, std::int64_t n) {
  QuickGeluOf<16>(x, n);
}
template <class T>
DUALGEO_AVX2 void QuickGeluAvx2(T* x, std::int64_t n) {
  QuickGeluOf<8>(x, n);
}
#endif
template <class T>
void QuickGeluPlain(T* x, std::int64_t n) {
  QuickGeluOf<4>(x, n);
}

template <class T>
auto ChooseQuickGelu() {
#if defined(__x86_64__)
  if (UsedInstructionSet() == InstructionSet::kAvx512) return QuickGeluAvx512<T>;
  if (UsedInstructionSet() == InstructionSet::kAvx2) return QuickGeluAvx2<T>;
#endif
  return QuickGeluPlain<T>;
}

template <class T>
void QuickGeluOfAll(T* x, std::int64_t n) {
  const auto kernel = ChooseQuickGelu<T>();
  at::parallel_for(0, n, 1 << 15, [&](std::int64_t begin, std::int64_t end) { kernel(x + begin, end - begin); });
}

}  // namespace

bool UseCpuKernels(const torch::Tensor& x) {
  return !torch::GradMode::is_enabled() && x.device().is_cpu() &&
         (x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16) && at::hasMKLDNN() &&
         at::globalContext().userEnabledMkldnn();
}

torch::Dtype ComputeType(const torch::Tensor& x) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  if (at::autocast::is_autocast_enabled(at::kCPU)) return at::autocast::get_autocast_dtype(at::kCPU);
#else
  if (at::autocast::is_cpu_enabled()) return at::autocast::get_autocast_cpu_dtype();
#endif
  return x.scalar_type();
}

torch::Tensor LinearOnCpu(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  // MKL packs a large weight as it multiplies; oneDNN brings it into its own order first, every time.
  constexpr std::int64_t kLargeWeight = 1 << 18;
  if (at::hasMKL() && x.scalar_type() == torch::kFloat32 && weight.numel() >= kLargeWeight) {
    return torch::nn::functional::linear(x, weight, bias);
  }
  return LinearByOneDnn(x, weight, bias);
}

torch::Tensor LinearByOneDnn(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  const std::int64_t in = weight.size(1);
  const std::int64_t out = weight.size(0);
  const auto rows = x.contiguous().view({1, 1, -1, in}).permute({0, 3, 1, 2});
  const auto result =
      at::mkldnn_convolution(rows, weight.contiguous().view({out, in, 1, 1}), bias, {0, 0}, {1, 1}, {1, 1}, 1);
  auto sizes = x.sizes().vec();
  sizes.back() = out;
  return result.permute({0, 2, 3, 1}).contiguous().view(sizes);
}

void QuickGeluOnCpu(torch::Tensor& x) {
  x.scalar_type() == torch::kFloat32 ? QuickGeluOfAll(x.data_ptr<float>(), x.numel())
                                     : QuickGeluOfAll(x.data_ptr<c10::BFloat16>(), x.numel());
}

}  // namespace dualgeo
