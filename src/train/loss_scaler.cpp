#include "loss_scaler.h"

#include <algorithm>

namespace dualgeo {

bool LossScaler::Update(bool gradients_are_finite) {
  if (!enabled_) return true;
  if (!gradients_are_finite) {
    scale_ = std::max(scale_ / 2, 1.0);
    good_steps_ = 0;
    return false;
  }
  if (++good_steps_ == kGoodSteps) {
    scale_ *= 2;
    good_steps_ = 0;
  }
  return true;
}

void LossScaler::Save(TrainerState& state) const {
  state["scaler"] = torch::tensor({scale_, static_cast<double>(good_steps_)}, torch::kFloat64);
}

void LossScaler::Load(const torch::Tensor& saved) {
  scale_ = saved[0].item<double>();
  good_steps_ = saved[1].item<std::int64_t>();
}

}  // namespace dualgeo
