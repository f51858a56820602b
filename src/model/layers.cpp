#include "dualgeo/model/layers.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/version.h>

#include <cmath>
#include <mutex>

#include "cpu_kernels.h"

namespace dualgeo {

LinearImpl::LinearImpl(std::int64_t in, std::int64_t out, bool with_bias) {
  weight = register_parameter("weight", torch::empty({out, in}));
  if (with_bias) bias = register_parameter("bias", torch::empty({out}));
}

void LinearImpl::Initialise() {
  torch::NoGradGuard no_grad;
  const double bound = 1.0 / std::sqrt(static_cast<double>(weight.size(1)));
  weight.uniform_(-bound, bound);
  if (bias.defined()) bias.uniform_(-bound, bound);
}

LinearImpl::Cast LinearImpl::InType(torch::Dtype type) {
  if (weight.scalar_type() == type) return {weight, bias};
  const bool frozen = !weight.requires_grad() && !weight.is_inference();
  if (frozen && kept_.source == weight.data_ptr() && kept_.version == weight._version() &&
      kept_.weight.scalar_type() == type) {
    return kept_;
  }
  Cast cast{weight.to(type), bias.defined() ? bias.to(type) : bias};
  if (frozen) {
    cast.source = weight.data_ptr();
    cast.version = weight._version();
    kept_ = cast;
  }
  return cast;
}

torch::Tensor LinearImpl::forward(const torch::Tensor& x) {
  if (!UseCpuKernels(x) || !weight.device().is_cpu() || x.numel() == 0) {
    return torch::nn::functional::linear(x, weight, bias);
  }
  const auto type = ComputeType(x);
  const Cast cast = InType(type);
  return LinearOnCpu(x.to(type), cast.weight, cast.bias);
}

torch::Tensor QuickGelu(torch::Tensor x) {
  if (!UseCpuKernels(x) || !x.is_contiguous()) return x * torch::sigmoid(1.702 * x);
  QuickGeluOnCpu(x);
  return x;
}

torch::Tensor Attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, double dropout,
                        bool training) {
  if (!training && UseCpuKernels(q) && PrefersAttentionOnCpu(q, k, v)) return AttentionOnCpu(q, k, v);
#if TORCH_VERSION_MAJOR >= 2
  return at::scaled_dot_product_attention(q, k, v, {}, training ? dropout : 0.0);
#else
  // Scaling q costs less than scaling the larger q k^T.
  const auto scaled = q * (1.0 / std::sqrt(static_cast<double>(q.size(-1))));
  auto weights = torch::softmax(torch::matmul(scaled, k.transpose(-2, -1)), -1);
  if (training && dropout > 0) weights = torch::dropout(weights, dropout, true);
  return torch::matmul(weights, v);
#endif
}

torch::Tensor CausalAttention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
#if TORCH_VERSION_MAJOR >= 2
  return at::scaled_dot_product_attention(q, k, v, {}, 0.0, /*is_causal=*/true);
#else
  const auto scaled = q * (1.0 / std::sqrt(static_cast<double>(q.size(-1))));
  const auto logits = torch::matmul(scaled, k.transpose(-2, -1));
  const auto later = torch::ones({q.size(-2), k.size(-2)}, logits.options().dtype(torch::kBool)).triu(1);
  return torch::matmul(torch::softmax(logits.masked_fill(later, -INFINITY), -1), v);
#endif
}

torch::Tensor SplitHeads(const torch::Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

torch::Tensor MergeHeads(const torch::Tensor& x) { return x.transpose(1, 2).flatten(2); }

SeedScope::SeedScope(std::uint64_t seed) {
  auto generator = at::detail::getDefaultCPUGenerator();
  std::lock_guard<std::mutex> lock(generator.mutex());
  state_ = generator.get_state();
  generator.set_current_seed(seed);
}

SeedScope::~SeedScope() {
  auto generator = at::detail::getDefaultCPUGenerator();
  std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(state_);
}

}  // namespace dualgeo
