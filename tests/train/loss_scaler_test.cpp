#include "src/train/loss_scaler.h"

#include <gtest/gtest.h>

#include <limits>

namespace dualgeo {
namespace {

TEST(LossScaler, HalvesWhereGradientsOverflowAndDoublesAfterManyGoodSteps) {
  LossScaler scaler(true);
  EXPECT_EQ(scaler.scale(), 65536);
  EXPECT_FALSE(scaler.Update(false));
  EXPECT_EQ(scaler.scale(), 32768);
  for (int i = 0; i < 1999; ++i) ASSERT_TRUE(scaler.Update(true));
  EXPECT_EQ(scaler.scale(), 32768);
  EXPECT_TRUE(scaler.Update(true));
  EXPECT_EQ(scaler.scale(), 65536);
  // An overflow starts the count anew.
  for (int i = 0; i < 1999; ++i) scaler.Update(true);
  scaler.Update(false);
  scaler.Update(true);
  EXPECT_EQ(scaler.scale(), 32768);
  for (int i = 0; i < 40; ++i) scaler.Update(false);
  EXPECT_EQ(scaler.scale(), 1);
}

TEST(LossScaler, GradientsAreThoseOfTheLossItself) {
  torch::nn::Linear layer(3, 1);
  TrainOptions options;
  const auto optimizer = MakeOptimizer(*layer, options);
  const LossScaler scaler(true);
  const auto x = torch::tensor({{1.F, -2.F, 0.5F}});
  layer(x).sum().backward();
  const auto plain = layer->weight.grad().clone();
  optimizer->ZeroGrad();
  scaler.Scale(layer(x).sum()).backward();
  EXPECT_EQ(layer->weight.grad()[0][1].item<float>(), -2 * 65536.F);
  scaler.Unscale(*optimizer);
  EXPECT_TRUE(torch::equal(layer->weight.grad(), plain));
}

// As fp16 does: a value that it cannot hold becomes infinite, and the step is left out.
TEST(LossScaler, AnOverflowInHalfPrecisionIsSeen) {
  torch::nn::Linear layer(1, 1);
  TrainOptions options;
  const auto optimizer = MakeOptimizer(*layer, options);
  LossScaler scaler(true);
  const auto before = layer->weight.detach().clone();
  int left_out = 0;
  for (int step = 0; step < 20; ++step) {
    optimizer->ZeroGrad();
    const auto loss = scaler.Scale(layer(torch::full({1, 1}, 300.F)).sum());
    loss.backward();
    auto& gradient = layer->weight.mutable_grad();
    gradient = gradient.to(torch::kHalf).to(torch::kFloat32);
    scaler.Unscale(*optimizer);
    if (!scaler.Update(std::isfinite(optimizer->GradientNorm().item<double>()))) {
      ++left_out;
      continue;
    }
    EXPECT_EQ(layer->weight.grad().item<float>(), 300);
    optimizer->Step(0.1);
  }
  EXPECT_EQ(left_out, 9);  // 300 * 2^k is below 65,504 from k = 7 on
  EXPECT_EQ(scaler.scale(), 128);
  EXPECT_FALSE(torch::equal(layer->weight, before));
}

TEST(LossScaler, KeepsItsStateInACheckpoint) {
  LossScaler scaler(true);
  scaler.Update(false);
  for (int i = 0; i < 1500; ++i) scaler.Update(true);
  TrainerState state;
  scaler.Save(state);
  LossScaler other(true);
  other.Load(state.at("scaler"));
  for (int i = 0; i < 499; ++i) other.Update(true);
  EXPECT_EQ(other.scale(), 32768);
  other.Update(true);
  EXPECT_EQ(other.scale(), 65536);
}

TEST(LossScaler, IsOffInOtherPrecisions) {
  LossScaler scaler(false);
  EXPECT_TRUE(scaler.Update(false));
  const auto loss = torch::tensor(2.F);
  EXPECT_TRUE(torch::equal(scaler.Scale(loss), loss));
}

}  // namespace
}  // namespace dualgeo
