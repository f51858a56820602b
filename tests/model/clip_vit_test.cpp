#include "dualgeo/model/clip_vit.h"

#include <string>

#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "io/safetensors.h"

#include "tests/model/support.h"
#include "tests/support/temporary_folder.h"

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

// Against the same network in PyTorch, in double arithmetic.
TEST(ClipVision, PoolsAsItIsTold) {
  torch::NoGradGuard no_grad;
  const auto pixels = SafetensorsFile(Golden("clip_tiny_io")).Get("pixel_values");
  const SafetensorsFile golden(Golden("clip_tiny_poolings"));
  for (const std::string pooling : {"class", "mean", "mean_before_norm"}) {
    auto options = Tiny();
    options.pooling = pooling;
    const auto clip = MakeImageEncoder(options, 48);
    clip->eval();
    clip->Load(Golden("clip_tiny_weights"));
    EXPECT_TRUE(clip->projection().is_empty());
    EXPECT_LT(RelativeError(clip->Forward(pixels), golden.Get(pooling)), 2e-6) << pooling;
    const auto tokens = clip->Tokens(pixels);
    EXPECT_EQ(tokens.sizes(), (std::vector<std::int64_t>{5, 1 + 16, 48}));
    EXPECT_LT(RelativeError(tokens.select(1, 0), golden.Get(pooling)), 2e-6) << pooling;
  }
  auto options = Tiny();
  options.pooling = "projected";
  const auto clip = MakeImageEncoder(options, 20);
  clip->Load(Golden("clip_tiny_weights"));
  EXPECT_LT(RelativeError(clip->Forward(pixels), SafetensorsFile(Golden("clip_tiny_io")).Get("image_embeds")), 2e-6);
}

TEST(ClipVision, VectorsThatAreNotProjectedAreAsWideAsTheNetwork) {
  ModelOptions options;
  options.image_encoder = Tiny();
  options.image_encoder.pooling = "mean_before_norm";
  options.embed_dim = 20;
  try {
    options.Validate();
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "model.embed_dim: 20 differs from the image encoder's width 48, the size of its vectors with pooling "
                 "mean_before_norm");
  }
  options.embed_dim = 48;
  options.Validate();
}

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

// Hugging Face's interpolate_pos_encoding (bicubic, align_corners false), computed with PyTorch 1.13 for a 4 x 4 grid
// whose row r holds sin(0.7 (4 r + c)) in column c, class token first; column 0 of the result.
TEST(ClipVision, PositionEmbeddingsAreResizedAsHuggingFaceDoes) {
  torch::NoGradGuard no_grad;
  const std::vector<float> to_6 = {
      0.355082,  -0.304090, -0.440843, 0.806843,  0.058578,  -1.194531, 0.889765,  -0.223803, -0.727316,
      0.753095,  0.206512,  -0.948889, 1.079504,  -0.028664, -0.712128, 0.341172,  0.277502,  -0.228683,
      0.323439,  0.207059,  -0.062165, -0.406136, 0.107077,  0.750648,  -0.645517, 0.254861,  0.592513,
      -0.764405, -0.139557, 1.039763,  -1.236232, 0.192045,  0.927155,  -0.766040, -0.300121, 0.866699};
  const std::vector<float> to_3 = {0.255733, 0.141317,  -0.636259, 0.522784, -0.287577,
                                   0.251579, -0.549731, 0.020408,  0.494778};
  const TemporaryFolder folder;
  const ClipVisionSizes sizes{4, 1, 1, 2, 8, 3};
  ClipVision source(sizes);
  source->Initialise();
  source->named_parameters()["vision_model.embeddings.position_embedding.weight"].copy_(
      torch::sin(0.7 * torch::arange(17 * 4)).reshape({17, 4}));
  WriteSafetensors(folder / "clip.safetensors", StateDict(*source));
  for (const auto& expected : {to_6, to_3}) {
    auto other = sizes;
    other.image_size = expected.size() == 36 ? 12 : 6;
    ClipVision clip(other);
    LoadClipVision(*clip, folder / "clip.safetensors");
    const auto column = clip->named_parameters()["vision_model.embeddings.position_embedding.weight"].select(1, 0);
    EXPECT_LT(MaxDifference(column.slice(0, 1), torch::tensor(expected)), 2e-6);
    EXPECT_EQ(column[0].item<float>(), 0.0f);
  }
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
