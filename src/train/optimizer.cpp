#include "train/optimizer.h"

#include <utility>

#include "dualgeo/util/error.h"
#include "lr_factors.h"
#include "optimizer_kinds.h"

namespace dualgeo {
namespace {

const char* const kSteps = "optimizer/steps";

}  // namespace

Optimizer::Optimizer(const torch::nn::Module& module, const TrainOptions& options, std::vector<std::string> state_names)
    : state_names_(std::move(state_names)), decay_all_(options.decay == "all") {
  for (const auto& item : module.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    Slot slot{item.key(), item.value(), {}, 1};
    for (std::size_t i = 0; i < state_names_.size(); ++i) {
      slot.states.push_back(torch::zeros_like(slot.parameter.detach()));
    }
    slots_.push_back(std::move(slot));
  }
  std::vector<std::string> names;
  for (const auto& slot : slots_) names.push_back(slot.name);
  const std::vector<double> factors = LrFactors(names, options);
  for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].factor = factors[i];
}

std::map<std::string, double> Optimizer::RateFactors() const {
  std::map<std::string, double> factors;
  for (const auto& slot : slots_) factors[slot.name] = slot.factor;
  return factors;
}

void Optimizer::ZeroGrad() {
  for (auto& slot : slots_) slot.parameter.mutable_grad().reset();
}

std::vector<torch::Tensor> Optimizer::Gradients() const {
  std::vector<torch::Tensor> gradients;
  gradients.reserve(slots_.size());
  for (const auto& slot : slots_) {
    if (slot.parameter.grad().defined()) gradients.push_back(slot.parameter.grad());
  }
  return gradients;
}

void Optimizer::ScaleGradients(double factor) {
  const torch::NoGradGuard no_grad;
  const auto gradients = Gradients();
  if (!gradients.empty()) at::_foreach_mul_(gradients, factor);
}

torch::Tensor Optimizer::GradientNorm() const {
  const torch::NoGradGuard no_grad;
  const auto gradients = Gradients();
  if (gradients.empty()) return torch::zeros({});
  return torch::stack(at::_foreach_norm(gradients, 2)).norm();
}

void Optimizer::ClipGradients(const torch::Tensor& norm, double limit) {
  const torch::NoGradGuard no_grad;
  const auto factor = (limit / norm.to(torch::kFloat64)).clamp_max(1);
  for (const auto& gradient : Gradients()) gradient.mul_(factor);
}

void Optimizer::Step(double lr) {
  const torch::NoGradGuard no_grad;
  ++steps_;
  std::map<double, Lists> by_factor;
  for (auto& slot : slots_) {
    if (!slot.parameter.grad().defined()) continue;
    Lists& lists = by_factor[slot.factor];
    lists.states.resize(state_names_.size());
    lists.parameters.push_back(slot.parameter);
    lists.gradients.push_back(slot.parameter.grad());
    for (std::size_t i = 0; i < slot.states.size(); ++i) lists.states[i].push_back(slot.states[i]);
    if (decay_all_ || slot.parameter.dim() >= 2) {
      lists.decayed.push_back(slot.parameter);
      lists.decayed_gradients.push_back(slot.parameter.grad());
    }
  }
  for (const auto& [factor, lists] : by_factor) Update(lists, lr * factor);
}

void Optimizer::Save(std::map<std::string, torch::Tensor>& state) const {
  state[kSteps] = torch::tensor(steps_, torch::kInt64);
  for (const auto& slot : slots_) {
    for (std::size_t i = 0; i < slot.states.size(); ++i) {
      state["optimizer/" + state_names_[i] + "/" + slot.name] = slot.states[i];
    }
  }
}

void Optimizer::Load(const std::map<std::string, torch::Tensor>& state, const std::string& source) {
  const torch::NoGradGuard no_grad;
  const auto find = [&](const std::string& key, const torch::Tensor& like) {
    const auto found = state.find(key);
    if (found == state.end()) throw InputError(source + ": has no " + key + ": a checkpoint of another model");
    if (found->second.sizes() != like.sizes()) {
      throw InputError(source + ": " + key + " has another shape than the model's: a checkpoint of another model");
    }
    return found->second;
  };
  steps_ = find(kSteps, torch::tensor(steps_, torch::kInt64)).item<std::int64_t>();
  for (auto& slot : slots_) {
    for (std::size_t i = 0; i < slot.states.size(); ++i) {
      slot.states[i].copy_(find("optimizer/" + state_names_[i] + "/" + slot.name, slot.states[i]));
    }
  }
}

std::unique_ptr<Optimizer> MakeOptimizer(const torch::nn::Module& module, const TrainOptions& options) {
  struct Kind {
    const char* name;
    std::unique_ptr<Optimizer> (*make)(const torch::nn::Module&, const TrainOptions&);
  };
  static constexpr Kind kKinds[] = {DUALGEO_OPTIMIZERS(DUALGEO_KIND_ENTRY)};
  return FindKind(kKinds, options.optimizer, "train.optimizer").make(module, options);
}

}  // namespace dualgeo
