// AdamW (Loshchilov and Hutter, ICLR 2019, arXiv 1711.05101), with the arithmetic of PyTorch's.
#include <cmath>

#include "optimizer_kinds.h"

namespace dualgeo {
namespace {

class AdamW : public Optimizer {
 public:
  AdamW(const torch::nn::Module& module, const TrainOptions& options)
      : Optimizer(module, options, {"exp_avg", "exp_avg_sq"}),
        beta1_(options.beta1),
        beta2_(options.beta2),
        eps_(options.eps),
        weight_decay_(options.weight_decay) {}

 protected:
  void Update(const Lists& lists, double lr) override {
    const auto& means = lists.states[0];
    const auto& squares = lists.states[1];
    if (weight_decay_ > 0 && !lists.decayed.empty()) at::_foreach_mul_(lists.decayed, 1 - lr * weight_decay_);
    at::_foreach_mul_(means, beta1_);
    at::_foreach_add_(means, lists.gradients, 1 - beta1_);
    at::_foreach_mul_(squares, beta2_);
    at::_foreach_addcmul_(squares, lists.gradients, lists.gradients, 1 - beta2_);
    const double correction1 = 1 - std::pow(beta1_, static_cast<double>(steps()));
    const double correction2 = 1 - std::pow(beta2_, static_cast<double>(steps()));
    auto denominators = at::_foreach_sqrt(squares);
    at::_foreach_div_(denominators, std::sqrt(correction2));
    at::_foreach_add_(denominators, eps_);
    at::_foreach_addcdiv_(lists.parameters, means, denominators, -lr / correction1);
  }

 private:
  double beta1_, beta2_, eps_, weight_decay_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeAdamW(const torch::nn::Module& module, const TrainOptions& options) {
  return std::make_unique<AdamW>(module, options);
}

}  // namespace dualgeo
