// Every head in a training: two steps of it, an exact resume, and sixteen photos by heart.
#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <sstream>

#include "data/dataset.h"
#include "dualgeo/geo/partition.h"
#include "dualgeo/util/error.h"
#include "runtime/views.h"
#include "tests/train/tiny_set.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int kPhotos = 16;

// Sixteen photos of two colours each, no two alike, each at its own place, with a scene and a height.
void WriteSixteenPhotos(const fs::path& folder) {
  const cv::Scalar colours[] = {{20, 20, 220}, {220, 60, 20}, {30, 220, 60}, {230, 230, 230}};
  std::string table = "IMG_ID,LAT,LON,SCENE,HEIGHT,MONTH\n";
  for (int i = 0; i < kPhotos; ++i) {
    cv::Mat photo(32, 32, CV_8UC3, colours[i % 4]);
    photo.rowRange(16, 32).setTo(colours[i / 4]);
    photo.colRange(0, 2 + i).row(8).setTo(cv::Scalar(0, 0, 0));
    cv::Mat mask(32, 32, CV_8UC1, cv::Scalar(i % kTinyClasses));
    mask.rowRange(16, 32).setTo(i / 4);
    const std::string id = "p" + std::to_string(i) + ".png";
    fs::create_directories(folder / "images");
    cv::imwrite((folder / "images" / id).string(), photo);
    WriteMask(MaskPath(folder / "masks", id), mask);
    table += id + "," + std::to_string(-60 + 8 * i) + "," + std::to_string(-170 + 21 * i) + "," +
             (i % 3 == 0   ? "indoor"
              : i % 3 == 1 ? "natural"
                           : "urban") +
             "," + std::to_string(100 * (i % 5)) + "," + (i == 3 ? "" : std::to_string(1 + i % 4)) + "\n";
  }
  WriteFileAtomically(folder / "photos.csv", table);
}

class HeadsTrain : public ::testing::Test {
 protected:
  HeadsTrain() {
    WriteSixteenPhotos(set_);
    // Cells of level 2 but for those of the face where the last photo is.
    std::vector<PartitionCell> cells;
    for (int face = 0; face < 6; ++face) {
      for (int a = 0; a < 4; ++a) {
        for (int b = 0; b < 4; ++b) {
          const S2Cell cell = S2Cell::Face(face).Child(a).Child(b);
          if (cell.Contains(S2Cell::Leaf({-60 + 8 * 15.0, -170 + 21 * 15.0}))) continue;
          cells.push_back({std::ssize(cells), {cell}, 1, cell.Center()});
        }
      }
    }
    Partition(cells).Write(folder_ / "cells.csv");
  }
  ModelOptions Model(const std::string& head) const {
    ModelOptions model = TinyModel();
    model.views = "image";
    model.heads = {head == "queue" ? "contrastive_gps" : head};
    model.cells.partitions = {(folder_ / "cells.csv").string()};
    if (head == "attributes") {
      model.attributes["scene"].column = "SCENE";
      model.attributes["month"].column = "MONTH";
      model.attributes["height"].column = "HEIGHT";
      model.attributes["height"].type = "value";
      model.attributes["height"].scale = "symlog";
    }
    return model;
  }
  static LossOptions Loss(const std::string& head) {
    LossOptions loss;
    if (head != "queue") return loss;
    loss.direction = "image_to_gps";
    loss.queue = 16;
    loss.gps_noise_m = 150;
    loss.queue_noise_m = 1000;
    return loss;
  }
  // Validated on the training photos themselves.
  TrainJob Job(const std::string& name) const {
    TrainJob job = TinyJob(set_, folder_ / name);
    job.data.augment.enabled = false;
    job.data.validation.fraction = 0;
    job.data.validation.csv = (set_ / "photos.csv").string();
    return job;
  }
  static TrainOptions Epochs(int epochs) {
    TrainOptions train = TinyTraining(epochs);
    train.batch_size = 8;
    train.checkpoint_every_steps = 0;
    return train;
  }
  std::string Weights(const std::string& name) const {
    return Bytes(folder_ / name / "checkpoint" / "last" / "model.safetensors");
  }

  TemporaryFolder folder_;
  fs::path set_ = folder_ / "set";
};

class OverEveryHead : public HeadsTrain, public ::testing::WithParamInterface<const char*> {};

TEST_P(OverEveryHead, TwoStepsAndAnExactResume) {
  const std::string head = GetParam();
  const TrainResult once = TrainModel(Job("once"), Model(head), Loss(head), Epochs(1));
  EXPECT_EQ(once.steps, 2);
  EXPECT_TRUE(std::isfinite(once.validation.at("loss")));
  TrainModel(Job("whole"), Model(head), Loss(head), Epochs(3));
  TrainJob job = Job("once");
  job.existing = Existing::kResume;
  TrainModel(job, Model(head), Loss(head), Epochs(3));
  EXPECT_EQ(Weights("once"), Weights("whole"));
  EXPECT_NO_THROW(LoadModel(folder_ / "whole" / "checkpoint" / "last", Model(head), Loss(head), torch::kCPU));
}

INSTANTIATE_TEST_SUITE_P(Kinds, OverEveryHead, ::testing::Values("contrastive_gps", "queue", "cells", "attributes"));

class SlowOverEveryHead : public HeadsTrain, public ::testing::WithParamInterface<const char*> {};

TEST_P(SlowOverEveryHead, LearnsSixteenPhotosByHeart) {
  const std::string head = GetParam();
  TrainOptions train = Epochs(400);
  train.batch_size = 16;
  train.validate_every_epochs = 400;
  train.schedule.type = "cosine";
  train.lr = 3e-3;
  const auto numbers = TrainModel(Job("a"), Model(head), Loss(head), train).validation;
  for (const auto& [name, value] : numbers) std::printf("%s %s: %.4g\n", head.c_str(), name.c_str(), value);
  if (head == "contrastive_gps" || head == "queue") {
    EXPECT_EQ(numbers.at("image_to_gps"), 100);
    EXPECT_LT(numbers.at("loss"), 0.3);
  } else if (head == "cells") {
    // All but the photo in no cell.
    EXPECT_LT(numbers.at("cells_0"), 0.3);
    EXPECT_LT(numbers.at("median_km"), 1500);  // to the middle of a cell of some 2,500 km
  } else {
    EXPECT_EQ(numbers.at("attribute_scene_accuracy"), 100);
    EXPECT_EQ(numbers.at("attribute_month_accuracy"), 100);
    EXPECT_LT(numbers.at("attribute_height"), 0.05);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, SlowOverEveryHead,
                         ::testing::Values("contrastive_gps", "queue", "cells", "attributes"));

TEST_F(HeadsTrain, ColumnsReachTheHeadInTheBatchsOrder) {
  TrainOptions train = Epochs(1);
  train.lr = 0;
  const auto numbers = TrainModel(Job("a"), Model("attributes"), LossOptions(), train).validation;
  // The classifier's own answer for each photo against the table, photo by photo.
  auto model = LoadModel(folder_ / "a" / "checkpoint" / "last", Model("attributes"), LossOptions(), torch::kCPU);
  EXPECT_EQ(AttributeClasses(folder_ / "a" / "checkpoint" / "last", "scene"),
            (std::vector<std::string>{"indoor", "natural", "urban"}));
  const PhotoTable table = ReadPhotoTable(set_ / "photos.csv", {}, Locations::kRequired, {"SCENE"});
  const PhotoDataset photos(table, set_ / "images", {}, ModelViews(Model("attributes")));
  const torch::NoGradGuard no_grad;
  double loss = 0, right = 0;
  for (std::int64_t i = 0; i < kPhotos; ++i) {
    const auto features = model->Encode(photos.Get(i).pixels.unsqueeze(0), {});
    const auto probabilities = Find(model->heads()[0]->Attributes(features), "attribute_scene")[0];
    const auto classes = model->heads()[0]->ClassesOf("attribute_scene");
    const auto own = std::ranges::find(classes, table.rows[static_cast<std::size_t>(i)].values[0]) - classes.begin();
    loss -= std::log(probabilities[own].item<double>());
    right += probabilities.argmax(0).item<std::int64_t>() == own;
  }
  EXPECT_NEAR(numbers.at("attribute_scene"), loss / kPhotos, 1e-4);
  EXPECT_NEAR(numbers.at("attribute_scene_accuracy"), 100 * right / kPhotos, 1e-3);
}

TEST_F(HeadsTrain, BadColumnsAreNamedBeforeAnythingIsTrained) {
  ModelOptions model = Model("attributes");
  model.attributes["scene"].column = "SCENES";
  const auto message = [&](const TrainJob& job) {
    return MessageOf<InputError>([&] { TrainModel(job, model, LossOptions(), Epochs(1)); });
  };
  EXPECT_EQ(message(Job("a")), (set_ / "photos.csv").string() +
                                   ":1: no column SCENES, did you mean SCENE? (columns: IMG_ID, LAT, LON, SCENE, "
                                   "HEIGHT, MONTH)");
  model = Model("attributes");
  std::ofstream(folder_ / "v.csv") << "IMG_ID,LAT,LON,SCENE,HEIGHT,MONTH\np1.png,1,2,desert,3,1\n";
  TrainJob job = Job("a");
  job.data.validation.csv = (folder_ / "v.csv").string();
  EXPECT_THAT(message(job), HasSubstr("v.csv:2: SCENE desert is not among the classes"));
  std::ofstream(folder_ / "v.csv") << "IMG_ID,LAT,LON,SCENE,HEIGHT\np1.png,1,2,urban,3\n";
  EXPECT_THAT(message(job), HasSubstr("v.csv:1: no column MONTH"));
  EXPECT_FALSE(fs::exists(folder_ / "a" / "checkpoint" / "last"));
}

TEST_F(HeadsTrain, OtherValuesOfAColumnAreAnotherTraining) {
  TrainModel(Job("a"), Model("attributes"), LossOptions(), Epochs(1));
  std::string table = ReadFile(set_ / "photos.csv");
  table.replace(table.find("natural"), 7, "indoor");
  WriteFileAtomically(set_ / "photos.csv", table);
  TrainJob job = Job("a");
  job.existing = Existing::kResume;
  EXPECT_THAT(MessageOf<InputError>([&] { TrainModel(job, Model("attributes"), LossOptions(), Epochs(2)); }),
              HasSubstr("data.train"));
}

TEST_F(HeadsTrain, AQueueThatBatchesDoNotFitIsRefused) {
  LossOptions loss = Loss("queue");
  const auto message = [&] {
    return MessageOf<InputError>([&] { TrainModel(Job("a"), Model("queue"), loss, Epochs(1)); });
  };
  loss.queue = 4;
  EXPECT_EQ(message(), "loss.queue: 4 is shorter than a batch of 8 photos; take a multiple of it");
  loss.queue = 20;
  EXPECT_EQ(message(), "loss.queue: 20 is not a multiple of the 8 photos of a batch");
}

TEST_F(HeadsTrain, PhotosInNoCellAreCountedAndStillScored) {
  std::ostringstream said;
  const auto logger = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(said)));
  const auto result = TrainModel(Job("a"), Model("cells"), LossOptions(), Epochs(1));
  spdlog::set_default_logger(logger);
  EXPECT_THAT(said.str(), HasSubstr("1 of 16 photos are in no cell of " + (folder_ / "cells.csv").string() +
                                    " and are left out of its loss"));
  EXPECT_EQ(result.validation_photos, kPhotos);
  auto model = LoadModel(folder_ / "a" / "checkpoint" / "last", Model("cells"), LossOptions(), torch::kCPU);
  const torch::NoGradGuard no_grad;
  const auto scores = torch::softmax(model->heads()[0]->PlaceLogits(torch::randn({1, 16}))[0], 1);
  EXPECT_NEAR(scores.sum().item<double>(), 1, 1e-5);
}

TEST_F(HeadsTrain, LayerWiseRatesResumeExactly) {
  TrainOptions train = Epochs(1);
  train.layer_decay = 0.7;
  train.lr_factors = {"vision_model_rgb.=0.5", "location_encoder.=2"};
  train.bias_lr_factor = 0.1;
  const ModelOptions model = Model("contrastive_gps");
  TrainModel(Job("part"), model, LossOptions(), train);
  train.epochs = 3;
  TrainModel(Job("whole"), model, LossOptions(), train);
  TrainJob job = Job("part");
  job.existing = Existing::kResume;
  TrainModel(job, model, LossOptions(), train);
  EXPECT_EQ(Weights("part"), Weights("whole"));
  train.layer_decay = 0.8;
  EXPECT_THAT(MessageOf<InputError>([&] { TrainModel(job, model, LossOptions(), train); }),
              HasSubstr("train.layer_decay: 0.7 then, 0.8 now"));
  train.lr_factors = {"vision.=1"};
  TrainJob other = Job("other");
  EXPECT_THAT(MessageOf<InputError>([&] { TrainModel(other, model, LossOptions(), train); }),
              HasSubstr("lr_factors: no weight that is trained begins with 'vision.'"));
}

}  // namespace
}  // namespace dualgeo
