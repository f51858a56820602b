// encoder_two_branch_vit.cpp, beside the plain transformer that each branch is.
#include <gmock/gmock.h>

#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "io/safetensors.h"
#include "tests/model/support.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

ImageEncoderOptions SmallBranch(const std::string& type) {
  ImageEncoderOptions options;
  options.type = type;
  options.preset = "vit_tiny_patch16_224";
  options.width = 24;
  options.layers = 3;
  options.heads = 2;
  options.image_size = 32;
  options.freeze = false;
  return options;
}

std::shared_ptr<ImageEncoderImpl> MadeEncoder(const ImageEncoderOptions& options, int embed_dim, std::uint64_t seed) {
  const auto encoder = MakeImageEncoder(options, embed_dim);
  const SeedScope scope(seed);
  encoder->Initialise();
  encoder->eval();
  return encoder;
}

// Left half sky, right half water.
torch::Tensor HalfMask(std::int64_t photos, std::int64_t size = 32) {
  auto mask = torch::full({photos, size, size}, 2, torch::kUInt8);
  mask.slice(2, size / 2).fill_(21);
  return mask;
}

TEST(TwoBranchVit, GivesBothVectorsAndTheTokensOfBoth) {
  torch::NoGradGuard no_grad;
  for (const char* input : {"colors", "channels"}) {
    auto options = SmallBranch("two_branch_vit");
    options.mask_input = input;
    EXPECT_TRUE(ImageEncoderInput(options).wants_mask);
    const auto encoder = MadeEncoder(options, 48, 1);
    EXPECT_TRUE(encoder->projection().is_empty());
    const auto pixels = torch::randn({3, 3, 32, 32});
    const auto tokens = encoder->Tokens({pixels, HalfMask(3)});
    EXPECT_EQ(tokens.sizes(), (std::vector<std::int64_t>{3, 1 + 4, 48}));
    EXPECT_LT(MaxDifference(tokens.select(1, 0), encoder->Forward({pixels, HalfMask(3)})), 1e-6);
    // A mask of another size is of the same scene.
    EXPECT_LT(MaxDifference(tokens, encoder->Tokens({pixels, HalfMask(3, 64)})), 1e-5);
    EXPECT_THROW(encoder->Forward(pixels), c10::Error);
  }
}

// Where the exchange passes each class token on as it is, each branch is the plain transformer.
TEST(TwoBranchVit, WithoutExchangeEachBranchIsThePlainTransformer) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder folder;
  const auto plain = MadeEncoder(SmallBranch("vit"), 24, 5);
  auto tensors = StateDict(*plain->network());
  tensors.emplace_back("head.weight", torch::zeros({10, 24}));
  WriteSafetensors(folder / "vit.safetensors", tensors);
  const auto both = MadeEncoder(SmallBranch("two_branch_vit"), 48, 6);
  both->Load(folder / "vit.safetensors");
  const auto parameters = both->network()->named_parameters();
  for (const auto& item : parameters) {
    if (!item.key().starts_with("exchange.") || !item.key().ends_with("in.weight")) continue;
    item.value().fill_(0);
  }
  const auto pixels = torch::randn({2, 3, 32, 32});
  const auto colors = torch::tensor({{6.0F, 230.0F, 230.0F}, {61.0F, 230.0F, 250.0F}}) / 127.5 - 1;
  auto drawn = torch::empty({2, 3, 32, 32});
  drawn.slice(3, 0, 16).copy_(colors[0].view({1, 3, 1, 1}).expand({2, 3, 32, 16}));
  drawn.slice(3, 16).copy_(colors[1].view({1, 3, 1, 1}).expand({2, 3, 32, 16}));
  for (const bool photo : {true, false}) {
    const std::string own = photo ? "photo_in.weight" : "mask_in.weight";
    for (const auto& item : parameters) {
      if (!item.key().starts_with("exchange.") || !item.key().ends_with("in.weight")) continue;
      item.value().fill_(0);
      if (item.key().ends_with(own)) item.value().fill_diagonal_(1);
    }
    const auto tokens = both->Tokens({pixels, HalfMask(2)});
    const auto expected = plain->Tokens(photo ? pixels : drawn);
    const auto begin = photo ? 0 : 24;
    EXPECT_LT(RelativeError(tokens.slice(1, 1).slice(2, begin, begin + 24), expected.slice(1, 1)), 1e-5);
    // The vector is the class token times 1 + w, w from 0 to 1.
    const auto ratio = tokens.select(1, 0).slice(1, begin, begin + 24) / expected.select(1, 0);
    EXPECT_LT((ratio.amax(1) - ratio.amin(1)).max().item<float>(), 1e-3);
    EXPECT_GT(ratio.min().item<float>(), 1);
    EXPECT_LT(ratio.max().item<float>(), 2);
  }
}

TEST(TwoBranchVit, TheBranchesLearnOfEachOther) {
  const auto encoder = MadeEncoder(SmallBranch("two_branch_vit"), 48, 7);
  const auto tokens = encoder->Tokens({torch::randn({2, 3, 32, 32}), HalfMask(2)});
  // The photo's patches after the exchanges of the first two layers, from the mask's first layer on.
  const auto patches = tokens.slice(1, 1).slice(2, 0, 24);
  (patches * torch::randn_like(patches)).sum().backward();
  const auto parameters = encoder->network()->named_parameters();
  EXPECT_GT(parameters["mask.patch_embed.proj.weight"].grad().abs().max().item<float>(), 1e-7F);
  EXPECT_GT(parameters["mask.blocks.0.attn.qkv.weight"].grad().abs().max().item<float>(), 1e-7F);
  EXPECT_GT(parameters["exchange.0.photo_out.weight"].grad().abs().max().item<float>(), 1e-7F);
  torch::NoGradGuard no_grad;
  const auto pixels = torch::randn({1, 3, 32, 32});
  EXPECT_GT(MaxDifference(encoder->Tokens({pixels, HalfMask(1)}).slice(1, 1).slice(2, 0, 24),
                          encoder->Tokens({pixels, HalfMask(1).fill_(9)}).slice(1, 1).slice(2, 0, 24)),
            1e-5);
}

// As channels a class counts where it covers more than a hundredth of the mask.
TEST(TwoBranchVit, SmallClassesAreNoChannel) {
  torch::NoGradGuard no_grad;
  auto options = SmallBranch("two_branch_vit");
  options.mask_input = "channels";
  const auto encoder = MadeEncoder(options, 48, 8);
  const auto pixels = torch::randn({1, 3, 32, 32});
  const auto with = [&](int pixels_of_fox, int fox) {
    auto mask = HalfMask(1);
    mask.flatten().slice(0, 0, pixels_of_fox).fill_(fox);
    return encoder->Forward({pixels, mask});
  };
  EXPECT_EQ(MaxDifference(with(10, 126), with(10, 255)), 0);  // of 1,024
  EXPECT_GT(MaxDifference(with(11, 126), with(11, 255)), 1e-6);
  options.mask_input = "colors";
  const auto colors = MadeEncoder(options, 48, 8);
  auto mask = HalfMask(1);
  const auto before = colors->Forward({pixels, mask});
  mask[0][0][0] = 126;
  EXPECT_GT(MaxDifference(before, colors->Forward({pixels, mask})), 1e-7);
}

TEST(TwoBranchVit, AFileOfColoursLeavesTheFirstLayerOfChannelsRandom) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder folder;
  const auto plain = MadeEncoder(SmallBranch("vit"), 24, 5);
  WriteSafetensors(folder / "vit.safetensors", StateDict(*plain->network()));
  auto options = SmallBranch("two_branch_vit");
  options.mask_input = "channels";
  options.image_size = 64;
  const auto both = MadeEncoder(options, 48, 6);
  const auto before = both->network()->named_parameters()["mask.patch_embed.proj.weight"].clone();
  both->Load(folder / "vit.safetensors");
  const auto after = both->network()->named_parameters();
  EXPECT_TRUE(torch::equal(after["mask.patch_embed.proj.weight"], before));
  EXPECT_TRUE(torch::equal(after["mask.blocks.2.mlp.fc1.weight"],
                           plain->network()->named_parameters()["blocks.2.mlp.fc1.weight"]));
  EXPECT_EQ(after["mask.pos_embed"].size(1), 1 + 16);
}

TEST(TwoBranchVit, LearnsInTheModelWithoutASegmentationView) {
  ModelOptions options;
  options.embed_dim = 16;
  options.views = "image";
  options.image_encoder = SmallBranch("two_branch_vit");
  options.gps_encoder.hidden = 8;
  options.gps_encoder.rff_size = 4;
  EXPECT_TRUE(WantsMasks(options));
  LossOptions loss;
  loss.segmentation_gps = 0;
  DualGeoModel model(options, loss, 3);
  EXPECT_EQ(model->mask_size(), 32);
  const auto pixels = torch::randn({4, 3, 32, 32});
  const Targets targets{torch::tensor({{48.0, 2.0}, {-33.0, 151.0}, {0.0, 0.0}, {60.0, -100.0}}, torch::kFloat64)};
  std::vector<double> losses;
  for (int step = 0; step < 3; ++step) {
    model->zero_grad();
    const auto total = model->Loss(model->RunHeads(model->Encode(pixels, HalfMask(4)), targets), targets).total;
    total.backward();
    const torch::NoGradGuard no_grad;
    for (auto& parameter : model->parameters()) {
      if (parameter.grad().defined()) parameter.sub_(0.05 * parameter.grad());
    }
    losses.push_back(total.item<double>());
  }
  EXPECT_LT(losses[2], losses[0]);
  options.segmenter.num_labels = 200;
  try {
    options.Validate();
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("model.segmenter.num_labels: 200 is more than ADE20K's 150"));
  }
}

}  // namespace
}  // namespace dualgeo
