// How gradients move the weights. An optimizer's state has names, so that a checkpoint does not depend on the LibTorch
// version, and every tensor is updated in place. A new one is one file in src/train/ and one line in train/kinds.h.
//
// Weight decay touches tensors of two or more dimensions only; biases, norms and logit scales are left alone unless
// options.decay is "all".
//
// Each parameter's rate is the step's times a factor (options.lr_factors, layer_decay, bias_lr_factor). Layer-wise
// rates as BEiT's (Bao et al., ICLR 2022) and timm's: of an encoder whose blocks are NAME.layers.0. ... or
// NAME.blocks.0. ..., L of them, block i has decay^(L - i), the embeddings before them decay^(L + 1), and all else 1.
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "train/options.h"

namespace dualgeo {

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  void ZeroGrad();
  // Multiplies all gradients.
  void ScaleGradients(double factor);
  // Norm over all gradients, a scalar on their device; reading it waits for that.
  torch::Tensor GradientNorm() const;
  // Multiplies all gradients by limit / norm where norm, that of them all, is above the limit.
  void ClipGradients(const torch::Tensor& norm, double limit);
  // Parameters without a gradient are left alone.
  void Step(double lr);

  std::int64_t steps() const { return steps_; }
  // The factor on the rate of each parameter, by its name.
  std::map<std::string, double> RateFactors() const;
  // "optimizer/steps", "optimizer/<state>/<parameter>".
  void Save(std::map<std::string, torch::Tensor>& state) const;
  // Throws InputError naming `source` and the key that is missing or of another shape.
  void Load(const std::map<std::string, torch::Tensor>& state, const std::string& source);

 protected:
  // state_names: what is kept of each parameter that requires gradients; tensors of its shape, 0 at first.
  Optimizer(const torch::nn::Module& module, const TrainOptions& options, std::vector<std::string> state_names);

  // What has a gradient and one rate; states[i] goes with state_names[i]. (Lists, because LibTorch's _foreach_
  // operations run each step over all tensors at once: hundreds of small kernels fewer on a GPU.)
  struct Lists {
    std::vector<torch::Tensor> parameters, gradients, decayed;
    std::vector<std::vector<torch::Tensor>> states;
    std::vector<torch::Tensor> decayed_gradients;  // of `decayed`
  };
  // For each rate once. steps(): this step's number, from 1.
  virtual void Update(const Lists& lists, double lr) = 0;

 private:
  std::vector<torch::Tensor> Gradients() const;

  struct Slot {
    std::string name;
    torch::Tensor parameter;
    std::vector<torch::Tensor> states;
    double factor = 1;  // on the rate
  };
  std::vector<Slot> slots_;
  std::vector<std::string> state_names_;
  bool decay_all_;
  std::int64_t steps_ = 0;
};

// options.optimizer, over the parameters of `module` that require gradients. Throws InputError for a prefix of
// options.lr_factors with which none of them begins, and a layer_decay where none is of an encoder's block.
std::unique_ptr<Optimizer> MakeOptimizer(const torch::nn::Module& module, const TrainOptions& options);

}  // namespace dualgeo
