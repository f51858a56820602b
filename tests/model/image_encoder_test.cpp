#include "dualgeo/model/image_encoder.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdint>

#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/segformer.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "io/safetensors.h"
#include "tests/model/support.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

// Weights of full-size networks from a formula, so that no file of them is needed: element i of the tensor called
// `name` is splitmix64's finaliser of FNV-1a(name) + (i + 1) * golden ratio, from -1 to 1.
torch::Tensor Uniform(const std::string& name, at::IntArrayRef sizes) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  auto tensor = torch::empty(sizes, torch::kFloat64);
  double* values = tensor.data_ptr<double>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    std::uint64_t z = hash + static_cast<std::uint64_t>(i + 1) * 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    z ^= z >> 31U;
    values[i] = static_cast<double>(z >> 40U) * 0x1p-23 - 1;
  }
  return tensor;
}

torch::Tensor FormulaWeight(const std::string& name, at::IntArrayRef sizes) {
  if (name.ends_with("num_batches_tracked")) return torch::zeros(sizes, torch::kInt64);
  const auto v = Uniform(name, sizes);
  const auto scaled = [&]() -> torch::Tensor {
    if (name.ends_with("running_var")) return 1 + 0.5 * v;
    if (name.ends_with("running_mean")) return 0.1 * v;
    if (name == "pos_embed" || name == "cls_token") return 0.2 * v;
    if (v.dim() == 1) return name.ends_with("weight") ? 1 + 0.2 * v : 0.1 * v;
    return v * std::sqrt(3.0 / static_cast<double>(v.numel() / v.size(0)));
  };
  return scaled().to(torch::kFloat32);
}

struct Backbone {
  std::string fixture;  // the name of the published network
  std::string type;
  std::string pooling;
  std::string vector;      // in the fixture
  std::string classifier;  // logits = classifier of this vector; none: not compared
  bool transform_input = false;
};
void PrintTo(const Backbone& backbone, std::ostream* out) { *out << backbone.fixture << ' ' << backbone.vector; }

ImageEncoderOptions OptionsOf(const Backbone& backbone, int size) {
  ImageEncoderOptions options;
  options.type = backbone.type;
  options.preset = backbone.fixture;
  options.pooling = backbone.pooling;
  if (backbone.type == "vit" || size != 224) options.image_size = size;
  return options;
}

class SlowBackbone : public ::testing::TestWithParam<Backbone> {};

TEST_P(SlowBackbone, GivesTheOriginalsVectors) {
  torch::NoGradGuard no_grad;
  const Backbone& backbone = GetParam();
  const SafetensorsFile golden(Golden("backbones"));
  const auto size = std::stoll(golden.metadata().at(backbone.fixture + ".input_size"));
  const auto expected = golden.Get(backbone.fixture + "." + backbone.vector);
  const auto encoder =
      MakeImageEncoder(OptionsOf(backbone, static_cast<int>(size)), static_cast<int>(expected.numel()));
  EXPECT_TRUE(encoder->projection().is_empty());
  for (auto& [name, tensor] : StateDict(*encoder->network())) tensor.copy_(FormulaWeight(name, tensor.sizes()));
  encoder->eval();
  auto pixels = (1.5 * Uniform("input", {1, 3, size, size})).to(torch::kFloat32);
  if (backbone.transform_input) {  // what torchvision's class does to ImageNet's colours
    const auto std = torch::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1});
    const auto mean = torch::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1});
    pixels = pixels * (std / 0.5) + (mean - 0.5) / 0.5;
  }
  const auto vector = encoder->Forward(pixels)[0];
  const double error = RelativeError(vector, expected);
  RecordProperty("relative_error", std::to_string(1e6 * error) + "e-6");
  EXPECT_LT(error, 1e-5);
  EXPECT_LT(RelativeError(encoder->Tokens(pixels)[0][0], expected), 1e-5);
  if (backbone.classifier.empty()) return;
  const auto weight = FormulaWeight(backbone.classifier + ".weight", {1000, vector.size(0)});
  const auto logits = weight.matmul(vector) + FormulaWeight(backbone.classifier + ".bias", {1000});
  const std::string suffix = backbone.transform_input ? ".logits_transform_input" : ".logits";
  EXPECT_LT(RelativeError(logits, golden.Get(backbone.fixture + suffix)), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(
    All, SlowBackbone,
    ::testing::Values(Backbone{"resnet18", "resnet", "mean", "mean", "fc"},
                      Backbone{"resnet18", "resnet", "max", "max", ""},
                      Backbone{"resnet50", "resnet", "mean", "mean", "fc"},
                      Backbone{"resnet50", "resnet", "max", "max", ""}, Backbone{"vgg16", "vgg16", "mean", "mean", ""},
                      Backbone{"vgg16", "vgg16", "max", "max", ""}, Backbone{"vgg16", "vgg16", "fc6", "fc6", ""},
                      Backbone{"vgg16", "vgg16", "fc7", "fc7", "classifier.6"},
                      Backbone{"inception_v3", "inception_v3", "mean", "mean", "fc"},
                      Backbone{"inception_v3", "inception_v3", "mean", "mean_transform_input", "fc", true},
                      Backbone{"vit_tiny_patch16_224", "vit", "class", "class", "head"},
                      Backbone{"vit_tiny_patch16_224", "vit", "mean", "mean_tokens", ""},
                      Backbone{"vit_base_patch16_224", "vit", "class", "class", "head"},
                      Backbone{"vit_base_patch16_224", "vit", "mean", "mean_tokens", ""}),
    [](const auto& test) { return test.param.fixture + "_" + test.param.vector; });

std::string Refusal(ImageEncoderOptions options) {
  try {
    MakeImageEncoder(options, 64);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(ImageEncoder, OptionsOfAnotherTypeAreRefused) {
  ImageEncoderOptions options;
  options.type = "resnet";
  EXPECT_EQ(Refusal(options),
            "model.image_encoder.preset of type resnet: 'vit-l-14' is not one of resnet18, resnet34, resnet50, "
            "resnet101, resnet152");
  options.preset = "resnet18";
  options.pooling = "class";
  EXPECT_EQ(Refusal(options), "model.image_encoder.pooling of type resnet: 'class' is not one of mean, max");
  options.type = "vit";
  options.preset = "vit_tiny_patch16_224";
  options.image_size = 100;
  EXPECT_EQ(Refusal(options), "model.image_encoder.patch: 16 does not divide image_size 100");
  options.type = "fox";
  EXPECT_THAT(Refusal(options), ::testing::AllOf(::testing::StartsWith("model.image_encoder.type 'fox' is not one of "),
                                                 ::testing::HasSubstr("clip_vit, vit, two_branch_vit, resnet, vgg16")));
  options = {};
  options.pooling = "max";
  EXPECT_EQ(Refusal(options),
            "model.image_encoder.pooling of type clip_vit: 'max' is not one of projected, class, mean, "
            "mean_before_norm");
}

TEST(ImageEncoder, CropsAreADeclaredInput) {
  ImageEncoderOptions options;
  options.type = "resnet";
  options.preset = "resnet18";
  EXPECT_EQ(CountOf(ImageEncoderInput(options).crops), 1);
  EXPECT_EQ(ImageEncoderInput(options).framing.edge, 8.0 / 7);
  options.crops = "strip";
  EXPECT_EQ(CountOf(ImageEncoderInput(options).crops), 3);
  EXPECT_EQ(ImageEncoderInput(options).framing.edge, 1);
  options.type = "clip_vit";
  options.preset = "vit-l-14";
  options.crops = "ten";
  EXPECT_EQ(CountOf(ImageEncoderInput(options).crops), 10);
  EXPECT_EQ(ImageEncoderInput(options).framing.edge, 8.0 / 7);
  EXPECT_FALSE(ImageEncoderInput(options).framing.squash);
  options.crops_resize = "squash";
  EXPECT_TRUE(ImageEncoderInput(options).framing.squash);
  options.crops = "one";
  EXPECT_FALSE(ImageEncoderInput(options).framing.squash) << "of five or ten crops alone";
  options.crops = "nine";
  EXPECT_THROW(ImageEncoderInput(options), InputError);
}

ImageEncoderOptions SmallVit() {
  ImageEncoderOptions options;
  options.type = "vit";
  options.preset = "vit_tiny_patch16_224";
  options.width = 24;
  options.layers = 2;
  options.heads = 2;
  options.image_size = 32;
  return options;
}

// Files have the classifier that the network has not, and may be of another size of photo.
TEST(ImageEncoder, LoadsPublishedFilesWithoutTheirClassifier) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder folder;
  const auto options = SmallVit();
  const auto source = MakeImageEncoder(options, 24);
  source->Initialise();
  auto tensors = StateDict(*source->network());
  tensors.emplace_back("head.weight", torch::zeros({10, 24}));
  tensors.emplace_back("head.bias", torch::zeros({10}));
  WriteSafetensors(folder / "vit.safetensors", tensors);
  const auto target = MakeImageEncoder(options, 24);
  target->Load(folder / "vit.safetensors");
  const auto pixels = torch::randn({2, 3, 32, 32});
  EXPECT_TRUE(torch::equal(source->Tokens(pixels), target->Tokens(pixels)));

  auto larger = options;
  larger.image_size = 64;
  const auto resized = MakeImageEncoder(larger, 24);
  resized->Load(folder / "vit.safetensors");
  EXPECT_EQ(resized->Tokens(torch::randn({1, 3, 64, 64})).sizes(), (std::vector<std::int64_t>{1, 1 + 16, 24}));

  auto deeper = options;
  deeper.layers = 3;
  try {
    MakeImageEncoder(deeper, 24)->Load(folder / "vit.safetensors");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("blocks.2."));
  }
}

// A SegFormer's file starts it, with its decode head or, as those trained on ImageNet, with a classifier; and its last
// map is the segmenter's.
TEST(ImageEncoder, ASegFormersWeightsStartTheMixTransformer) {
  torch::NoGradGuard no_grad;
  const TemporaryFolder folder;
  SegmenterOptions segmenter;
  segmenter.preset = "tiny";
  segmenter.image_size = 64;
  SegFormer segformer(segmenter, 5);
  segformer->eval();
  auto tensors = StateDict(*segformer);
  WriteSafetensors(folder / "segformer.safetensors", tensors);
  std::erase_if(tensors, [](const auto& item) { return item.first.starts_with("decode_head."); });
  tensors.emplace_back("classifier.weight", torch::zeros({10, 64}));
  WriteSafetensors(folder / "imagenet.safetensors", tensors);

  ImageEncoderOptions options;
  options.type = "mit";
  options.preset = "tiny";
  options.image_size = 64;
  const auto pixels = torch::randn({2, 3, 64, 64});
  const auto map = segformer->Features(pixels).back();
  for (const char* file : {"segformer.safetensors", "imagenet.safetensors"}) {
    const auto encoder = MakeImageEncoder(options, 64);
    encoder->Load(folder / file);
    const auto tokens = encoder->Tokens(pixels);
    EXPECT_EQ(tokens.sizes(), (std::vector<std::int64_t>{2, 1 + 4, 64}));
    EXPECT_LT(RelativeError(map.flatten(2).transpose(1, 2), tokens.slice(1, 1)), 1e-5) << file;
    EXPECT_LT(RelativeError(map.mean({2, 3}), encoder->Forward(pixels)), 1e-5) << file;
  }
  options.image_size = 80;
  EXPECT_THAT(
      [&] { ImageEncoderInput(options); },
      ::testing::ThrowsMessage<InputError>("model.image_encoder.image_size of type mit: 80 is not a multiple of 32"));
  options.preset = "b0";
  EXPECT_THROW(MakeImageEncoder(options, 64)->Load(folder / "segformer.safetensors"), InputError);
  options.preset = "b9";
  EXPECT_EQ(Refusal(options),
            "model.image_encoder.preset of type mit: unknown preset \"b9\"; known: b0, b1, b2, b3, b4, b5, tiny");
}

TEST(ImageEncoder, MeanBeforeTheNormIsThatOfTheLastBlock) {
  torch::NoGradGuard no_grad;
  auto options = SmallVit();
  const auto pixels = torch::randn({2, 3, 32, 32});
  const auto vector = [&](const char* pooling) {
    options.pooling = pooling;
    const auto encoder = MakeImageEncoder(options, 24);
    for (auto& [name, tensor] : StateDict(*encoder->network())) tensor.copy_(FormulaWeight(name, tensor.sizes()));
    return encoder->Forward(pixels);
  };
  // The norm works on each token alone, so the mean of normed tokens is not the normed mean.
  EXPECT_GT(RelativeError(vector("mean"), vector("mean_before_norm")), 0.01);
  EXPECT_GT(RelativeError(vector("mean"), vector("class")), 0.01);
}

// Every kind in the model: the checkpoint's names, two training steps of both views and gradients to the encoder.
TEST(ImageEncoder, EveryKindTrainsInTheModel) {
  for (const auto& [type, preset] :
       std::vector<std::pair<std::string, std::string>>{{"clip_vit", "vit-tiny"},
                                                        {"vit", "vit_tiny_patch16_224"},
                                                        {"two_branch_vit", "vit_tiny_patch16_224"},
                                                        {"resnet", "resnet18"},
                                                        {"resnet", "resnet50"},
                                                        {"vgg16", ""},
                                                        {"mit", "tiny"},
                                                        {"inception_v3", ""}}) {
    ModelOptions options;
    options.embed_dim = 16;
    options.image_encoder.type = type;
    options.image_encoder.preset = preset;
    options.image_encoder.freeze = false;
    options.image_encoder.image_size = type == "inception_v3" ? 75 : 64;
    if (type.ends_with("vit")) options.image_encoder.layers = 1;
    if (type == "vgg16") options.image_encoder.pooling = "max";
    options.segmentation_encoder.image_size = 32;
    options.segmentation_encoder.base_width = 4;
    options.fusion.heads = 2;
    options.gps_encoder.hidden = 8;
    options.gps_encoder.rff_size = 4;
    DualGeoModel model(options, LossOptions{}, 3);
    EXPECT_TRUE(model->named_parameters().contains("vision_projection_rgb.weight")) << type;
    const auto size = model->image_size();
    const auto pixels = torch::randn({2, 3, size, size});
    const auto mask = torch::zeros({2, 32, 32}, torch::kUInt8);
    const Targets targets{torch::tensor({{48.0, 2.0}, {-33.0, 151.0}}, torch::kFloat64)};
    std::vector<double> losses;
    for (int step = 0; step < 3; ++step) {
      const auto features = model->Encode(pixels, mask);
      EXPECT_EQ(features.fused_image.sizes(), (std::vector<std::int64_t>{2, 16})) << type;
      const auto loss = model->Loss(model->RunHeads(features, targets), targets).total;
      losses.push_back(loss.item<double>());
      EXPECT_TRUE(std::isfinite(losses.back())) << type;
      model->zero_grad();
      loss.backward();
      const torch::NoGradGuard no_grad;
      for (auto& item : model->image_encoder()->named_parameters()) {
        ASSERT_TRUE(item.value().grad().defined()) << type << " " << item.key();
        item.value().sub_(1e-3 * item.value().grad() / (item.value().grad().norm() + 1e-6));
      }
    }
    EXPECT_NE(losses[2], losses[0]) << type;
  }
}

}  // namespace
}  // namespace dualgeo
