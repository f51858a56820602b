#include "dualgeo/model/segmentation_encoder.h"

#include "dualgeo/util/error.h"
#include "model/onehot_conv.h"
#include "tests/model/support.h"

namespace dualgeo {
namespace {

torch::Tensor SomeMask(std::int64_t count, std::int64_t side, int labels) {
  torch::manual_seed(7);
  // Few of the classes occur, and some pixels are to be ignored.
  const auto ids = torch::randint(0, 5, {count, side, side}) * 3 % labels;
  return ids.masked_fill(torch::rand({count, side, side}) < 0.1, 255).to(torch::kUInt8);
}

torch::Tensor OneHot(const torch::Tensor& mask, int labels) {
  return (mask.unsqueeze(1) == torch::arange(labels).view({1, labels, 1, 1})).to(torch::kFloat32);
}

TEST(OneHotConv, EqualsTheDenseConvolution) {
  const auto mask = SomeMask(3, 20, 19);
  auto weight = torch::randn({6, 19, 7, 7}).set_requires_grad(true);
  const auto sparse = OneHotConv2d(mask, weight, 2, 3);
  const auto dense = torch::conv2d(OneHot(mask, 19), weight, {}, 2, 3);
  EXPECT_EQ(sparse.sizes(), dense.sizes());
  EXPECT_LT(RelativeError(sparse.detach(), dense.detach()), 1e-6);

  const auto gradient = torch::randn_like(dense);
  const auto a = torch::autograd::grad({sparse}, {weight}, {gradient})[0];
  const auto b = torch::autograd::grad({dense}, {weight}, {gradient})[0];
  EXPECT_LT(RelativeError(a, b), 1e-6);
  EXPECT_EQ(a.select(1, 1).abs().max().item<float>(), 0.0f) << "class 1 does not occur";
}

TEST(OneHotConv, LargeBatchesGoInChunks) {
  const auto mask = torch::randint(0, 60, {40, 96, 96}).to(torch::kUInt8);
  auto weight = torch::randn({2, 60, 3, 3}).set_requires_grad(true);
  const auto all = OneHotConv2d(mask, weight, 8, 1);
  std::vector<torch::Tensor> one_by_one;
  for (int i = 0; i < 40; ++i) one_by_one.push_back(OneHotConv2d(mask.slice(0, i, i + 1), weight, 8, 1));
  EXPECT_LT(RelativeError(all.detach(), torch::cat(one_by_one).detach()), 1e-6);
}

TEST(OneHotConv, IgnoredPixelsAreZeroAndUnknownClassesAreRefused) {
  const auto weight = torch::randn({2, 5, 3, 3});
  const auto ignored = torch::full({1, 8, 8}, 255, torch::kUInt8);
  EXPECT_EQ(OneHotConv2d(ignored, weight, 2, 1).abs().max().item<float>(), 0.0f);
  EXPECT_EQ(OneHotConv2d(ignored, weight, 2, 1).sizes(), (std::vector<std::int64_t>{1, 2, 4, 4}));
  EXPECT_THROW(OneHotConv2d(torch::full({1, 8, 8}, 5, torch::kUInt8), weight, 2, 1), Error);
}

TEST(OneHotConv, GradientsAreRight) {
  const auto mask = SomeMask(2, 6, 7);
  auto weight = torch::randn({2, 7, 3, 3}, torch::kFloat64);
  ExpectGradients([&] { return OneHotConv2d(mask, weight, 2, 1).pow(2).sum(); }, {{"weight", weight}});
}

struct Case {
  const char* type;
  const char* input;
};

class SegmentationEncoderKinds : public ::testing::TestWithParam<Case> {};

TEST_P(SegmentationEncoderKinds, GivesOneTokenPer32Pixels) {
  SegmentationEncoderOptions options;
  options.type = GetParam().type;
  options.input = GetParam().input;
  options.base_width = 8;
  SegmentationEncoder encoder(options, 19, 12);
  encoder->Initialise();
  const auto tokens = encoder->Forward(SomeMask(2, 96, 19));
  EXPECT_EQ(tokens.sizes(), (std::vector<std::int64_t>{2, 9, 12}));
  tokens.sum().backward();
  for (const auto& entry : encoder->named_parameters()) EXPECT_TRUE(entry.value().grad().defined()) << entry.key();
}

INSTANTIATE_TEST_SUITE_P(All, SegmentationEncoderKinds,
                         ::testing::Values(Case{"resnet18", "onehot"}, Case{"resnet18", "gray"}, Case{"mit", "onehot"},
                                           Case{"mit", "gray"}),
                         [](const auto& test) { return std::string(test.param.type) + "_" + test.param.input; });

}  // namespace
}  // namespace dualgeo
