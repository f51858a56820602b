#include "dualgeo/model/clip_vit.h"

#include "dualgeo/io/safetensors.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"

#include "tests/model/support.h"

namespace dualgeo {
namespace {

// The sizes of the golden network.
ImageEncoderOptions Tiny() {
  ImageEncoderOptions options;
  options.width = 48;
  options.layers = 2;
  options.heads = 6;
  options.patch = 14;
  options.image_size = 56;
  options.projection_dim = 20;
  return options;
}

class ClipVisionGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(ClipVisionGolden, GivesTheOriginalsFeatures) {
  torch::NoGradGuard no_grad;
  ClipVision clip(Resolve(Tiny(), 20));
  clip->eval();
  LoadClipVision(*clip, Golden(GetParam()));
  const SafetensorsFile io(Golden("clip_tiny_io"));
  const auto pixels = io.Get("pixel_values");
  const auto embeds = clip->Forward(pixels);
  const double error = RelativeError(embeds, io.Get("image_embeds"));
  RecordProperty("relative_error", std::to_string(1e6 * error) + "e-6");
  EXPECT_LT(error, 2e-6);
  const auto tokens = clip->Tokens(pixels);
  EXPECT_EQ(tokens.sizes(), (std::vector<std::int64_t>{5, 1 + 16, 20}));
  EXPECT_LT(RelativeError(tokens.select(1, 0), embeds), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(BothKeyStyles, ClipVisionGolden,
                         ::testing::Values("clip_tiny_weights", "clip_tiny_weights_openai"),
                         [](const auto& test) { return test.index == 0 ? "HuggingFace" : "OpenAi"; });

TEST(ClipVision, PositionEmbeddingsFollowTheImageSize) {
  torch::NoGradGuard no_grad;
  auto options = Tiny();
  options.image_size = 84;
  ClipVision clip(Resolve(options, 20));
  LoadClipVision(*clip, Golden("clip_tiny_weights"));
  const auto positions = clip->named_parameters()["vision_model.embeddings.position_embedding.weight"];
  const auto original =
      SafetensorsFile(Golden("clip_tiny_weights")).Get("vision_model.embeddings.position_embedding.weight");
  EXPECT_EQ(positions.size(0), 1 + 36);
  EXPECT_TRUE(torch::equal(positions[0], original[0]));
  // Resampling keeps about the mean of the grid.
  EXPECT_LT(MaxDifference(positions.slice(0, 1).mean(0), original.slice(0, 1).mean(0)), 0.2);
  EXPECT_EQ(clip->Forward(torch::zeros({1, 3, 84, 84})).size(1), 20);
}

TEST(ClipVision, RefusesOtherPictureSizes) {
  ClipVision clip(Resolve(Tiny(), 20));
  EXPECT_THROW(clip->Forward(torch::zeros({1, 3, 57, 56})), c10::Error);
}

TEST(ClipVision, PresetsAndOverrides) {
  const auto sizes = Resolve(ImageEncoderOptions{}, 768);
  EXPECT_EQ(sizes.width, 1024);
  EXPECT_EQ(sizes.layers, 24);
  ImageEncoderOptions options;
  options.preset = "vit-tiny";
  EXPECT_EQ(Resolve(options, 96).projection_dim, 96);
  options.heads = 7;
  EXPECT_THROW(Resolve(options, 96), InputError);
  options.heads = 4;
  options.patch = 7;
  EXPECT_THROW(Resolve(options, 96), InputError);
  options.preset = "vit-h";
  EXPECT_THROW(Resolve(options, 96), InputError);
}

}  // namespace
}  // namespace dualgeo
