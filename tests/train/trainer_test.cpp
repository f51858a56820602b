#include "train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dualgeo/util/error.h"
#include "io/safetensors.h"
#include "runtime/checkpoint.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_set.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;

class TrainerTest : public ::testing::Test {
 protected:
  TrainerTest() { WriteTinySet(set_, 36); }

  TrainResult Train(const std::string& name, const TrainOptions& train, Existing existing = Existing::kRefuse,
                    const ModelOptions& model = TinyModel()) {
    TrainJob job = TinyJob(set_, Run(name));
    job.existing = existing;
    return TrainModel(job, model, LossOptions(), train);
  }
  fs::path Run(const std::string& name) const { return folder_ / name; }
  std::string Weights(const std::string& name, const std::string& which = "last") const {
    return Bytes(Run(name) / "checkpoint" / which / "model.safetensors");
  }
  std::string Moments(const std::string& name) const { return Bytes(Run(name) / "checkpoint" / "last" / kTrainerFile); }
  // The log's lines without what depends on the clock.
  std::vector<std::string> Log(const std::string& name) const {
    std::vector<std::string> lines;
    for (const auto& line : Lines(Run(name) / "train.jsonl")) {
      auto json = nlohmann::ordered_json::parse(line);
      json.erase("photos_per_second");
      lines.push_back(json.dump());
    }
    return lines;
  }

  TemporaryFolder folder_;
  fs::path set_ = folder_ / "set";
};

TEST_F(TrainerTest, LearnsATinySetAndLogsIt) {
  TrainOptions options = TinyTraining(30);
  const TrainResult result = Train("a", options);
  EXPECT_EQ(result.train_photos + result.validation_photos, 36);
  EXPECT_EQ(result.validation_photos, 6);
  EXPECT_EQ(result.steps, 30 * 5);
  EXPECT_GT(result.photos_per_second, 0);
  EXPECT_EQ(result.validation.count("image_to_gps"), 1);
  EXPECT_EQ(result.validation.count("median_km"), 1);

  std::vector<double> losses;
  int validations = 0;
  for (const auto& line : Lines(Run("a") / "train.jsonl")) {
    const auto json = nlohmann::json::parse(line);
    if (json.contains("validation")) {
      ++validations;
      continue;
    }
    losses.push_back(json.at("loss"));
    EXPECT_EQ(json.at("step"), losses.size());
    for (const char* key : {"image_gps", "segmentation_gps", "logit_scale_rgb", "lr", "grad_norm", "epoch"}) {
      EXPECT_TRUE(json.contains(key)) << key;
    }
  }
  ASSERT_EQ(losses.size(), 150);
  EXPECT_EQ(validations, 30);
  // Two terms over 6 photos begin about 2 log 6 = 3.6 or above; photos of one place in a batch keep it from 0.
  const auto mean = [&](std::size_t from) {
    double sum = 0;
    for (std::size_t i = from; i < from + 10; ++i) sum += losses[i];
    return sum / 10;
  };
  EXPECT_GT(mean(0), 3);
  EXPECT_LT(mean(140), 0.6 * mean(0));
}

TEST_F(TrainerTest, CheckpointsLoadAndHoldTheConfig) {
  const TrainResult result = Train("a", TinyTraining(1));
  for (const auto& checkpoint : {result.last, result.best}) {
    EXPECT_EQ(Bytes(checkpoint / "config.yaml"), "name: tiny\n");
    auto model = LoadModel(checkpoint, TinyModel(), LossOptions(), torch::kCPU);
    EXPECT_FALSE(model->is_training());
    EXPECT_EQ(ReadTrainerState(checkpoint).at("step").item<std::int64_t>(), 5);
  }
  ModelOptions other = TinyModel();
  other.gps_encoder.hidden = 24;
  const std::string message = MessageOf<InputError>([&] { LoadModel(result.last, other, LossOptions(), torch::kCPU); });
  EXPECT_NE(message.find("location_encoder"), std::string::npos) << message;
}

TEST_F(TrainerTest, TheSameSeedGivesTheSameBytes) {
  Train("a", TinyTraining(2));
  Train("b", TinyTraining(2));
  EXPECT_EQ(Weights("a"), Weights("b"));
  EXPECT_EQ(Weights("a", "best"), Weights("b", "best"));
  EXPECT_EQ(Moments("a"), Moments("b"));
  TrainJob job = TinyJob(set_, Run("c"));
  job.runtime.seed = 4;
  TrainModel(job, TinyModel(), LossOptions(), TinyTraining(2));
  EXPECT_NE(Weights("a"), Weights("c"));
}

TEST_F(TrainerTest, LearnsOnFromACheckpoint) {
  const fs::path base = Train("base", TinyTraining(1)).last / "model.safetensors";
  TrainOptions on = TinyTraining(0);
  on.start_from = base.string();
  Train("untouched", on);
  EXPECT_EQ(Weights("untouched"), Weights("base"));
  on.epochs = 1;
  Train("on", on);
  EXPECT_NE(Weights("on"), Weights("base"));
  TrainJob job = TinyJob(set_, Run("other"));
  ModelOptions model = TinyModel();
  model.gps_encoder.hidden = 24;
  EXPECT_THAT(MessageOf<InputError>([&] { TrainModel(job, model, LossOptions(), on); }),
              ::testing::HasSubstr("do not fit the model"));
  on.start_from = base.parent_path().string();
  EXPECT_THAT(MessageOf<InputError>([&] { Train("folder", on); }),
              ::testing::AllOf(::testing::HasSubstr("train: start_from"), ::testing::HasSubstr("is not a file")));
}

TEST_F(TrainerTest, ResumingIsExact) {
  Train("whole", TinyTraining(4));
  // Stopped in the middle of an epoch: as a kill after the checkpoint of step 4 leaves it, with the log one line ahead.
  TrainOptions part = TinyTraining(1);
  Train("part", part);
  ASSERT_NE(Weights("whole"), Weights("part"));
  Train("part", TinyTraining(4), Existing::kResume);
  EXPECT_EQ(Weights("whole"), Weights("part"));
  EXPECT_EQ(Weights("whole", "best"), Weights("part", "best"));
  EXPECT_EQ(Moments("whole"), Moments("part"));
  EXPECT_EQ(Log("whole"), Log("part"));
  // Resuming what is finished changes nothing.
  Train("part", TinyTraining(4), Existing::kResume);
  EXPECT_EQ(Weights("whole"), Weights("part"));
  EXPECT_EQ(Log("whole"), Log("part"));
}

TEST_F(TrainerTest, ResumesWithMixedPrecisionAndFrozenEncoderToo) {
  ModelOptions model = TinyModel();
  model.image_encoder.freeze = true;
  const auto train = [&](const std::string& name, int epochs, Existing existing) {
    TrainJob job = TinyJob(set_, Run(name));
    job.runtime.precision = "bf16";
    job.existing = existing;
    TrainModel(job, model, LossOptions(), TinyTraining(epochs));
  };
  train("none", 0, Existing::kRefuse);
  train("whole", 2, Existing::kRefuse);
  train("part", 1, Existing::kRefuse);
  train("part", 2, Existing::kResume);
  EXPECT_EQ(Weights("whole"), Weights("part"));
  const SafetensorsFile before(Run("none") / "checkpoint" / "last" / "model.safetensors");
  const SafetensorsFile after(Run("whole") / "checkpoint" / "last" / "model.safetensors");
  int frozen = 0;
  int changed = 0;
  for (const auto& name : before.names()) {
    const bool same = torch::equal(before.Get(name), after.Get(name));
    if (name.starts_with("vision_model_rgb.")) {
      EXPECT_TRUE(same) << name;
      ++frozen;
    } else {
      changed += same ? 0 : 1;
    }
  }
  EXPECT_GT(frozen, 5);
  EXPECT_GT(changed, 20);
}

TEST_F(TrainerTest, EveryKindOfViewTrains) {
  for (const char* views : {"image", "segmentation"}) {
    ModelOptions model = TinyModel();
    model.views = views;
    const TrainResult result = Train(views, TinyTraining(1), Existing::kRefuse, model);
    EXPECT_EQ(result.steps, 5);
    EXPECT_TRUE(std::isfinite(result.validation.at("loss")));
  }
}

TEST_F(TrainerTest, AnExistingCheckpointIsNotOverwrittenUnasked) {
  Train("a", TinyTraining(1));
  const std::string before = Weights("a");
  EXPECT_NE(MessageOf<InputError>([&] { Train("a", TinyTraining(2)); }).find("--resume"), std::string::npos);
  EXPECT_EQ(Weights("a"), before);
  Train("a", TinyTraining(2), Existing::kOverwrite);
  EXPECT_EQ(Lines(Run("a") / "train.jsonl").size(), 2 * 5 + 2);
}

TEST_F(TrainerTest, WhatWasLearnedIsSafeBeforeItIsValidated) {
  // A validation photo that cannot be read stops the run after the first epoch.
  fs::create_directories(folder_ / "validation");
  std::ofstream(folder_ / "validation" / "bad.png") << "not a photo";
  std::ofstream(folder_ / "validation.csv") << "IMG_ID,LAT,LON\nbad.png,1,2\n";
  TrainJob job = TinyJob(set_, Run("a"));
  job.data.validation.csv = (folder_ / "validation.csv").string();
  job.data.validation.images = (folder_ / "validation").string();
  const auto train = [&] { TrainModel(job, TinyModel(), LossOptions(), TinyTraining(2)); };
  EXPECT_NE(MessageOf<InputError>(train).find("bad.png"), std::string::npos);
  const auto state = ReadTrainerState(Run("a") / "checkpoint" / "last");
  EXPECT_EQ(state.at("step").item<std::int64_t>(), 6);
  // Where nothing is to be learned, too, `last` comes first: a `best` alone could not be resumed.
  TrainJob none = job;
  none.run_dir = Run("none");
  const auto no_epochs = [&] { TrainModel(none, TinyModel(), LossOptions(), TinyTraining(0)); };
  EXPECT_NE(MessageOf<InputError>(no_epochs).find("bad.png"), std::string::npos);
  EXPECT_EQ(ReadTrainerState(Run("none") / "checkpoint" / "last").at("step").item<std::int64_t>(), 0);
  // Nothing is trained twice: with the photo mended the run goes on with its validation.
  fs::copy_file(set_ / "images" / "p0.png", folder_ / "validation" / "bad.png", fs::copy_options::overwrite_existing);
  fs::create_directories(folder_ / "masks");
  fs::copy_file(set_ / "masks" / "p0.png", folder_ / "masks" / "bad.png");
  job.data.validation.masks = (folder_ / "masks").string();
  job.existing = Existing::kResume;
  train();
  EXPECT_EQ(Log("a").size(), 12 + 2);
}

TEST_F(TrainerTest, TrainsAndValidatesOnEveryDeviceThereIs) {
  std::vector<std::string> devices = {"cpu"};
  if (torch::cuda::is_available()) devices.push_back("cuda");
  for (const auto& device : devices) {
    TrainJob job = TinyJob(set_, Run(device));
    job.runtime.device = device;
    const TrainResult result = TrainModel(job, TinyModel(), LossOptions(), TinyTraining(1));
    EXPECT_EQ(result.validation.count("image_to_gps"), 1) << device;
    EXPECT_TRUE(fs::exists(result.best / "model.safetensors")) << device;
  }
}

TEST_F(TrainerTest, OtherSettingsAreListedAndRefused) {
  Train("a", TinyTraining(1));
  TrainOptions other = TinyTraining(2);
  other.lr = 1e-3;
  ModelOptions model = TinyModel();
  model.fusion.heads = 4;
  const std::string message = MessageOf<InputError>([&] { Train("a", other, Existing::kResume, model); });
  EXPECT_NE(message.find("model.fusion.heads: 2 then, 4 now; train.lr: 0.003 then, 0.001 now"), std::string::npos)
      << message;
  WriteTinySet(set_, 30);
  EXPECT_NE(MessageOf<InputError>([&] { Train("a", TinyTraining(2), Existing::kResume); }).find("data.train"),
            std::string::npos);
}

TEST_F(TrainerTest, FewerEpochsThanDoneIsAnError) {
  Train("a", TinyTraining(2));
  EXPECT_NE(MessageOf<InputError>([&] { Train("a", TinyTraining(1), Existing::kResume); }).find("is of step 10"),
            std::string::npos);
}

TEST_F(TrainerTest, DamagedCheckpointsAreNamed) {
  Train("a", TinyTraining(1));
  const fs::path last = Run("a") / "checkpoint" / "last";
  const std::string weights = Bytes(last / "model.safetensors");
  const auto write = [](const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  };
  write(last / "model.safetensors", weights.substr(0, weights.size() / 2));
  EXPECT_NE(MessageOf<InputError>([&] { Train("a", TinyTraining(2), Existing::kResume); }).find("model.safetensors"),
            std::string::npos);
  write(last / "model.safetensors", weights);
  auto state = ReadTrainerState(last);
  const auto without = [&](const std::string& key) {
    auto rest = state;
    rest.erase(key);
    WriteSafetensors(last / kTrainerFile, {rest.begin(), rest.end()});
    return MessageOf<InputError>([&] { Train("a", TinyTraining(2), Existing::kResume); });
  };
  EXPECT_NE(without("step").find("has no step"), std::string::npos);
  EXPECT_NE(without("settings").find("has no settings"), std::string::npos);
  EXPECT_NE(without("optimizer/exp_avg/logit_scale_rgb").find("logit_scale_rgb"), std::string::npos);
  fs::remove(last / kTrainerFile);
  EXPECT_NE(MessageOf<InputError>([&] { Train("a", TinyTraining(2), Existing::kResume); }).find(kTrainerFile),
            std::string::npos);
}

TEST_F(TrainerTest, ALossThatIsNotFiniteStopsTheRunAndNamesTheStep) {
  TrainOptions options = TinyTraining(5);
  options.lr = 1e30;
  options.clip_grad_norm = 0;
  const std::string message = MessageOf<Error>([&] { Train("a", options); });
  EXPECT_NE(message.find(" at step "), std::string::npos) << message;
}

TEST_F(TrainerTest, UnreadablePhotosStopTheRunOrAreSkipped) {
  Train("whole", TinyTraining(2));
  // Every photo of the first six: whole batches may go, and steps keep their numbers.
  for (int i = 0; i < 6; ++i) {
    std::ofstream(set_ / "images" / ("p" + std::to_string(i) + ".png"), std::ios::trunc) << "not a photo";
  }
  EXPECT_NE(MessageOf<InputError>([&] { Train("a", TinyTraining(2)); }).find(".png"), std::string::npos);
  const auto train = [&](const std::string& name, int epochs, Existing existing) {
    TrainJob job = TinyJob(set_, Run(name));
    job.data.loader.on_bad_image = "skip";
    job.existing = existing;
    return TrainModel(job, TinyModel(), LossOptions(), TinyTraining(epochs));
  };
  const TrainResult result = train("b", 2, Existing::kRefuse);
  EXPECT_EQ(result.steps, 10);
  EXPECT_GE(result.skipped_photos, 6);
  train("c", 1, Existing::kRefuse);
  train("c", 2, Existing::kResume);
  EXPECT_EQ(Weights("b"), Weights("c"));
}

TEST_F(TrainerTest, NoEpochsWriteTheUntrainedModel) {
  const TrainResult result = Train("a", TinyTraining(0));
  EXPECT_EQ(result.steps, 0);
  EXPECT_TRUE(fs::exists(result.best / "model.safetensors"));
  EXPECT_TRUE(result.validation.contains("loss"));
}

TEST_F(TrainerTest, MissingInputsAreNamed) {
  TrainJob job = TinyJob(set_, Run("a"));
  job.data.train.masks.clear();
  EXPECT_NE(MessageOf<InputError>([&] {
              TrainModel(job, TinyModel(), LossOptions(), TinyTraining(1));
            }).find("data.train.masks"),
            std::string::npos);
  job.data.train.csv = (set_ / "absent.csv").string();
  EXPECT_THROW(TrainModel(job, TinyModel(), LossOptions(), TinyTraining(1)), InputError);
  EXPECT_FALSE(fs::exists(Run("a") / "checkpoint" / "last"));
}

}  // namespace
}  // namespace dualgeo
