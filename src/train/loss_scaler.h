// fp16 gradients underflow, so the loss is scaled up before the backward pass; where they overflow instead, the step is
// left out and the scale halved (Micikevicius et al., ICLR 2018; the rule of torch.cuda.amp.GradScaler).
#pragma once

#include "train/optimizer.h"
#include "train/training_folder.h"

namespace dualgeo {

class LossScaler {
 public:
  static constexpr double kInitialScale = 65536;
  static constexpr std::int64_t kGoodSteps = 2000;  // after so many without overflow the scale doubles

  explicit LossScaler(bool enabled) : enabled_(enabled) {}

  torch::Tensor Scale(const torch::Tensor& loss) const { return enabled_ ? loss * scale_ : loss; }
  void Unscale(Optimizer& optimizer) const {
    if (enabled_) optimizer.ScaleGradients(1 / scale_);
  }
  // Whether the step may be done.
  bool Update(bool gradients_are_finite);
  bool enabled() const { return enabled_; }
  double scale() const { return scale_; }

  void Save(TrainerState& state) const;
  void Load(const torch::Tensor& saved);

 private:
  bool enabled_;
  double scale_ = kInitialScale;
  std::int64_t good_steps_ = 0;
};

}  // namespace dualgeo
