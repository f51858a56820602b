// Stochastic gradient descent with momentum, with the arithmetic of PyTorch's: weight decay is added to the gradient,
// and the rate multiplies the momentum. ISNs and TransLocator are trained by it.
#include "optimizer_kinds.h"

namespace dualgeo {
namespace {

class Sgd : public Optimizer {
 public:
  Sgd(const torch::nn::Module& module, const TrainOptions& options)
      : Optimizer(module, options,
                  options.momentum > 0 ? std::vector<std::string>{"momentum"} : std::vector<std::string>{}),
        momentum_(options.momentum),
        nesterov_(options.nesterov),
        weight_decay_(options.weight_decay) {}

 protected:
  void Update(const Lists& lists, double lr) override {
    if (weight_decay_ > 0 && !lists.decayed.empty()) {
      at::_foreach_add_(lists.decayed_gradients, lists.decayed, weight_decay_);
    }
    if (momentum_ == 0) {
      at::_foreach_add_(lists.parameters, lists.gradients, -lr);
      return;
    }
    const auto& velocities = lists.states[0];
    at::_foreach_mul_(velocities, momentum_);
    at::_foreach_add_(velocities, lists.gradients);
    if (nesterov_) {
      at::_foreach_add_(lists.gradients, velocities, momentum_);
      at::_foreach_add_(lists.parameters, lists.gradients, -lr);
    } else {
      at::_foreach_add_(lists.parameters, velocities, -lr);
    }
  }

 private:
  double momentum_;
  bool nesterov_;
  double weight_decay_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeSgd(const torch::nn::Module& module, const TrainOptions& options) {
  return std::make_unique<Sgd>(module, options);
}

}  // namespace dualgeo
