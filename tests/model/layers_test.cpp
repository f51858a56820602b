#include "dualgeo/model/layers.h"

#include <ATen/autocast_mode.h>

#include "model/instruction_set.h"
#include "tests/model/support.h"

namespace dualgeo {
namespace {

// What LibTorch's own operations give, in double.
torch::Tensor PlainAttention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  const auto x = q.to(torch::kFloat64) / std::sqrt(static_cast<double>(q.size(3)));
  return torch::matmul(torch::softmax(torch::matmul(x, k.to(torch::kFloat64).transpose(2, 3)), -1),
                       v.to(torch::kFloat64));
}

// Without gradients a CPU takes other paths than with them, and large weights another than small ones; all must give
// the same.
TEST(Layers, LinearIsTheSameWithoutGradients) {
  torch::manual_seed(1);
  for (const auto& [in, out] : {std::pair{24, 40}, {600, 500}}) {
    Linear linear(in, out);
    linear->Initialise();
    const auto x = torch::randn({3, 7, in});
    const auto expected = linear(x).detach();
    const torch::NoGradGuard no_grad;
    EXPECT_LT(RelativeError(linear(x), expected), 1e-6);
    EXPECT_EQ(linear(x).sizes(), expected.sizes());
    EXPECT_LT(RelativeError(linear(x.transpose(0, 1)), expected.transpose(0, 1)), 1e-6);
    EXPECT_LT(RelativeError(linear(x[0][0]), expected[0][0]), 1e-6);
    EXPECT_EQ(linear(torch::empty({0, in})).sizes(), (std::vector<std::int64_t>{0, out}));
    Linear without(in, out, false);
    without->Initialise();
    EXPECT_LT(RelativeError(without(x), torch::matmul(x, without->weight.t())), 1e-6);
  }
}

TEST(Layers, LinearInTheLowerPrecisionFollowsItsWeights) {
  torch::manual_seed(2);
  Linear linear(64, 32);
  linear->Initialise();
  linear->weight.set_requires_grad(false);
  linear->bias.set_requires_grad(false);
  const auto x = torch::randn({5, 64});
  torch::NoGradGuard no_grad;
  const auto rounded = x.to(torch::kBFloat16);
  const auto expected = [&] {
    return torch::matmul(rounded.to(torch::kFloat32), linear->weight.to(torch::kBFloat16).to(torch::kFloat32).t()) +
           linear->bias;
  };
  EXPECT_LT(RelativeError(linear(rounded).to(torch::kFloat32), expected()), 5e-3);
  linear->weight.mul_(-3);  // the copy that was kept is out of date
  EXPECT_LT(RelativeError(linear(rounded).to(torch::kFloat32), expected()), 5e-3);
  linear->weight.set_data(torch::randn({32, 64}));
  EXPECT_LT(RelativeError(linear(rounded).to(torch::kFloat32), expected()), 5e-3);
}

// Kernels of our own: the path of each instruction set that this processor has.
class LayersOnEach : public ::testing::TestWithParam<InstructionSet> {
 protected:
  InstructionSetScope scope_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(InstructionSet, LayersOnEach, ::testing::ValuesIn(InstructionSetsHere()),
                         [](const auto& test) { return NameOf(test.param); });

TEST_P(LayersOnEach, QuickGeluIsTheSameWithoutGradients) {
  // Odd in number, far beyond where e^x overflows, and zero.
  const auto x = torch::cat({torch::linspace(-200, 200, 1001), torch::linspace(-8, 8, 4002)}).view({-1});
  const auto expected = x.to(torch::kFloat64) * torch::sigmoid(1.702 * x.to(torch::kFloat64));
  EXPECT_LT(MaxDifference(QuickGelu(x.clone()).to(torch::kFloat64), expected), 1e-5);
  torch::NoGradGuard no_grad;
  const auto single = QuickGelu(x.clone()).to(torch::kFloat64);
  EXPECT_LT(((single - expected).abs() / (expected.abs() + 1e-3)).max().item<double>(), 1e-6);
  const auto low = x.to(torch::kBFloat16);
  const auto half = QuickGelu(low.clone()).to(torch::kFloat64);
  const auto low_expected = low.to(torch::kFloat64) * torch::sigmoid(1.702 * low.to(torch::kFloat64));
  EXPECT_LT(((half - low_expected).abs() / (low_expected.abs() + 1e-3)).max().item<double>(), 4.1e-3);
}

TEST_P(LayersOnEach, AttentionIsTheSameWithoutGradients) {
  torch::manual_seed(3);
  torch::NoGradGuard no_grad;
  // Sizes of a head: vectors in pairs, one left over, and none (LibTorch's way); rows and keys of any number.
  for (const std::int64_t size : {64, 32, 16, 48, 96, 8}) {
    for (const auto& [queries, keys] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 49}, {257, 257}, {17, 1}, {8, 32}, {1030, 33}}) {
      const auto q = SplitHeads(4 * torch::randn({2, queries, 3 * size}), 3);
      const auto k = SplitHeads(torch::randn({2, keys, 3 * size}), 3);
      const auto v = SplitHeads(torch::randn({2, keys, 3 * size}), 3);
      const auto expected = PlainAttention(q, k, v);
      const auto found = Attention(q, k, v);
      EXPECT_EQ(found.sizes(), expected.sizes());
      EXPECT_LT(RelativeError(found, expected.to(torch::kFloat32)), 2e-6) << size << " " << queries << " " << keys;
      const auto low = Attention(q.to(torch::kBFloat16), k.to(torch::kBFloat16), v.to(torch::kBFloat16));
      EXPECT_LT(RelativeError(low.to(torch::kFloat32), expected.to(torch::kFloat32)), 2e-2);
      EXPECT_EQ(MergeHeads(found).sizes(), (std::vector<std::int64_t>{2, queries, 3 * size}));
    }
  }
}

// Large scores neither overflow nor lose the rest.
TEST_P(LayersOnEach, AttentionOfLargeScores) {
  torch::NoGradGuard no_grad;
  const auto q = torch::full({1, 1, 2, 16}, 100.F);
  const auto k = torch::arange(0, 3, torch::kFloat32).view({1, 1, 3, 1}).expand({1, 1, 3, 16}).contiguous() * 100;
  const auto v = torch::arange(0, 48, torch::kFloat32).view({1, 1, 3, 16});
  EXPECT_LT(MaxDifference(Attention(q, k, v), v.slice(2, 2).expand({1, 1, 2, 16})), 1e-6);
}

}  // namespace
}  // namespace dualgeo
