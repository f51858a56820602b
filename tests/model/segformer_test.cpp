#include "dualgeo/model/segformer.h"

#include <torch/optim/adamw.h>

#include "dualgeo/io/safetensors.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "tests/model/support.h"

namespace dualgeo {
namespace {

// The sizes of the golden network.
SegmenterOptions TinySegmenter() {
  SegmenterOptions options;
  options.hidden_sizes = {8, 16, 24, 32};
  options.heads = {1, 2, 3, 4};
  options.depths = {1, 2, 1, 2};
  options.decoder_dim = 32;
  options.num_labels = 11;
  options.image_size = 96;
  options.sr_ratios = {8, 4, 2, 1};
  return options;
}

TEST(SegFormer, GivesTheOriginalsFeaturesAndLogits) {
  torch::NoGradGuard no_grad;
  SegFormer segformer(TinySegmenter(), std::nullopt);
  segformer->eval();
  LoadSegFormer(*segformer, Golden("segformer_tiny_weights"));
  const SafetensorsFile io(Golden("segformer_tiny_io"));
  const auto pixels = io.Get("pixel_values");
  const auto features = segformer->Features(pixels);
  ASSERT_EQ(features.size(), 4u);
  // Tight enough to tell a wrong eps in any LayerNorm.
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_LT(RelativeError(features[i], io.Get("feature" + std::to_string(i))), 1e-6) << i;
  }
  const auto logits = segformer->Forward(pixels);
  EXPECT_EQ(logits.sizes(), io.Get("logits").sizes());
  const double error = RelativeError(logits, io.Get("logits"));
  RecordProperty("relative_error", std::to_string(1e6 * error) + "e-6");
  EXPECT_LT(error, 1e-6);
}

TEST(SegFormer, TheSameSeedGivesTheSameWeights) {
  torch::manual_seed(5);
  SegFormer a(TinySegmenter(), 1);
  const auto drawn = torch::rand({3});
  torch::manual_seed(5);
  EXPECT_TRUE(torch::equal(drawn, torch::rand({3}))) << "construction moved the caller's generator";
  SegFormer b(TinySegmenter(), 1);
  SegFormer c(TinySegmenter(), 2);
  bool differs = false;
  for (const auto& entry : a->named_parameters()) {
    EXPECT_TRUE(torch::equal(entry.value(), b->named_parameters()[entry.key()])) << entry.key();
    differs = differs || !torch::equal(entry.value(), c->named_parameters()[entry.key()]);
  }
  EXPECT_TRUE(differs);
}

TEST(SegFormer, LearnsAPicture) {
  torch::set_num_threads(1);
  SegFormer segformer(TinySegmenter(), 3);
  torch::manual_seed(0);
  // Left is dark and class 1, right is bright and class 4.
  auto pixels = torch::randn({2, 3, 64, 64}) * 0.3;
  pixels.slice(3, 32) += 2;
  auto target = torch::ones({2, 16, 16}, torch::kInt64);
  target.slice(2, 8).fill_(4);
  torch::optim::AdamW optimizer(segformer->parameters(), torch::optim::AdamWOptions(5e-3));
  double first = 0;
  double last = 0;
  for (int step = 0; step < 40; ++step) {
    optimizer.zero_grad();
    const auto loss = torch::cross_entropy_loss(segformer->Forward(pixels), target);
    loss.backward();
    optimizer.step();
    (step == 0 ? first : last) = loss.item<double>();
  }
  EXPECT_LT(last, 0.2 * first);
}

TEST(SegFormer, SizesAreChecked) {
  auto options = TinySegmenter();
  options.depths = {1, 2};
  EXPECT_THROW(Resolve(options), InputError);
  options = TinySegmenter();
  options.heads = {3, 2, 3, 4};
  EXPECT_THROW(Resolve(options), InputError);
  options = TinySegmenter();
  options.image_size = 100;
  EXPECT_THROW(Resolve(options), InputError);
  options.image_size = 32;
  options.sr_ratios = {16, 4, 2, 1};
  EXPECT_THROW(Resolve(options), InputError);
  SegFormer segformer(TinySegmenter());
  EXPECT_THROW(segformer->Forward(torch::zeros({1, 3, 40, 64})), c10::Error);
}

}  // namespace
}  // namespace dualgeo
