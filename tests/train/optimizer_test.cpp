#include "dualgeo/train/optimizer.h"

#include <gtest/gtest.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

torch::nn::Sequential Network() {
  torch::manual_seed(1);
  return torch::nn::Sequential(torch::nn::Linear(5, 7), torch::nn::ReLU(), torch::nn::Linear(7, 3));
}

void Backward(torch::nn::Sequential& network, int step) {
  torch::manual_seed(100 + step);
  network->forward(torch::randn({4, 5})).square().sum().backward();
}

TEST(AdamWTest, IsPyTorchsWithDecayForMatricesOnly) {
  auto ours = Network();
  auto theirs = Network();
  TrainOptions options;
  options.weight_decay = 0.1;
  const auto optimizer = MakeOptimizer(*ours, options);
  std::vector<torch::Tensor> matrices, vectors;
  for (const auto& parameter : theirs->parameters()) (parameter.dim() >= 2 ? matrices : vectors).push_back(parameter);
  torch::optim::AdamW decayed(matrices, torch::optim::AdamWOptions(0.01).weight_decay(0.1));
  torch::optim::AdamW plain(vectors, torch::optim::AdamWOptions(0.01).weight_decay(0));
  for (int step = 0; step < 20; ++step) {
    optimizer->ZeroGrad();
    Backward(ours, step);
    optimizer->Step(0.01);
    decayed.zero_grad();
    plain.zero_grad();
    Backward(theirs, step);
    decayed.step();
    plain.step();
  }
  const auto a = ours->parameters();
  const auto b = theirs->parameters();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::allclose(a[i], b[i], 1e-5, 1e-6)) << i;
}

TEST(AdamWTest, DecayAllIsPyTorchsDefault) {
  auto ours = Network();
  auto theirs = Network();
  TrainOptions options;
  options.weight_decay = 0.1;
  options.decay = "all";
  const auto optimizer = MakeOptimizer(*ours, options);
  torch::optim::AdamW reference(theirs->parameters(), torch::optim::AdamWOptions(0.01).weight_decay(0.1));
  for (int step = 0; step < 20; ++step) {
    optimizer->ZeroGrad();
    Backward(ours, step);
    optimizer->Step(0.01);
    reference.zero_grad();
    Backward(theirs, step);
    reference.step();
  }
  const auto a = ours->parameters();
  const auto b = theirs->parameters();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::allclose(a[i], b[i], 1e-5, 1e-6)) << i;
}

TEST(OptimizerTest, LeavesFrozenParametersAlone) {
  auto network = Network();
  network->parameters()[0].set_requires_grad(false);
  const torch::Tensor before = network->parameters()[0].clone();
  const auto optimizer = MakeOptimizer(*network, TrainOptions());
  Backward(network, 0);
  optimizer->Step(0.1);
  EXPECT_TRUE(torch::equal(before, network->parameters()[0]));
  std::map<std::string, torch::Tensor> state;
  optimizer->Save(state);
  EXPECT_EQ(state.size(), 1 + 2 * 3);
  EXPECT_EQ(state.count("optimizer/exp_avg/0.weight"), 0);
}

TEST(SgdTest, IsPyTorchs) {
  for (const double momentum : {0.0, 0.9}) {
    for (const bool nesterov : {false, momentum > 0}) {
      auto ours = Network();
      auto theirs = Network();
      TrainOptions options;
      options.optimizer = "sgd";
      options.momentum = momentum;
      options.nesterov = nesterov;
      options.weight_decay = 0.1;
      options.decay = "all";
      const auto optimizer = MakeOptimizer(*ours, options);
      torch::optim::SGD reference(
          theirs->parameters(), torch::optim::SGDOptions(0.01).momentum(momentum).nesterov(nesterov).weight_decay(0.1));
      for (int step = 0; step < 20; ++step) {
        optimizer->ZeroGrad();
        Backward(ours, step);
        optimizer->Step(0.01);
        reference.zero_grad();
        Backward(theirs, step);
        reference.step();
      }
      const auto a = ours->parameters();
      const auto b = theirs->parameters();
      for (std::size_t i = 0; i < a.size(); ++i) {
        EXPECT_TRUE(torch::allclose(a[i], b[i], 1e-5, 1e-6)) << momentum << nesterov << i;
      }
    }
  }
}

class OptimizerKinds : public ::testing::TestWithParam<const char*> {};

TEST_P(OptimizerKinds, StateGoesOnWhereItWasSaved) {
  TrainOptions options;
  options.optimizer = GetParam();
  auto whole = Network();
  const auto one = MakeOptimizer(*whole, options);
  auto resumed = Network();
  std::map<std::string, torch::Tensor> state;
  {
    const auto first = MakeOptimizer(*resumed, options);
    for (int step = 0; step < 3; ++step) {
      first->ZeroGrad();
      Backward(resumed, step);
      first->Step(0.01);
    }
    first->Save(state);
  }
  const auto second = MakeOptimizer(*resumed, options);
  second->Load(state, "here");
  for (int step = 3; step < 6; ++step) {
    second->ZeroGrad();
    Backward(resumed, step);
    second->Step(0.01);
  }
  for (int step = 0; step < 6; ++step) {
    one->ZeroGrad();
    Backward(whole, step);
    one->Step(0.01);
  }
  for (std::size_t i = 0; i < whole->parameters().size(); ++i) {
    EXPECT_TRUE(torch::equal(whole->parameters()[i], resumed->parameters()[i])) << i;
  }
  ASSERT_TRUE(state.erase("optimizer/exp_avg/0.weight") + state.erase("optimizer/momentum/0.weight") > 0);
  EXPECT_THROW(second->Load(state, "here"), InputError);
}

INSTANTIATE_TEST_SUITE_P(All, OptimizerKinds, ::testing::Values("adamw", "sgd"));

TEST(OptimizerTest, GradientNormIsOverAllParameters) {
  auto network = Network();
  const auto optimizer = MakeOptimizer(*network, TrainOptions());
  Backward(network, 0);
  double sum = 0;
  for (const auto& parameter : network->parameters()) sum += parameter.grad().square().sum().item<double>();
  EXPECT_NEAR(optimizer->GradientNorm(), std::sqrt(sum), 1e-4);
  optimizer->ScaleGradients(0.5);
  EXPECT_NEAR(optimizer->GradientNorm(), std::sqrt(sum) / 2, 1e-4);
  optimizer->ZeroGrad();
  EXPECT_EQ(optimizer->GradientNorm(), 0);
}

}  // namespace
}  // namespace dualgeo
