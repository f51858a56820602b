#include "train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

std::vector<double> Rates(const TrainOptions& options, const TrainLength& length, std::int64_t steps) {
  std::vector<double> rates;
  for (std::int64_t step = 0; step < steps; ++step) rates.push_back(LearningRate(options, length, step));
  return rates;
}

void ExpectNear(const std::vector<double>& got, const std::vector<double>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-12) << "step " << i;
}

TEST(ScheduleTest, StepIsPyTorchsStepLr) {
  TrainOptions options;  // lr 4e-5, gamma .87 every 2 epochs
  // torch.optim.lr_scheduler.StepLR(step_size=2, gamma=.87), stepped after each epoch of 3 steps.
  ExpectNear(Rates(options, {3, 30}, 15), {4e-5, 4e-5, 4e-5, 4e-5, 4e-5, 4e-5, 3.48e-5, 3.48e-5, 3.48e-5, 3.48e-5,
                                           3.48e-5, 3.48e-5, 3.0276e-5, 3.0276e-5, 3.0276e-5});
}

TEST(ScheduleTest, CosineIsPyTorchsCosineAnnealingLr) {
  TrainOptions options;
  options.lr = 0.1;
  options.schedule.type = "cosine";
  // torch.optim.lr_scheduler.CosineAnnealingLR(T_max=10), its last_lr step by step.
  ExpectNear(Rates(options, {5, 10}, 10),
             {0.1, 0.09755282581475769, 0.09045084971874739, 0.07938926261462367, 0.06545084971874739, 0.05,
              0.034549150281252636, 0.020610737385376346, 0.009549150281252633, 0.002447174185242323});
  options.schedule.min_lr = 0.02;
  EXPECT_NEAR(LearningRate(options, {5, 10}, 5), 0.06, 1e-12);
  EXPECT_NEAR(LearningRate(options, {5, 10}, 10), 0.02, 1e-12);
  EXPECT_NEAR(LearningRate(options, {5, 10}, 1000), 0.02, 1e-12);
}

TEST(ScheduleTest, MultiStepAndExponentialArePyTorchs) {
  TrainOptions options;
  options.lr = 1;
  options.schedule.gamma = 0.5;
  options.schedule.type = "multi_step";
  options.schedule.milestones = {1, 3};
  ExpectNear(Rates(options, {2, 10}, 10), {1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25});
  options.schedule.type = "exponential";
  ExpectNear(Rates(options, {2, 10}, 6), {1, 1, 0.5, 0.5, 0.25, 0.25});
  EXPECT_FALSE(DependsOnLength(options.schedule));
  options.schedule.type = "multi_step";
  options.schedule.milestones = {};
  try {
    options.Validate();
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "train.schedule.milestones: []: multi_step needs at least one");
  }
}

// To the last bit, since a checkpoint's bytes hang on it: step 172 of the quickstart's 1,062, 59 of them to warm up.
TEST(ScheduleTest, CosineRoundsAsItAlwaysDid) {
  TrainOptions options;
  options.lr = 1e-3;
  options.schedule.type = "cosine";
  options.schedule.warmup_epochs = 0.5;
  const auto before = [](double done, double whole) {
    return 0 + (1e-3 - 0) * (1 + std::cos(std::numbers::pi * done / whole)) / 2;
  };
  for (std::int64_t step = 59; step < 1062; ++step) {
    ASSERT_EQ(LearningRate(options, {118, 1062}, step), before(static_cast<double>(step - 59), 1003)) << step;
  }
}

TEST(ScheduleTest, WarmUpRisesLinearlyAndCosineFallsAfterIt) {
  TrainOptions options;
  options.lr = 1;
  options.schedule.type = "cosine";
  options.schedule.warmup_steps = 2;
  options.schedule.warmup_epochs = 0.5;  // of 4 steps: 2 more
  ExpectNear(Rates(options, {4, 8}, 8), {0.25, 0.5, 0.75, 1, 1, 0.8535533905932737, 0.5, 0.14644660940672627});
  options.schedule.type = "constant";
  ExpectNear(Rates(options, {4, 8}, 6), {0.25, 0.5, 0.75, 1, 1, 1});
}

}  // namespace
}  // namespace dualgeo
