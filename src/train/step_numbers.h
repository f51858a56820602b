// What steps tell: loss, gradient norm, terms of the loss. Reading one of them waits for all that the device still has
// to do, so they are kept there and read many at once.
#pragma once

#include "dualgeo/io/torch.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dualgeo/model/head.h"

namespace dualgeo {

struct StepNumbers {
  std::int64_t step = 0;  // how many were done before
  std::int64_t epoch = 0;
  double lr = 0;
  double loss = 0;
  double gradient_norm = 0;
  std::vector<std::pair<std::string, double>> details;
};

class UnreadNumbers {
 public:
  // late: they are read once a second, or when there are very many; else after every step.
  explicit UnreadNumbers(bool late) : late_(late) {}

  // loss, gradient_norm and details: scalars. `numbers` has the rest.
  void Add(StepNumbers numbers, const torch::Tensor& loss, const torch::Tensor& gradient_norm, NamedTensors details);
  bool late() const { return late_; }
  bool due() const;
  // All that were added since, in order.
  std::vector<StepNumbers> Read();

 private:
  using Clock = std::chrono::steady_clock;

  bool late_;
  std::vector<StepNumbers> steps_;
  std::vector<torch::Tensor> scalars_;  // of each step: loss, norm, details
  Clock::time_point last_read_ = Clock::now();
};

}  // namespace dualgeo
