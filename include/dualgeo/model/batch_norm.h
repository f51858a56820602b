// Batch normalisation (Ioffe & Szegedy, ICML 2015), as torch::nn::BatchNorm2d and under its names; in training over the
// whole batch also where several processes have a part of it each.
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>
#include <functional>

namespace dualgeo {

class BatchNorm2dImpl : public torch::nn::Module {
 public:
  explicit BatchNorm2dImpl(std::int64_t channels, double eps = 1e-5);
  // [N, C, H, W].
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor weight, bias;                                    // [C]
  torch::Tensor running_mean, running_var, num_batches_tracked;  // [C], [C], []

 private:
  torch::Tensor Together(const torch::Tensor& x);

  double eps_;
};
TORCH_MODULE(BatchNorm2d);

// While it lives, mean and variance in training are those of the batches of all processes; each has a part that is not
// empty, and all run the same layers. sum: over all processes, in place.
class SynchronisedBatchNorm {
 public:
  explicit SynchronisedBatchNorm(std::function<void(const torch::Tensor&)> sum);
  ~SynchronisedBatchNorm();
  SynchronisedBatchNorm(const SynchronisedBatchNorm&) = delete;
  SynchronisedBatchNorm& operator=(const SynchronisedBatchNorm&) = delete;
};

// Whether layers of the module go by the statistics of their batches: they are in training mode.
bool HasBatchStatistics(const torch::nn::Module& module);
// Puts them into evaluation mode: their statistics stay, scale and shift go on learning.
void FreezeBatchStatistics(torch::nn::Module& module);

}  // namespace dualgeo
