// GeoCLIP as a model: its parts, its weights, its numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/weights.h"
#include "io/safetensors.h"
#include "model/weight_summary.h"
#include "tests/model/support.h"
#include "tests/support/refusal.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

ModelOptions GeoClipOptions(int embed_dim, int space) {
  ModelOptions options;
  options.views = "image";
  options.embed_dim = embed_dim;
  options.image_encoder.preset = "vit-tiny";
  options.gps_encoder.projection = "equal_earth";
  options.gps_encoder.embed_dim = space;
  options.contrastive_gps.dimension = space;
  options.contrastive_gps.location_projection = "none";
  return options;
}

ModelOptions TinyGeoClip() {
  ModelOptions options = GeoClipOptions(16, 10);
  options.image_encoder.width = 16;
  options.image_encoder.layers = 1;
  options.image_encoder.heads = 2;
  options.image_encoder.image_size = 32;
  options.gps_encoder.rff_size = 4;
  options.gps_encoder.hidden = 8;
  return options;
}

torch::Tensor UnitRows(const torch::Tensor& rows) {
  return torch::nn::functional::normalize(rows, torch::nn::functional::NormalizeFuncOptions().dim(1));
}

torch::Tensor Places() { return torch::tensor({{52.5, 13.4}, {-33.9, 151.2}, {0.0, 0.0}}, torch::kFloat64); }

TEST(GeoClip, PlacesGoIntoTheSharedSpaceAsTheyAre) {
  const torch::NoGradGuard no_grad;
  DualGeoModel model(TinyGeoClip(), LossOptions{}, 3);
  std::set<std::string> parts;
  for (const auto& entry : StateDict(*model)) parts.insert(entry.first.substr(0, entry.first.find('.')));
  EXPECT_EQ(parts, (std::set<std::string>{"location_encoder", "logit_scale_rgb", "rgb_projection_else",
                                          "vision_model_rgb", "vision_projection_rgb"}));
  const auto gps = model->EncodeGps(Places());
  EXPECT_EQ(gps.size(1), 10);
  EXPECT_LT(MaxDifference(model->ProjectGps(gps), UnitRows(gps)), 1e-7);
  EXPECT_EQ(model->ProjectImage(torch::randn({3, 16})).size(1), 10);
  EXPECT_NEAR(model->CosineFactor(), std::exp(3.99), 1e-4);
}

TEST(GeoClip, LearnsInItsSpace) {
  DualGeoModel model(TinyGeoClip(), LossOptions{}, 3);
  const auto features = model->Encode(torch::randn({3, 3, 32, 32}), {});
  const Targets targets{.latlon = Places()};
  model->Loss(model->RunHeads(features, targets), targets).total.backward();
  for (const auto& parameter : model->named_parameters()) {
    if (parameter.key().starts_with("vision_")) continue;  // frozen
    ASSERT_TRUE(parameter.value().grad().defined()) << parameter.key();
    EXPECT_GT(parameter.value().grad().abs().sum().item<double>(), 0) << parameter.key();
  }
}

TEST(GeoClip, TwoViewsHaveTheMeanFactor) {
  ModelOptions options;
  options.embed_dim = 16;
  options.image_encoder.preset = "vit-tiny";
  options.segmentation_encoder.base_width = 4;
  options.gps_encoder = TinyGeoClip().gps_encoder;
  DualGeoModel model(options, LossOptions{}, 3);
  const torch::NoGradGuard no_grad;
  model->named_parameters()["logit_scale_seg"].fill_(2.0);
  EXPECT_NEAR(model->CosineFactor(), (std::exp(3.99) + std::exp(2.0)) / 2, 1e-4);
}

TEST(GeoClip, AWrongSizeIsOneLine) {
  auto options = TinyGeoClip();
  options.contrastive_gps.dimension = 12;
  EXPECT_THAT(RefusalOf([&] { options.Validate(); }),
              AllOf(HasSubstr("model.contrastive_gps.location_projection: none: GPS embeddings have 10 values"),
                    HasSubstr("has 12")));
  options = TinyGeoClip();
  options.contrastive_gps.dimension.reset();
  EXPECT_THAT(RefusalOf([&] { options.Validate(); }), HasSubstr("has 16"));
  options = TinyGeoClip();
  options.views = "segmentation";
  options.contrastive_gps.logit_scale_weights = "x.pth";
  EXPECT_THAT(RefusalOf([&] { options.Validate(); }),
              HasSubstr("model.contrastive_gps.logit_scale_weights: there is no image view"));
}

// A release folder of the package geoclip 1.3, of these parts.
void WriteRelease(const TemporaryFolder& folder, const TensorMap& location, const TensorMap& mlp,
                  const torch::Tensor& scale) {
  std::vector<std::pair<std::string, torch::Tensor>> tensors = {{"logit_scale", scale}};
  for (const auto& [name, tensor] : location) tensors.emplace_back("location_encoder." + name, tensor);
  for (const auto& [name, tensor] : mlp) tensors.emplace_back("image_encoder.mlp." + name, tensor);
  WriteSafetensors(folder / "model.safetensors", tensors);
  folder.Write("config.json", R"({"model_type": "geoclip-geolocation", "format_version": 1, "sigma": [1, 16, 256]})");
}

TEST(GeoClip, LoadsAReleaseFolderAndACheckpointOfOurs) {
  DualGeoModel model(TinyGeoClip(), LossOptions{}, 3);
  const auto own = StateDict(*model);
  TensorMap location, mlp;
  for (const auto& [name, tensor] : own) {
    if (name.starts_with("location_encoder.")) location[name.substr(17)] = tensor;
    if (name.starts_with("rgb_projection_else.")) mlp[name.substr(20)] = tensor;
  }
  const TemporaryFolder release, checkpoint;
  WriteRelease(release, location, mlp, torch::tensor(3.99F));
  WriteSafetensors(checkpoint / "model.safetensors", own);
  for (const auto* folder : {&release, &checkpoint}) {
    auto options = TinyGeoClip();
    options.gps_encoder.weights = folder->path().string();
    options.contrastive_gps.image_projection_weights = options.contrastive_gps.logit_scale_weights =
        folder->path().string();
    LossOptions loss;
    loss.logit_scale_init = 1;
    DualGeoModel again(options, loss, 4);
    LoadPretrained(*again);
    TensorMap state;
    for (const auto& [name, tensor] : StateDict(*again)) state[name] = tensor;
    for (const auto& [name, tensor] : own) {
      if (name.starts_with("vision_")) continue;
      EXPECT_TRUE(torch::equal(state.at(name), tensor)) << name;
    }
  }
  EXPECT_EQ(SummarizeWeights(release.path()).family, "GeoCLIP");
}

TEST(GeoClip, WrongWeightsAreOneLine) {
  const TemporaryFolder folder;
  const auto write = [&](const char* name, const torch::Tensor& scale) {
    WriteSafetensors(folder / name, {{"logit_scale", scale}});
    return folder / name;
  };
  EXPECT_NEAR(ReadLogitScale(write("good.safetensors", torch::tensor(3.5F))), 3.5, 1e-6);
  EXPECT_THAT(RefusalOf([&] {
                ReadLogitScale(write("nan.safetensors", torch::tensor(std::numeric_limits<float>::quiet_NaN())));
              }),
              AllOf(HasSubstr("nan.safetensors: GeoCLIP's logit scale"), HasSubstr("is nan, not one finite number")));
  EXPECT_THAT(RefusalOf([&] { ReadLogitScale(write("two.safetensors", torch::ones({2}))); }),
              HasSubstr("is [2], not one finite number"));
  EXPECT_THAT(RefusalOf([&] { ReadLogitScale(Golden("clip_tiny_weights")); }), HasSubstr("holds no logit scale"));
  DualGeoModel model(TinyGeoClip(), LossOptions{}, 3);
  auto options = TinyGeoClip();
  options.contrastive_gps.image_projection_weights = (folder / "good.safetensors").string();
  DualGeoModel other(options, LossOptions{}, 3);
  EXPECT_THAT(RefusalOf([&] { LoadPretrained(*other); }),
              HasSubstr("good.safetensors: holds no image projection: its names are those of GeoCLIP's logit scale"));
}

// The released weights, as published and as a release folder: GeoCLIP's own vectors.
TEST(GeoClip, GivesTheReleasedModelsVectors) {
  SHARED_PATH_OR_SKIP(weights, "data/weights");
  SHARED_PATH_OR_SKIP(predict, "fixtures/geoclip_predict_io.safetensors");
  SHARED_PATH_OR_SKIP(places, "fixtures/geoclip_location_io.safetensors");
  const fs::path location = weights / "geoclip_location_encoder_weights.pth";
  const fs::path mlp = weights / "geoclip_image_encoder_mlp_weights.pth";
  const fs::path scale = weights / "geoclip_logit_scale_weights.pth";
  EXPECT_EQ(SummarizeWeights(mlp).note, "");
  const TemporaryFolder release;
  WriteRelease(release, ReadWeights(location), ReadWeights(mlp), ReadWeights(scale).at("logit_scale"));
  for (const bool folder : {false, true}) {
    ModelOptions options = GeoClipOptions(768, 512);
    options.gps_encoder.weights = (folder ? release.path() : location).string();
    options.contrastive_gps.image_projection_weights = (folder ? release.path() : mlp).string();
    options.contrastive_gps.logit_scale_weights = (folder ? release.path() : scale).string();
    DualGeoModel model(options, LossOptions{}, 1);
    LoadPretrained(*model);
    const torch::NoGradGuard no_grad;
    const SafetensorsFile io(predict);
    EXPECT_LT(MaxDifference(model->ProjectImage(io.Get("clip_features")), UnitRows(io.Get("image_embeddings"))), 1e-6);
    EXPECT_DOUBLE_EQ(model->CosineFactor(), std::exp(3.681034803390503));
    const SafetensorsFile gps(places);
    const auto expected = UnitRows(gps.Get("embeddings").to(torch::kFloat64));
    const auto embedded = UnitRows(model->EncodeGps(gps.Get("coordinates")).to(torch::kFloat64));
    const double cosine = (expected * embedded).sum(1).min().item<double>();
    EXPECT_GT(cosine, 1 - 1e-10);
    RecordProperty("least_one_minus_cosine", std::to_string((1 - cosine) * 1e12) + "e-12");
  }
}

}  // namespace
}  // namespace dualgeo
