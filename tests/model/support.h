// Shared by the tests of this folder.
#pragma once

#include <gtest/gtest.h>
#include "dualgeo/io/torch.h"

#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "dualgeo/model/options.h"

namespace dualgeo {

inline std::filesystem::path Golden(const std::string& name) {
  return std::filesystem::path(DUALGEO_SOURCE_DIR) / "tests/data/model" / (name + ".safetensors");
}

// One view through a transformer of one block, trained with the rest.
inline ModelOptions SmallPhotoModel(int embed_dim = 8) {
  ModelOptions options;
  options.embed_dim = embed_dim;
  options.views = "image";
  options.image_encoder.preset = "vit-tiny";
  options.image_encoder.width = 8;
  options.image_encoder.layers = 1;
  options.image_encoder.heads = 2;
  options.image_encoder.image_size = 32;
  options.image_encoder.freeze = false;
  return options;
}

// Norm of the difference over the norm of what is expected.
inline double RelativeError(const torch::Tensor& actual, const torch::Tensor& expected) {
  const auto want = expected.to(torch::kFloat64);
  return ((actual.to(torch::kFloat64) - want).norm() / want.norm()).item<double>();
}

inline double MaxDifference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

// Compares the gradients of a scalar function with central differences, element by element. `inputs` are double
// tensors that the function reads.
inline void ExpectGradients(const std::function<torch::Tensor()>& function,
                            const std::vector<std::pair<std::string, torch::Tensor>>& inputs) {
  for (const auto& input : inputs) {
    auto tensor = input.second;
    tensor.set_requires_grad(true);
    tensor.mutable_grad() = torch::Tensor();
  }
  function().backward();
  torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-5;
  for (const auto& [name, tensor] : inputs) {
    ASSERT_EQ(tensor.scalar_type(), torch::kFloat64) << name;
    ASSERT_TRUE(tensor.is_contiguous()) << name;
    const auto gradient = tensor.grad().defined() ? tensor.grad().contiguous() : torch::zeros_like(tensor);
    auto* const value = tensor.data_ptr<double>();
    double worst = 0;
    for (std::int64_t i = 0; i < tensor.numel(); ++i) {
      const double original = value[i];
      value[i] = original + kStep;
      const double above = function().item<double>();
      value[i] = original - kStep;
      const double below = function().item<double>();
      value[i] = original;
      const double expected = (above - below) / (2 * kStep);
      worst = std::max(worst, std::abs(gradient.data_ptr<double>()[i] - expected) / (1 + std::abs(expected)));
    }
    EXPECT_LT(worst, 1e-7) << name;
  }
}

}  // namespace dualgeo
