#include "dualgeo/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dualgeo {

double LearningRate(const TrainOptions& options, const TrainLength& length, std::int64_t step) {
  const ScheduleOptions& schedule = options.schedule;
  const std::int64_t warmup =
      schedule.warmup_steps +
      std::llround(schedule.warmup_epochs * static_cast<double>(std::max<std::int64_t>(length.steps_per_epoch, 1)));
  if (step < warmup) return options.lr * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (schedule.type == "step") {
    const std::int64_t epoch = step / std::max<std::int64_t>(length.steps_per_epoch, 1);
    const std::int64_t decays = epoch / schedule.step_epochs;
    return options.lr * std::pow(schedule.gamma, static_cast<double>(decays));
  }
  if (schedule.type == "cosine") {
    const double whole = static_cast<double>(std::max<std::int64_t>(length.total_steps - warmup, 1));
    const double done = std::min(static_cast<double>(step - warmup), whole);
    return schedule.min_lr + (options.lr - schedule.min_lr) * (1 + std::cos(std::numbers::pi * done / whole)) / 2;
  }
  return options.lr;
}

}  // namespace dualgeo
