#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "train/kinds.h"

namespace dualgeo {
namespace {

// Where in a training a step is.
struct Moment {
  double epoch;        // finished ones, whole
  double done, whole;  // steps after the warm-up
};

// How each kind moves the rate after the warm-up.
double StepRate(double lr, const ScheduleOptions& schedule, const Moment& now) {
  return lr * std::pow(schedule.gamma, std::floor(now.epoch / schedule.step_epochs));
}

double MultiStepRate(double lr, const ScheduleOptions& schedule, const Moment& now) {
  const auto passed = std::ranges::count_if(schedule.milestones, [&](int milestone) { return milestone <= now.epoch; });
  return lr * std::pow(schedule.gamma, static_cast<double>(passed));
}

double ExponentialRate(double lr, const ScheduleOptions& schedule, const Moment& now) {
  return lr * std::pow(schedule.gamma, now.epoch);
}

double CosineRate(double lr, const ScheduleOptions& schedule, const Moment& now) {
  return schedule.min_lr + (lr - schedule.min_lr) * (1 + std::cos(std::numbers::pi * now.done / now.whole)) / 2;
}

double ConstantRate(double lr, const ScheduleOptions&, const Moment&) { return lr; }

struct ScheduleKind {
  const char* name;
  double (*rate)(double, const ScheduleOptions&, const Moment&);
  bool needs_length;
};
constexpr ScheduleKind kSchedules[] = {DUALGEO_SCHEDULES(DUALGEO_KIND_ENTRY)};

const ScheduleKind& KindOf(const ScheduleOptions& schedule) {
  return FindKind(kSchedules, schedule.type, "train.schedule.type");
}

}  // namespace

double LearningRate(const TrainOptions& options, const TrainLength& length, std::int64_t step) {
  const ScheduleOptions& schedule = options.schedule;
  const std::int64_t epoch_steps = std::max<std::int64_t>(length.steps_per_epoch, 1);
  const std::int64_t warmup =
      schedule.warmup_steps + std::llround(schedule.warmup_epochs * static_cast<double>(epoch_steps));
  if (step < warmup) return options.lr * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const double whole = static_cast<double>(std::max<std::int64_t>(length.total_steps - warmup, 1));
  const double done = std::min(static_cast<double>(step - warmup), whole);
  const std::int64_t epoch = step / epoch_steps;
  return KindOf(schedule).rate(options.lr, schedule, {static_cast<double>(epoch), done, whole});
}

bool DependsOnLength(const ScheduleOptions& schedule) { return KindOf(schedule).needs_length; }

}  // namespace dualgeo
