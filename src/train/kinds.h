// The kinds of each part of a training: one line a kind. No LibTorch here.
#pragma once

#include "dualgeo/util/kinds.h"

// train.optimizer: std::unique_ptr<Optimizer> make(const torch::nn::Module&, const TrainOptions&)
#define DUALGEO_OPTIMIZERS(KIND) \
  KIND("adamw", MakeAdamW)       \
  KIND("sgd", MakeSgd)

// train.schedule.type: the rate after the warm-up, and whether it depends on how long the training is
#define DUALGEO_SCHEDULES(KIND)               \
  KIND("step", StepRate, false)               \
  KIND("multi_step", MultiStepRate, false)    \
  KIND("exponential", ExponentialRate, false) \
  KIND("cosine", CosineRate, true)            \
  KIND("constant", ConstantRate, false)
