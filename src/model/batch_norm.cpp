#include "dualgeo/model/batch_norm.h"

#include <utility>

namespace dualgeo {
namespace {

std::function<void(const torch::Tensor&)>& SumOverProcesses() {
  static std::function<void(const torch::Tensor&)> sum;
  return sum;
}

// [C] as it meets [N, C, H, W].
torch::Tensor PerChannel(const torch::Tensor& values) { return values.view({1, -1, 1, 1}); }

torch::Tensor ChannelSum(const torch::Tensor& x) { return x.sum({0, 2, 3}, false, torch::kFloat64); }

// Gradients of scale and shift are of the own part alone: the training sums those of all weights.
class NormaliseTogether : public torch::autograd::Function<NormaliseTogether> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias, const torch::Tensor& mean,
                               const torch::Tensor& variance, double count, double eps) {
    // In LibTorch's own order of operations, so that the last digits are alike as well: a channel that hardly varies
    // multiplies them by hundreds.
    const auto type = x.scalar_type();
    const auto scale = torch::rsqrt(variance + eps).to(type), center = mean.to(type);
    const auto factor = scale * weight;
    context->save_for_backward({x, center, scale, weight});
    context->saved_data["count"] = count;
    return x * PerChannel(factor) + PerChannel(bias - center * factor);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &center = saved[1], &scale = saved[2], &weight = saved[3];
    const auto normal = (x - PerChannel(center)) * PerChannel(scale);
    const auto count = context->saved_data["count"].toDouble();
    const auto& dy = gradients[0];
    const auto type = dy.scalar_type();
    const auto own = torch::stack({ChannelSum(dy), ChannelSum(dy * normal)});
    auto all = own.clone();
    SumOverProcesses()(all);
    all = all / count;
    const auto dx = (dy - PerChannel(all[0].to(type)) - normal * PerChannel(all[1].to(type))) *
                    PerChannel((weight * scale).to(type));
    return {dx, own[1].to(weight.scalar_type()), own[0].to(weight.scalar_type()), {}, {}, {}, {}};
  }
};

constexpr double kMomentum = 0.1;

}  // namespace

BatchNorm2dImpl::BatchNorm2dImpl(std::int64_t channels, double eps) : eps_(eps) {
  weight = register_parameter("weight", torch::ones({channels}));
  bias = register_parameter("bias", torch::zeros({channels}));
  running_mean = register_buffer("running_mean", torch::zeros({channels}));
  running_var = register_buffer("running_var", torch::ones({channels}));
  num_batches_tracked = register_buffer("num_batches_tracked", torch::tensor(0, torch::kInt64));
}

torch::Tensor BatchNorm2dImpl::forward(const torch::Tensor& x) {
  if (is_training()) num_batches_tracked.add_(1);
  if (is_training() && SumOverProcesses()) return Together(x);
  return torch::batch_norm(x, weight, bias, running_mean, running_var, is_training(), kMomentum, eps_,
                           at::globalContext().userEnabledCuDNN());
}

torch::Tensor BatchNorm2dImpl::Together(const torch::Tensor& x) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const auto input = x.to(torch::promote_types(x.scalar_type(), torch::kFloat32));
  torch::Tensor mean, variance;
  double count = 0;
  {
    const torch::NoGradGuard no_grad;
    auto sums = ChannelSum(input);
    sums = torch::cat({sums, torch::full({1}, static_cast<double>(input.numel() / input.size(1)), sums.options())});
    SumOverProcesses()(sums);
    count = sums[-1].item<double>();
    mean = sums.slice(0, 0, -1) / count;
    variance = ChannelSum((input - PerChannel(mean.to(input.scalar_type()))).square());
    SumOverProcesses()(variance);
    running_var.mul_(1 - kMomentum).add_((variance / (count - 1)).to(running_var.scalar_type()), kMomentum);
    running_mean.mul_(1 - kMomentum).add_(mean.to(running_mean.scalar_type()), kMomentum);
    variance = variance / count;
  }
  return NormaliseTogether::apply(input, weight, bias, mean, variance, count, eps_);
}

SynchronisedBatchNorm::SynchronisedBatchNorm(std::function<void(const torch::Tensor&)> sum) {
  SumOverProcesses() = std::move(sum);
}
SynchronisedBatchNorm::~SynchronisedBatchNorm() { SumOverProcesses() = nullptr; }

bool HasBatchStatistics(const torch::nn::Module& module) {
  for (const auto& child : module.modules()) {
    if (child->as<BatchNorm2d>() != nullptr && child->is_training()) return true;
  }
  return false;
}

void FreezeBatchStatistics(torch::nn::Module& module) {
  for (const auto& child : module.modules()) {
    if (child->as<BatchNorm2d>() != nullptr) child->eval();
  }
}

}  // namespace dualgeo
