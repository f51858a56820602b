#include "dualgeo/model/dualgeo_model.h"

#include <gmock/gmock.h>
#include <torch/optim/adamw.h>

#include <set>

#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "tests/model/support.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

ModelOptions Small() {
  ModelOptions options;
  options.embed_dim = 32;
  options.image_encoder.preset = "vit-tiny";
  options.image_encoder.freeze = false;
  options.image_encoder.width = 24;
  options.image_encoder.layers = 2;
  options.image_encoder.heads = 2;
  options.image_encoder.image_size = 64;
  options.segmenter.num_labels = 9;
  options.segmentation_encoder.image_size = 64;
  options.segmentation_encoder.base_width = 8;
  options.fusion.heads = 4;
  options.gps_encoder.rff_size = 16;
  options.gps_encoder.hidden = 32;
  options.gps_encoder.embed_dim = 24;
  return options;
}

struct SmallBatch {
  explicit SmallBatch(std::int64_t count) {
    torch::manual_seed(99);
    pixels = torch::randn({count, 3, 64, 64});
    mask = torch::randint(0, 9, {count, 64, 64}).to(torch::kUInt8);
    latlon = (torch::rand({count, 2}, torch::kFloat64) - 0.5) * 170;
  }
  torch::Tensor pixels, mask, latlon;
};

std::string ValidationError(const ModelOptions& options) {
  try {
    options.Validate();
    return "";
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(ModelOptions, DefaultsAreThePapersAndValid) {
  const ModelOptions options;
  EXPECT_EQ(ValidationError(options), "");
  LossOptions{}.Validate();
}

TEST(ModelOptions, RulesAcrossFieldsNameFieldAndValue) {
  ModelOptions options = Small();
  options.fusion.heads = 5;
  EXPECT_THAT(ValidationError(options), HasSubstr("model.fusion.heads: 5 does not divide model.embed_dim 32"));
  options = Small();
  options.image_encoder.preset = "vit-b-32";
  options.image_encoder.width.reset();
  options.image_encoder.heads.reset();
  EXPECT_THAT(ValidationError(options),
              HasSubstr("model.embed_dim: 32 differs from the image encoder's projection 512"));
  options.views = "segmentation";
  EXPECT_EQ(ValidationError(options), "");
  options = Small();
  options.image_encoder.image_size = 65;
  EXPECT_THAT(ValidationError(options), HasSubstr("model.image_encoder.patch: 16 does not divide image_size 65"));
  options = Small();
  options.segmentation_encoder.image_size = 100;
  EXPECT_THAT(ValidationError(options), HasSubstr("model.segmentation_encoder.image_size: 100"));
  options = Small();
  options.gps_encoder.sigmas.clear();
  EXPECT_THAT(ValidationError(options), HasSubstr("sigmas"));
  LossOptions loss;
  loss.image_gps = 0;
  EXPECT_NO_THROW(loss.Validate());
  options = Small();
  options.views = "image";
  EXPECT_THROW(DualGeoModel(options, loss), InputError);
  loss.segmentation_gps = 0;
  EXPECT_THROW(loss.Validate(), InputError);
}

TEST(DualGeoModel, ViewsDecideWhatExists) {
  torch::NoGradGuard no_grad;
  const SmallBatch batch(3);
  const std::vector<std::int64_t> shape = {3, 32};
  for (const std::string views : {"both", "image", "segmentation"}) {
    auto options = Small();
    options.views = views;
    DualGeoModel model(options, LossOptions{});
    model->eval();
    const bool image = views != "segmentation";
    const bool segmentation = views != "image";
    const auto features =
        model->Encode(image ? batch.pixels : torch::Tensor(), segmentation ? batch.mask : torch::Tensor());
    EXPECT_EQ(features.image.defined(), image);
    EXPECT_EQ(features.fused_image.defined(), image);
    EXPECT_EQ(features.segmentation.defined(), segmentation);
    EXPECT_EQ(features.fused_segmentation.defined(), segmentation);
    const Targets targets{batch.latlon};
    const auto outputs = model->RunHeads(features, targets);
    EXPECT_EQ(outputs.size(), 1U);
    for (const auto& [name, vectors] : outputs[0]) {
      EXPECT_EQ(vectors.sizes(), shape) << name;
      EXPECT_LT(MaxDifference(vectors.norm(2, 1), torch::ones({3})), 1e-5) << name;
    }
    const auto loss = model->Loss(outputs, targets);
    EXPECT_EQ(Find(loss.details, "image_gps").defined(), image);
    EXPECT_EQ(Find(loss.details, "segmentation_gps").defined(), segmentation);
    EXPECT_TRUE(std::isfinite(loss.total.item<float>()));
  }
}

TEST(DualGeoModel, NamesAreTheReleasedCheckpoints) {
  DualGeoModel model(Small(), LossOptions{});
  std::set<std::string> names;
  for (const auto& entry : StateDict(*model)) EXPECT_TRUE(names.insert(entry.first).second) << entry.first;
  for (const char* name : {"vision_model_rgb.embeddings.class_embedding",
                           "vision_model_rgb.embeddings.position_embedding.weight",
                           "vision_model_rgb.pre_layrnorm.weight",
                           "vision_model_rgb.encoder.layers.1.self_attn.q_proj.weight",
                           "vision_model_rgb.post_layernorm.bias",
                           "vision_projection_rgb.weight",
                           "semantic_encoder.features.0.weight",
                           "semantic_encoder.features.1.running_mean",
                           "semantic_encoder.features.7.1.bn2.weight",
                           "semantic_encoder.features.5.0.downsample.0.weight",
                           "semantic_encoder.projection.weight",
                           "semantic_encoder.projection.bias",
                           "vision_projection_seg.weight",
                           "location_encoder.LocEnc0.capsule.0.b",
                           "location_encoder.LocEnc2.head.0.bias",
                           "rgb_projection_else.0.weight",
                           "rgb_projection_else.2.bias",
                           "seg_projection_else.2.weight",
                           "location_projection_else.0.weight",
                           "location_projection_else.2.weight",
                           "logit_scale_rgb",
                           "logit_scale_seg"}) {
    EXPECT_EQ(names.count(name), 1u) << name;
  }
  EXPECT_EQ(names.count("vision_projection_seg.bias"), 0u);
  EXPECT_EQ(names.count("vision_projection_rgb.bias"), 0u);
  EXPECT_NEAR(model->named_parameters()["logit_scale_rgb"].item<float>(), 3.99f, 1e-6);
}

TEST(DualGeoModel, TheSameSeedGivesTheSameBytes) {
  const auto state = [](const ModelOptions& options, std::uint64_t seed) {
    return StateDict(*DualGeoModel(options, LossOptions{}, seed));
  };
  torch::manual_seed(1);
  const auto a = state(Small(), 4);
  torch::manual_seed(2);
  const auto b = state(Small(), 4);
  auto other_fusion = Small();
  other_fusion.fusion.type = "gated";
  TensorMap fused_otherwise;
  for (const auto& [name, tensor] : state(other_fusion, 4)) fused_otherwise[name] = tensor;
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].first, b[i].first);
    EXPECT_TRUE(torch::equal(a[i].second, b[i].second)) << a[i].first;
    if (a[i].first.rfind("cross_attn_fusion.", 0) != 0) {
      EXPECT_TRUE(torch::equal(a[i].second, fused_otherwise.at(a[i].first))) << a[i].first;
    }
  }
  const auto c = state(Small(), 5);
  std::size_t different = 0;
  for (std::size_t i = 0; i < a.size(); ++i) different += torch::equal(a[i].second, c[i].second) ? 0 : 1;
  EXPECT_GT(different, a.size() / 3);
}

TEST(DualGeoModel, APhotosVectorsDoNotDependOnItsBatchUnlessScopeIsBatch) {
  torch::NoGradGuard no_grad;
  const SmallBatch batch(4);
  for (const std::string scope : {"tokens", "pooled", "batch"}) {
    auto options = Small();
    options.fusion.scope = scope;
    DualGeoModel model(options, LossOptions{});
    model->eval();
    const auto all = model->Encode(batch.pixels, batch.mask);
    const auto one = model->Encode(batch.pixels.slice(0, 2, 3), batch.mask.slice(0, 2, 3));
    EXPECT_LT(MaxDifference(all.image[2], one.image[0]), 1e-5) << scope;
    EXPECT_LT(MaxDifference(all.segmentation[2], one.segmentation[0]), 1e-5) << scope;
    const double difference = std::max(MaxDifference(all.fused_image[2], one.fused_image[0]),
                                       MaxDifference(all.fused_segmentation[2], one.fused_segmentation[0]));
    if (scope == "batch") {
      EXPECT_GT(difference, 1e-3);
    } else {
      EXPECT_LT(difference, 1e-4) << scope;
    }
  }
}

TEST(DualGeoModel, AFrozenImageEncoderStaysAsItIs) {
  auto options = Small();
  options.image_encoder.freeze = true;
  DualGeoModel model(options, LossOptions{});
  model->train();
  EXPECT_TRUE(model->is_training());
  EXPECT_FALSE(model->image_encoder()->network()->is_training());
  const SmallBatch batch(2);
  const Targets targets{batch.latlon};
  const auto loss = model->Loss(model->RunHeads(model->Encode(batch.pixels, batch.mask), targets), targets);
  loss.total.backward();
  for (const auto& entry : model->named_parameters()) {
    const bool frozen =
        entry.key().rfind("vision_model_rgb.", 0) == 0 || entry.key().rfind("vision_projection_rgb.", 0) == 0;
    EXPECT_EQ(entry.value().requires_grad(), !frozen) << entry.key();
    EXPECT_EQ(entry.value().grad().defined(), !frozen) << entry.key();
  }
}

TEST(DualGeoModel, KeptImageTokensGiveTheSameFeatures) {
  torch::NoGradGuard no_grad;
  const SmallBatch batch(2);
  for (const std::string scope : {"tokens", "pooled"}) {
    auto options = Small();
    options.fusion.scope = scope;
    DualGeoModel model(options, LossOptions{});
    model->eval();
    const auto tokens = model->ImageTokens(batch.pixels);
    EXPECT_EQ(tokens.size(1), scope == "tokens" ? 17 : 1);
    EXPECT_EQ(model->needs_patch_tokens(), scope == "tokens");
    const auto a = model->Encode(batch.pixels, batch.mask);
    const auto b = model->EncodeTokens(tokens, batch.mask);
    EXPECT_TRUE(torch::equal(a.fused_image, b.fused_image));
    EXPECT_TRUE(torch::equal(a.fused_segmentation, b.fused_segmentation));
  }
}

TEST(DualGeoModel, LearnsABatchByHeart) {
  for (const std::string type : {"cross_attention", "concat", "gated", "none"}) {
    auto options = Small();
    options.fusion.type = type;
    DualGeoModel model(options, LossOptions{}, 1);
    const SmallBatch batch(8);
    torch::manual_seed(0);
    torch::optim::AdamW optimizer(model->parameters(), torch::optim::AdamWOptions(2e-3));
    double first = 0;
    double last = 0;
    for (int step = 0; step < 25; ++step) {
      optimizer.zero_grad();
      const Targets targets{batch.latlon};
      const auto loss = model->Loss(model->RunHeads(model->Encode(batch.pixels, batch.mask), targets), targets).total;
      loss.backward();
      optimizer.step();
      (step == 0 ? first : last) = loss.item<double>();
    }
    EXPECT_LT(last, 0.5 * first) << type;
  }
}

TEST(DualGeoModel, OptionsAreReported) {
  DualGeoModel model(Small(), LossOptions{});
  EXPECT_EQ(model->image_size(), 64);
  EXPECT_EQ(model->mask_size(), 64);
  EXPECT_THROW(model->Encode(torch::zeros({1, 3, 64, 64}), torch::full({1, 64, 64}, 9, torch::kUInt8)), Error);
}

}  // namespace
}  // namespace dualgeo
