// Learning rate by step. After the warm-up the values are those of PyTorch's StepLR, MultiStepLR and
// ExponentialLR (stepped every epoch) and CosineAnnealingLR (stepped every step, T_max = the steps after the warm-up).
// A new one is one function in src/train/schedule.cpp and one line in train/kinds.h.
#pragma once

#include <cstdint>

#include "train/options.h"

namespace dualgeo {

struct TrainLength {
  std::int64_t steps_per_epoch = 1;
  std::int64_t total_steps = 1;
};

// step: how many steps were done before. Linear warm-up: lr (step + 1) / warm-up steps.
double LearningRate(const TrainOptions& options, const TrainLength& length, std::int64_t step);

// Whether its rates depend on the number of steps: then a finished training cannot be continued to more epochs.
bool DependsOnLength(const ScheduleOptions& schedule);

}  // namespace dualgeo
