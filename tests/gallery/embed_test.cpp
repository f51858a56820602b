#include "gallery/embed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <opencv2/imgcodecs.hpp>

#include "data/mask.h"
#include "dualgeo/gallery/embedder.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "io/safetensors.h"
#include "runtime/segment.h"
#include "runtime/views.h"
#include "tests/gallery/gallery_fixture.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

ModelOptions TinyModel() {
  ModelOptions options;
  options.embed_dim = 16;
  options.image_encoder.preset = "vit-tiny";
  options.image_encoder.width = 32;
  options.image_encoder.layers = 2;
  options.image_encoder.heads = 2;
  options.image_encoder.patch = 16;
  options.image_encoder.image_size = 32;
  options.segmenter.num_labels = 5;
  options.segmentation_encoder.image_size = 32;
  options.segmentation_encoder.base_width = 4;
  options.fusion.heads = 2;
  options.gps_encoder.rff_size = 8;
  options.gps_encoder.hidden = 16;
  options.gps_encoder.embed_dim = 12;
  return options;
}

class EmbedTest : public ::testing::Test {
 protected:
  EmbedTest() {
    std::filesystem::create_directories(folder_ / "images");
    std::filesystem::create_directories(folder_ / "masks");
    cv::RNG random(7);
    for (int i = 0; i < 7; ++i) {
      cv::Mat photo(40, 48, CV_8UC3), mask(40, 48, CV_8UC1);
      random.fill(photo, cv::RNG::UNIFORM, 0, 256);
      random.fill(mask, cv::RNG::UNIFORM, 0, 5);
      PhotoRow row;
      row.id = "p" + std::to_string(i) + ".png";
      cv::imwrite((folder_ / "images" / row.id).string(), photo);
      WriteMask(MaskPath(folder_ / "masks", row.id), mask);
      table_.rows.push_back(row);
    }
    table_.path = "photos.csv";
  }

  EmbedResult Embed(DualGeoModel& model, int batch_size, int workers = 1) {
    const PhotoDataset dataset(table_, folder_ / "images", folder_ / "masks", ModelViews(model->options()));
    LoaderOptions loader;
    loader.workers = workers;
    loader.on_bad_image = on_bad_image_;
    return EmbedPhotos(model, dataset, EmbedOptions{batch_size}, loader);
  }

  TemporaryFolder folder_;
  PhotoTable table_;
  std::string on_bad_image_ = "error";
};

// A part a batch.
KeepParts Keep(const std::filesystem::path& folder) { return {folder, std::chrono::milliseconds(0)}; }

double Norm(std::span<const float> row) { return std::sqrt(Inner(row, row)); }

TEST_F(EmbedTest, GivesUnitVectorsOfEveryView) {
  DualGeoModel model(TinyModel(), LossOptions(), 3);
  const auto set = Embed(model, 3).features;
  EXPECT_EQ(set.size(), 7);
  EXPECT_EQ(set.ids[6], "p6.png");
  EXPECT_EQ(set.model, ModelFingerprint(model));
  EXPECT_EQ(set.features.size(), 6U);
  for (const char* name :
       {"image", "segmentation", "fused_image", "fused_segmentation", "projected_image", "projected_segmentation"}) {
    const auto& matrix = set.Require(name);
    EXPECT_EQ(matrix.rows, 7);
    EXPECT_EQ(matrix.columns, 16);
    for (std::int64_t i = 0; i < matrix.rows; ++i) EXPECT_NEAR(Norm(matrix.Row(i)), 1, 1e-5) << name;
  }
}

TEST_F(EmbedTest, KeepsViewsAsTheyComeOnlyWhenAsked) {
  DualGeoModel model(TinyModel(), LossOptions(), 3);
  const PhotoDataset dataset(table_, folder_ / "images", folder_ / "masks", ModelViews(model->options()));
  EmbedOptions options;
  options.raw = {"image", "fused_segmentation"};
  const auto set = EmbedPhotos(model, dataset, options, LoaderOptions()).features;
  const auto plain = EmbedPhotos(model, dataset, EmbedOptions(), LoaderOptions()).features;
  EXPECT_EQ(set.features.size(), plain.features.size() + 2);
  for (const auto& [name, matrix] : plain.features) EXPECT_EQ(set.Require(name).values, matrix.values) << name;
  for (const std::string& name : options.raw) {
    Matrix raw = set.Require(name + kRawSuffix);
    EXPECT_GT(std::abs(Norm(raw.Row(0)) - 1), 1e-3) << name;
    NormalizeRows(raw);
    for (std::size_t i = 0; i < raw.values.size(); ++i) {
      EXPECT_NEAR(raw.values[i], plain.Require(name).values[i], 1e-6) << name;
    }
  }
  WriteFeatures(folder_ / "f.safetensors", set);
  EXPECT_EQ(ReadFeatures(folder_ / "f.safetensors").features.size(), set.features.size());
  options.raw = {"projected_image"};
  EXPECT_THROW(EmbedPhotos(model, dataset, options, LoaderOptions()), InputError);
}

TEST_F(EmbedTest, GivesWhatTheHeadAttributesSays) {
  auto options = TinyModel();
  options.heads = {"contrastive_gps", "attributes"};
  options.attributes["scene"].column = "SCENE";
  options.attributes["height"].column = "HEIGHT";
  options.attributes["height"].type = "value";
  DualGeoModel model(options, LossOptions(), 3);
  EXPECT_THAT(
      [&] { Embed(model, 3); },
      ThrowsMessage<InputError>(HasSubstr("model.attributes.height: what it tells apart comes from a training")));
  model->heads()[1]->Learn({"t.csv", {2, 3, 4}, {{"SCENE", {"b", "a", "c"}}, {"HEIGHT", {"1", "2", "6"}}}}, nullptr);
  const auto set = Embed(model, 3).features;
  WriteFeatures(folder_ / "f.safetensors", set);
  const auto read = ReadFeatures(folder_ / "f.safetensors");
  const Matrix& scene = read.Require("attribute_scene");
  EXPECT_EQ(scene.rows, 7);
  EXPECT_EQ(scene.columns, 3);
  for (std::int64_t i = 0; i < 7; ++i) {
    const auto row = scene.Row(i);
    EXPECT_NEAR(row[0] + row[1] + row[2], 1, 1e-5);
  }
  EXPECT_EQ(read.Require("attribute_height").columns, 1);
  EXPECT_EQ(read.features.size(), 8U);
}

TEST_F(EmbedTest, IsTheSameWhateverTheBatchAndTheWorkers) {
  DualGeoModel model(TinyModel(), LossOptions(), 3);
  const auto one = Embed(model, 1).features;
  const auto many = Embed(model, 7, 3).features;
  const auto again = Embed(model, 7, 1).features;
  EXPECT_EQ(one.ids, many.ids);
  for (const auto& [name, matrix] : one.features) {
    EXPECT_EQ(many.Require(name).values, again.Require(name).values) << name;
    for (std::size_t i = 0; i < matrix.values.size(); ++i) {
      EXPECT_NEAR(matrix.values[i], many.Require(name).values[i], 1e-5) << name;
    }
  }
}

TEST_F(EmbedTest, OfScopeBatchDependsOnTheBatch) {
  auto options = TinyModel();
  options.fusion.scope = "batch";
  DualGeoModel model(options, LossOptions(), 3);
  const auto one = Embed(model, 1).features;
  const auto many = Embed(model, 7).features;
  double difference = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(one.Require("fused_image").values[i]) -
                                               many.Require("fused_image").values[i]));
  }
  EXPECT_GT(difference, 1e-4);
}

TEST_F(EmbedTest, OfTheImageViewAloneLeavesTheOtherOut) {
  auto options = TinyModel();
  options.views = "image";
  DualGeoModel model(options, LossOptions(), 3);
  const auto set = Embed(model, 4).features;
  EXPECT_EQ(set.features.count("image"), 1U);
  EXPECT_EQ(set.features.count("fused_image"), 1U);
  EXPECT_EQ(set.features.count("segmentation"), 0U);
  EXPECT_EQ(set.features.count("projected_segmentation"), 0U);
}

TEST_F(EmbedTest, BadPhotosStopOrAreListed) {
  folder_.Write("images/p2.png", "no photo");
  DualGeoModel model(TinyModel(), LossOptions(), 3);
  EXPECT_THAT([&] { Embed(model, 3); }, ThrowsMessage<InputError>(HasSubstr("p2.png")));
  on_bad_image_ = "skip";
  const auto result = Embed(model, 3);
  EXPECT_EQ(result.skipped, std::vector<std::string>{"p2.png"});
  EXPECT_EQ(result.features.size(), 6);
  EXPECT_EQ(result.features.ids[2], "p3.png");
  for (int i = 0; i < 7; ++i) folder_.Write("images/p" + std::to_string(i) + ".png", "no photo");
  EXPECT_THAT([&] { Embed(model, 3); }, ThrowsMessage<InputError>(HasSubstr("not one photo of photos.csv")));
}

TEST_F(EmbedTest, HashesThePhotosFromAJobAndAlikeInATar) {
  EmbedPhotosJob job;
  job.model.model = TinyModel();
  job.model.model.views = "image";
  job.model.runtime.device = "cpu";
  job.photos = table_;
  job.images = folder_ / "images";
  std::filesystem::copy_file(folder_ / "images" / "p1.png", folder_ / "images" / "p4.png",
                             std::filesystem::copy_options::overwrite_existing);
  const auto set = EmbedPhotosToMemory(job).features;
  ASSERT_EQ(set.photo_sha256.size(), 7U);
  EXPECT_EQ(set.photo_sha256[0], Sha256Bytes(ReadFile(folder_ / "images" / "p0.png")));
  EXPECT_EQ(set.photo_sha256[1], set.photo_sha256[4]);
  EXPECT_NE(set.photo_sha256[1], set.photo_sha256[2]);
}

// A process that ends at a bad photo leaves what a kill would leave: the next one goes on from the parts.
TEST_F(EmbedTest, GoesOnFromThePartsAndEndsInTheSameBytes) {
  for (const std::string scope : {"tokens", "batch"}) {
    auto options = TinyModel();
    options.fusion.scope = scope;
    DualGeoModel model(options, LossOptions(), 3);
    WriteFeatures(folder_ / "whole", Embed(model, 2).features);
    const std::string good = ReadFile(folder_ / "images" / "p5.png");
    const auto embed = [&](const EmbedOptions& embed_options) {
      const PhotoDataset dataset(table_, folder_ / "images", folder_ / "masks", ModelViews(model->options()));
      FeatureBlocks blocks("photos", ModelFingerprint(model), dataset.size(), Keep(folder_ / "parts"), scope);
      EmbedPhotos(model, dataset, embed_options, LoaderOptions(), blocks);
      EXPECT_EQ(blocks.rows(), 7);
      blocks.Write(folder_ / "resumed");
    };
    folder_.Write("images/p5.png", "no photo");
    EXPECT_THROW(embed(EmbedOptions{2}), InputError);
    {
      const PartsFolder parts(folder_ / "parts", scope);
      EXPECT_EQ(parts.done(), 4) << "two batches of two";
    }
    folder_.Write("images/p5.png", good);
    embed(EmbedOptions{2});
    EXPECT_EQ(ReadFile(folder_ / "whole"), ReadFile(folder_ / "resumed")) << scope;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "parts"));
  }
}

TEST_F(EmbedTest, PartsOfPhotosThatChangedOrThatAreDamagedAreMadeAgain) {
  DualGeoModel model(TinyModel(), LossOptions(), 3);
  const PhotoDataset dataset(table_, folder_ / "images", folder_ / "masks", ModelViews(model->options()));
  const auto start = [&](FeatureBlocks& blocks) {
    return EmbedPhotos(model, dataset, EmbedOptions{2}, LoaderOptions(), blocks);
  };
  const auto make = [&] {
    return std::make_unique<FeatureBlocks>("photos", ModelFingerprint(model), 7, Keep(folder_ / "parts"), "x");
  };
  start(*make());
  {
    const auto blocks = make();
    EXPECT_EQ(blocks->done(), 7);
    std::filesystem::last_write_time(folder_ / "images" / "p2.png",
                                     std::filesystem::file_time_type::clock::now() + std::chrono::seconds(2));
    start(*blocks);
    EXPECT_EQ(blocks->parts().parts()[0].count, 2) << "the first part stays";
  }
  std::filesystem::last_write_time(folder_ / "images" / "p2.png",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  std::filesystem::path damaged;
  {
    const auto blocks = make();
    damaged = blocks->parts().parts()[2].file;
  }
  std::filesystem::resize_file(damaged, 100);
  const auto blocks = make();
  EXPECT_EQ(blocks->done(), 4);
  start(*blocks);
  const auto set = blocks->Take();
  EXPECT_EQ(set.ids.size(), 7U);
  EXPECT_EQ(set.ids[6], "p6.png");
}

// Several crops of each photo against each crop asked about by itself.
TEST_F(EmbedTest, PoolsTheVectorsOfCrops) {
  auto options = TinyModel();
  options.image_encoder.crops = "five";
  for (const std::string pooling : {"mean", "max"}) {
    options.image_encoder.crops_pooling = pooling;
    DualGeoModel model(options, LossOptions(), 3);
    const ViewOptions view = AskedViews(options);
    const PhotoDataset dataset(table_, folder_ / "images", folder_ / "masks", view);
    const auto set = EmbedPhotos(model, dataset, EmbedOptions{35}, LoaderOptions{}).features;
    ASSERT_EQ(set.size(), 7);
    // One crop a batch of one.
    const auto slow = EmbedPhotos(model, dataset, EmbedOptions{1}, LoaderOptions{}).features;
    const torch::InferenceMode inference;
    model->eval();
    std::vector<torch::Tensor> images, projected;
    const Example example = dataset.Get(2);
    for (std::int64_t crop = 0; crop < 5; ++crop) {
      const auto features =
          model->Encode(example.pixels.slice(0, crop, crop + 1), example.mask.slice(0, crop, crop + 1));
      images.push_back(features.fused_image);
      projected.push_back(model->ProjectImage(features.fused_image));
    }
    for (const auto& [name, crops] : {std::pair("fused_image", images), std::pair("projected_image", projected)}) {
      const auto all = torch::cat(crops);
      const auto vector = pooling == "max" ? all.amax(0) : all.mean(0);
      const auto unit = vector / vector.norm();
      for (std::int64_t i = 0; i < 16; ++i) {
        EXPECT_NEAR(set.Require(name).Row(2)[static_cast<std::size_t>(i)], unit[i].item<float>(), 1e-5) << name;
        EXPECT_NEAR(slow.Require(name).Row(2)[static_cast<std::size_t>(i)], unit[i].item<float>(), 1e-5) << name;
      }
    }
  }
  options.fusion.scope = "batch";
  EXPECT_THAT([&] { options.Validate(); }, ThrowsMessage<InputError>(HasSubstr("model.image_encoder.crops: five")));
}

// ISNs' f*: two coarse cells, three fine ones, of which the first two lie in the first coarse one; two crops.
TEST(PlaceProbabilities, PoolWhatTheyAreToldTo) {
  const std::vector<torch::Tensor> probabilities = {torch::tensor({{.6F, .4F}, {.2F, .8F}}),
                                                    torch::tensor({{.35F, .25F, .4F}, {.1F, .1F, .8F}})};
  const auto logits = [&] { return std::vector<torch::Tensor>{probabilities[0].log() + 3, probabilities[1].log()}; };
  ImageEncoderOptions options;
  const auto near = [](const torch::Tensor& actual, const std::vector<float>& expected) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(actual[0][static_cast<std::int64_t>(i)].item<float>(), expected[i], 1e-6) << i;
    }
  };
  options.crops_of = "probabilities";
  options.crops_pooling = "max";
  auto pooled = PlaceProbabilities(logits(), 2, options, false);
  near(pooled[0], {.6F, .8F});
  near(pooled[1], {.35F, .25F, .8F});  // so f* gives .21, .15, .64
  options.crops_pooling = "mean";
  pooled = PlaceProbabilities(logits(), 2, options, false);
  near(pooled[0], {.4F, .6F});
  near(pooled[1], {.225F, .175F, .6F});
  // Of logits: exp of the mean logarithm, made to add up to 1 again.
  options.crops_of = "logits";
  pooled = PlaceProbabilities(logits(), 2, options, false);
  const float a = std::sqrt(.6F * .2F), b = std::sqrt(.4F * .8F);
  near(pooled[0], {a / (a + b), b / (a + b)});
  // One softmax over both partitions: the coarse one's logits are greater by 3 in the first crop's sum.
  options.crops_of = "vectors";
  pooled = PlaceProbabilities(logits(), 1, options, true);
  const float share = std::exp(3.0F) / (std::exp(3.0F) + 1);
  near(pooled[0], {.6F * share, .4F * share});
  near(pooled[1], {.35F * (1 - share), .25F * (1 - share), .4F * (1 - share)});
}

// A crop that is sure of the coarse cells counts more of them and less of the fine ones: with one softmax the maximum
// may come of another crop, and another cell win.
TEST(PlaceProbabilities, AJointSoftmaxDiffersWhereCropsArePooled) {
  const std::vector<torch::Tensor> logits = {torch::tensor({{4.0F, 0.0F}, {0.0F, 1.0F}}),
                                             torch::tensor({{0.0F, 1.0F}, {3.0F, 0.0F}})};
  ImageEncoderOptions options;
  options.crops_of = "probabilities";
  options.crops_pooling = "max";
  const auto product = [&](bool joint) {
    const auto pooled = PlaceProbabilities(logits, 2, options, joint);
    return (pooled[0] * pooled[1])[0];  // fine cell i lies in coarse cell i
  };
  const auto softmax = [](std::vector<float> values) { return torch::softmax(torch::tensor(values), 0); };
  const auto first = softmax({4, 0, 0, 1}), second = softmax({0, 1, 3, 0});
  const auto joint = torch::maximum(first, second);
  EXPECT_NEAR(product(true)[0].item<float>(), (joint[0] * joint[2]).item<float>(), 1e-6);
  EXPECT_NEAR(product(true)[1].item<float>(), (joint[1] * joint[3]).item<float>(), 1e-6);
  const auto coarse = torch::maximum(softmax({4, 0}), softmax({0, 1}));
  const auto fine = torch::maximum(softmax({0, 1}), softmax({3, 0}));
  EXPECT_NEAR(product(false)[1].item<float>(), (coarse[1] * fine[1]).item<float>(), 1e-6);
  // And of one crop the order is the same.
  const auto one = [&](bool both) {
    const auto pooled = PlaceProbabilities({logits[0].slice(0, 0, 1), logits[1].slice(0, 0, 1)}, 1, options, both);
    return (pooled[0] * pooled[1])[0].argmax().item<std::int64_t>();
  };
  EXPECT_EQ(one(true), one(false));
}

TEST_F(EmbedTest, PhotosThatPartsLeftOutAreListedAgain) {
  folder_.Write("images/p2.png", "no photo");
  std::filesystem::last_write_time(folder_ / "images" / "p2.png",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  DualGeoModel model(TinyModel(), LossOptions(), 3);
  const PhotoDataset dataset(table_, folder_ / "images", folder_ / "masks", ModelViews(model->options()));
  LoaderOptions loader;
  loader.on_bad_image = "skip";
  for (int i = 0; i < 2; ++i) {
    FeatureBlocks blocks("photos", ModelFingerprint(model), 7, Keep(folder_ / "parts"), "x");
    const auto report = EmbedPhotos(model, dataset, EmbedOptions{2}, loader, blocks);
    EXPECT_EQ(report.rows, 6);
    EXPECT_EQ(report.skipped, std::vector<std::string>{"p2.png"});
  }
}

TEST(EmbedGps, GoesOnFromTheParts) {
  const TemporaryFolder folder;
  DualGeoModel model(TinyModel(), LossOptions(), 3);
  std::vector<LatLon> places;
  for (int i = 0; i < 9000; ++i) places.push_back({-89.0 + 0.0195 * i, -179.0 + 0.0397 * i});
  WriteFeatures(folder / "whole", EmbedGps(model, places));
  for (int i = 0; i < 2; ++i) {
    FeatureBlocks blocks("gps", ModelFingerprint(model), 9000, Keep(folder / "parts"), "x");
    if (i == 1) {
      EXPECT_EQ(blocks.done(), 9000);
      blocks.parts().DropFrom(1);
      EXPECT_EQ(blocks.done(), 4096);
    }
    EmbedGps(model, places, {}, blocks);
    if (i == 1) blocks.Write(folder / "resumed");
  }
  EXPECT_EQ(ReadFile(folder / "whole"), ReadFile(folder / "resumed"));
}

TEST_F(EmbedTest, WeightsThatAreNotFiniteAreToldWithThePhoto) {
  DualGeoModel model(TinyModel(), LossOptions(), 3);
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : model->parameters()) parameter.fill_(std::nanf(""));
  }
  EXPECT_THAT([&] { Embed(model, 3); }, ThrowsMessage<Error>(HasSubstr("p0.png")));
}

TEST(ModelFingerprint, ChangesWithWeightsAndOptionsAndNothingElse) {
  DualGeoModel model(TinyModel(), LossOptions(), 3);
  const auto fingerprint = ModelFingerprint(model);
  EXPECT_EQ(fingerprint.size(), 64U);
  EXPECT_EQ(ModelFingerprint(DualGeoModel(TinyModel(), LossOptions(), 3)), fingerprint);
  EXPECT_NE(ModelFingerprint(DualGeoModel(TinyModel(), LossOptions(), 4)), fingerprint);
  auto options = TinyModel();
  options.fusion.dropout = 0.3;
  options.image_encoder.freeze = false;
  options.segmenter.preset = "b0";
  EXPECT_EQ(ModelFingerprint(DualGeoModel(options, LossOptions(), 3)), fingerprint);
  options.fusion.scope = "pooled";
  EXPECT_NE(ModelFingerprint(DualGeoModel(options, LossOptions(), 3)), fingerprint);
}

TEST(EmbedGps, IsDefinedEverywhereAndDoesNotDependOnTheChunk) {
  DualGeoModel model(TinyModel(), LossOptions(), 3);
  std::vector<LatLon> places = {{90, 0}, {-90, 0}, {0, 180}, {0, -180}, {85.06, 10}, {90, -180}};
  for (int i = 0; i < 5000; ++i) places.push_back({-89.0 + 0.03 * i, -179.0 + 0.07 * i});
  const auto set = EmbedGps(model, places);
  EXPECT_EQ(set.kind, "gps");
  EXPECT_EQ(set.size(), 5006);
  EXPECT_EQ(set.ids[17], "17");
  EXPECT_EQ(set.locations, places);
  EXPECT_EQ(set.Require("gps").columns, 12);
  EXPECT_EQ(set.Require("projected_gps").columns, 16);
  const std::vector<LatLon> last = {places.back()};
  const auto alone = EmbedGps(model, last);
  for (std::int64_t j = 0; j < 12; ++j) {
    EXPECT_NEAR(alone.Require("gps").Row(0)[static_cast<std::size_t>(j)],
                set.Require("gps").Row(5005)[static_cast<std::size_t>(j)], 1e-5);
  }
  for (std::int64_t i = 0; i < set.size(); ++i) EXPECT_NEAR(Norm(set.Require("projected_gps").Row(i)), 1, 1e-5);
}

// They cost much time and no digit.
TEST(EmbedGps, DenormalWeightsCountAsZeroInItAlone) {
  DualGeoModel model(TinyModel(), LossOptions(), 3);
  model->eval();
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : model->parameters()) {
      if (parameter.dim() == 2) parameter.select(1, 0).fill_(1e-40F);
    }
  }
  const std::vector<LatLon> places = {{48.8, 2.3}, {-33.9, 151.2}, {0, 0}};
  const torch::InferenceMode inference;
  const auto expected = model->EncodeGps(torch::tensor({{48.8, 2.3}, {-33.9, 151.2}, {0.0, 0.0}}, torch::kFloat64));
  const auto set = EmbedGps(model, places);
  const auto values = set.Require("gps").values;
  EXPECT_EQ(std::vector<float>(expected.data_ptr<float>(), expected.data_ptr<float>() + expected.numel()),
            std::vector<float>(values.begin(), values.end()));
  EXPECT_GT((torch::full({1}, 1e-40F) * 0.5).item<float>(), 0);
}

// Photo files one at a time, masks made on the way, against the commands' way by tables and files.
TEST_F(EmbedTest, AnEmbedderGivesWhatTheCommandsGive) {
  EmbedModel options;
  options.model = TinyModel();
  options.model.segmenter.preset = "b0";
  options.model.segmenter.hidden_sizes = {8, 8, 8, 8};
  options.model.segmenter.depths = {1, 1, 1, 1};
  options.model.segmenter.heads = {1, 1, 1, 1};
  options.model.segmenter.decoder_dim = 8;
  options.model.segmenter.image_size = 256;
  options.runtime.device = "cpu";
  const auto weights = folder_ / "segformer.safetensors";
  WriteSafetensors(weights, StateDict(*SegFormer(options.model.segmenter, 5)));

  SegmentJob job;
  job.photos = table_;
  job.images = folder_ / "images";
  job.out = folder_ / "predicted";
  job.weights = weights;
  job.segmenter = options.model.segmenter;
  job.runtime = options.runtime;
  SegmentPhotos(job);
  const auto expected = EmbedPhotosToMemory({options, table_, job.images, job.out, {}, {}});
  EXPECT_GT(expected.photos_per_second, 0);

  Embedder embedder(options, weights);
  std::vector<std::filesystem::path> photos;
  for (const auto& row : table_.rows) photos.push_back(folder_ / "images" / row.id);
  const FeatureSet found = embedder.Photos(photos);
  EXPECT_EQ(found.model, expected.features.model);
  EXPECT_EQ(found.ids.front(), photos.front().string());
  ASSERT_EQ(found.features.size(), expected.features.features.size());
  for (const auto& [name, matrix] : expected.features.features) {
    const Matrix& other = found.Require(name);
    ASSERT_EQ(other.values.size(), matrix.values.size());
    for (std::size_t i = 0; i < matrix.values.size(); ++i) EXPECT_NEAR(other.values[i], matrix.values[i], 1e-5) << name;
  }
  EXPECT_THAT([&] { embedder.Photos({photos[0], photos[0]}); }, ThrowsMessage<InputError>(HasSubstr("given twice")));
  EXPECT_THAT([&] { embedder.Photos({folder_ / "absent.jpg"}); }, ThrowsMessage<InputError>(HasSubstr("absent.jpg")));
  std::vector<BadPhoto> bad;
  folder_.Write("broken.png", "no photo");
  const FeatureSet some = embedder.Photos({photos[0], folder_ / "broken.png", photos[1]}, &bad);
  EXPECT_EQ(some.ids, (std::vector<std::string>{photos[0].string(), photos[1].string()}));
  ASSERT_EQ(bad.size(), 1U);
  EXPECT_THAT(bad[0].reason, HasSubstr("broken.png"));
  EXPECT_THAT([&] { Embedder without(options); }, ThrowsMessage<InputError>(HasSubstr("no segmenter")));
}

}  // namespace
}  // namespace dualgeo
