// AdamW (Loshchilov and Hutter, ICLR 2019, arXiv 1711.05101), with the arithmetic of PyTorch's. Its state has names, so
// that a checkpoint does not depend on the LibTorch version, and every tensor is updated in place.
//
// Weight decay touches tensors of two or more dimensions only; biases, norms and logit scales are left alone unless
// options.decay is "all".
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dualgeo/train/options.h"

namespace dualgeo {

class AdamW {
 public:
  // Parameters of `module` that require gradients.
  AdamW(const torch::nn::Module& module, const TrainOptions& options);

  void ZeroGrad();
  // Multiplies all gradients.
  void ScaleGradients(double factor);
  // Norm over all gradients.
  double GradientNorm() const;
  // Parameters without a gradient are left alone.
  void Step(double lr);

  std::int64_t steps() const { return steps_; }
  // "optimizer/steps", "optimizer/exp_avg/<parameter>", "optimizer/exp_avg_sq/<parameter>".
  void Save(std::map<std::string, torch::Tensor>& state) const;
  // Throws InputError naming `source` and the key that is missing or of another shape.
  void Load(const std::map<std::string, torch::Tensor>& state, const std::string& source);

 private:
  std::vector<torch::Tensor> Gradients() const;

  struct Slot {
    std::string name;
    torch::Tensor parameter;
    torch::Tensor exp_avg;
    torch::Tensor exp_avg_sq;
  };
  std::vector<Slot> slots_;
  double beta1_;
  double beta2_;
  double eps_;
  double weight_decay_;
  bool decay_all_;
  std::int64_t steps_ = 0;
};

}  // namespace dualgeo
