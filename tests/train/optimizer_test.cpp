#include "train/optimizer.h"

#include <gtest/gtest.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>

#include <map>
#include <string>
#include <vector>

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
  EXPECT_NEAR(optimizer->GradientNorm().item<double>(), std::sqrt(sum), 1e-4);
  optimizer->ScaleGradients(0.5);
  EXPECT_NEAR(optimizer->GradientNorm().item<double>(), std::sqrt(sum) / 2, 1e-4);
  const auto before = network->parameters().front().grad().clone();
  optimizer->ClipGradients(optimizer->GradientNorm(), 1e9);  // below the limit: as they are
  EXPECT_TRUE(torch::equal(network->parameters().front().grad(), before));
  optimizer->ClipGradients(optimizer->GradientNorm(), 0.01);
  EXPECT_NEAR(optimizer->GradientNorm().item<double>(), 0.01, 1e-6);
  optimizer->ZeroGrad();
  EXPECT_EQ(optimizer->GradientNorm().item<double>(), 0);
}

// An encoder as transformers are named, a head beside it; every gradient is 1.
std::shared_ptr<torch::nn::Module> Blocks() {
  auto root = std::make_shared<torch::nn::Module>();
  auto encoder = root->register_module("vision_model_rgb", std::make_shared<torch::nn::Module>());
  encoder->register_parameter("pos_embed", torch::zeros({2, 2}));
  auto blocks = encoder->register_module("blocks", std::make_shared<torch::nn::Module>());
  for (int i = 0; i < 3; ++i) {
    auto block = blocks->register_module(std::to_string(i), std::make_shared<torch::nn::Module>());
    block->register_parameter("weight", torch::zeros({2, 2}));
    block->register_parameter("bias", torch::zeros({2}));
  }
  encoder->register_parameter("norm", torch::zeros({2}));
  root->register_parameter("head", torch::zeros({2, 2}));
  return root;
}

// How far one step of plain gradient descent moves each parameter: the rate that is really used.
std::map<std::string, double> RatesOf(torch::nn::Module& module, TrainOptions options, double lr) {
  options.optimizer = "sgd";
  options.momentum = 0;
  options.weight_decay = 0;
  const auto optimizer = MakeOptimizer(module, options);
  for (auto& parameter : module.parameters()) parameter.mutable_grad() = torch::ones_like(parameter);
  std::map<std::string, torch::Tensor> before;
  for (const auto& item : module.named_parameters()) before[item.key()] = item.value().detach().clone();
  optimizer->Step(lr);
  std::map<std::string, double> rates;
  for (const auto& item : module.named_parameters()) {
    const auto moved = (before[item.key()] - item.value().detach()).flatten();
    rates[item.key()] = moved[0].item<double>();
    EXPECT_TRUE(torch::allclose(moved, moved[0].expand_as(moved))) << item.key();
    EXPECT_NEAR(rates[item.key()], lr * optimizer->RateFactors().at(item.key()), 1e-7) << item.key();
  }
  return rates;
}

TEST(LayerRates, FallFromTheLastBlockToTheEmbeddings) {
  TrainOptions options;
  options.layer_decay = 0.5;
  const auto module = Blocks();
  const auto rates = RatesOf(*module, options, 0.8);
  EXPECT_NEAR(rates.at("head"), 0.8, 1e-6);
  EXPECT_NEAR(rates.at("vision_model_rgb.norm"), 0.8, 1e-6);
  EXPECT_NEAR(rates.at("vision_model_rgb.blocks.2.weight"), 0.4, 1e-6);
  EXPECT_NEAR(rates.at("vision_model_rgb.blocks.1.bias"), 0.2, 1e-6);
  EXPECT_NEAR(rates.at("vision_model_rgb.blocks.0.weight"), 0.1, 1e-6);
  EXPECT_NEAR(rates.at("vision_model_rgb.pos_embed"), 0.05, 1e-6);
}

TEST(LayerRates, PrefixesAndBiasesMultiply) {
  TrainOptions options;
  options.lr_factors = {"vision_model_rgb.=0.5", "vision_model_rgb.blocks.1.=0", "head=2"};
  options.bias_lr_factor = 0.024;
  options.layer_decay = 0.5;
  const auto module = Blocks();
  const auto rates = RatesOf(*module, options, 1);
  EXPECT_NEAR(rates.at("head"), 2, 1e-6);
  EXPECT_NEAR(rates.at("vision_model_rgb.norm"), 0.5, 1e-6);
  EXPECT_NEAR(rates.at("vision_model_rgb.blocks.2.weight"), 0.25, 1e-6);
  EXPECT_NEAR(rates.at("vision_model_rgb.blocks.2.bias"), 0.25 * 0.024, 1e-6);
  EXPECT_EQ(rates.at("vision_model_rgb.blocks.1.weight"), 0);
}

// The moments of each group are its own: AdamW's steps are those of an optimizer for each group.
TEST(LayerRates, OfAdamWAreThoseOfOneOptimizerAGroup) {
  auto ours = Network();
  auto theirs = Network();
  TrainOptions options;
  options.weight_decay = 0.1;
  options.decay = "all";
  options.lr_factors = {"2.=0.1"};
  const auto optimizer = MakeOptimizer(*ours, options);
  const auto all = theirs->parameters();
  torch::optim::AdamW first(std::vector<torch::Tensor>{all[0], all[1]},
                            torch::optim::AdamWOptions(0.01).weight_decay(0.1));
  torch::optim::AdamW second(std::vector<torch::Tensor>{all[2], all[3]},
                             torch::optim::AdamWOptions(0.001).weight_decay(0.1));
  for (int step = 0; step < 10; ++step) {
    optimizer->ZeroGrad();
    Backward(ours, step);
    optimizer->Step(0.01);
    theirs->zero_grad();
    Backward(theirs, step);
    first.step();
    second.step();
  }
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(torch::allclose(ours->parameters()[i], all[i], 1e-5, 1e-6));
}

TEST(LayerRates, WhatFitsNothingIsRefused) {
  const auto message = [](const std::vector<std::string>& factors, double decay, bool frozen) -> std::string {
    TrainOptions options;
    options.lr_factors = factors;
    options.layer_decay = decay;
    const auto module = Blocks();
    if (frozen) {
      for (auto& item : module->named_parameters()) item.value().set_requires_grad(item.key() == "head");
    }
    try {
      MakeOptimizer(*module, options);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message({"vision_modell_rgb.=0.1"}, 1, false),
            "lr_factors: no weight that is trained begins with 'vision_modell_rgb.', did you mean vision_model_rgb.? "
            "(they begin with: head, vision_model_rgb)");
  EXPECT_NE(message({"vision_model_rgb.=0.1"}, 1, true).find("no weight that is trained begins with"),
            std::string::npos);
  EXPECT_NE(message({"head"}, 1, false).find("'head' is not NAME=FACTOR"), std::string::npos);
  EXPECT_NE(message({"head=-1"}, 1, false).find("'head=-1' is not NAME=FACTOR"), std::string::npos);
  EXPECT_NE(message({}, 0.7, true).find("layer_decay: 0.7: no block of an encoder is trained"), std::string::npos);
}

}  // namespace
}  // namespace dualgeo
