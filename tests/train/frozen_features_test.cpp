#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_set.h"
#include "train/trainer.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class FrozenFeaturesTest : public ::testing::Test {
 protected:
  FrozenFeaturesTest() {
    WriteTinySet(set_, 36);
    model_.image_encoder.freeze = true;
  }
  void Train(const std::string& name, TrainOptions train, Existing existing = Existing::kRefuse) {
    TrainJob job = TinyJob(set_, folder_ / name);
    job.existing = existing;
    TrainModel(job, model_, LossOptions(), train);
  }
  static TrainOptions Cached(int epochs, int versions) {
    TrainOptions train = TinyTraining(epochs);
    train.cache_frozen_features = true;
    train.cached_versions = versions;
    return train;
  }
  std::string Weights(const std::string& name) const {
    return Bytes(folder_ / name / "checkpoint/last/model.safetensors");
  }
  std::vector<double> Losses(const std::string& name) const {
    std::vector<double> losses;
    for (const auto& line : Lines(folder_ / name / "train.jsonl")) {
      const auto json = nlohmann::json::parse(line);
      if (json.contains("loss")) losses.push_back(json["loss"]);
    }
    return losses;
  }

  TemporaryFolder folder_;
  fs::path set_ = folder_ / "set";
  ModelOptions model_ = TinyModel();
};

// With a version for each epoch the photos are those of a training without: what is left is bf16's rounding.
TEST_F(FrozenFeaturesTest, TrainingOnThemIsTrainingOnThePhotos) {
  // With a small rate, so that rounding is not learned from.
  TrainOptions without = TinyTraining(3), with = Cached(3, 0);
  without.lr = with.lr = 1e-6;
  Train("plain", without);
  Train("cached", with);
  const auto plain = Losses("plain"), cached = Losses("cached");
  ASSERT_EQ(plain.size(), cached.size());
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(cached[i], plain[i], 0.02 * plain[i]) << i;
  EXPECT_NE(Weights("plain"), Weights("cached"));
}

TEST_F(FrozenFeaturesTest, PhotosAreReadOnceAndAResumeIsExact) {
  Train("whole", Cached(4, 2));
  Train("part", Cached(1, 2));
  fs::rename(set_ / "images", set_ / "away");
  fs::create_directory(set_ / "images");
  Train("part", Cached(4, 2), Existing::kResume);
  EXPECT_EQ(Weights("part"), Weights("whole"));
  EXPECT_EQ(Losses("part"), Losses("whole"));
  EXPECT_THROW(Train("plain", TinyTraining(1)), InputError);
}

TEST_F(FrozenFeaturesTest, InChunksTheyTeachTheSame) {
  model_.fusion.dropout = 0;
  TrainOptions train = Cached(1, 1);
  train.batch_norm = "frozen";
  Train("whole", train);
  train.chunk_size = 2;
  Train("chunks", train);
  const auto whole = Losses("whole"), in_chunks = Losses("chunks");
  ASSERT_EQ(whole.size(), in_chunks.size());
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(in_chunks[i], whole[i], 1e-4) << i;
}

TEST_F(FrozenFeaturesTest, DamagedAndOlderOnesAreMadeAgain) {
  Train("a", Cached(1, 1));
  fs::path part;
  for (const auto& entry : fs::directory_iterator(folder_ / "a/frozen/train")) {
    if (entry.path().filename().string().starts_with("part-")) part = entry.path();
  }
  ASSERT_FALSE(part.empty());
  const std::string whole = Bytes(part);
  WriteFileAtomically(part, whole.substr(0, whole.size() / 2));
  Train("a", Cached(2, 1), Existing::kResume);
  EXPECT_EQ(Bytes(part), whole);
}

// Counted in every training, not only in that which made the features.
TEST_F(FrozenFeaturesTest, PhotosThatCannotBeReadStayCounted) {
  WriteFileAtomically(set_ / "images/p3.png", "no photo");
  TrainJob job = TinyJob(set_, folder_ / "a");
  job.data.loader.on_bad_image = "skip";
  job.data.validation.fraction = 0;
  EXPECT_EQ(TrainModel(job, model_, LossOptions(), Cached(1, 1)).skipped_photos, 1);
  job.existing = Existing::kResume;
  EXPECT_EQ(TrainModel(job, model_, LossOptions(), Cached(2, 1)).skipped_photos, 1);
}

TEST_F(FrozenFeaturesTest, NeedAFrozenEncoder) {
  model_.image_encoder.freeze = false;
  EXPECT_THAT(MessageOf<InputError>([&] { Train("a", Cached(1, 1)); }),
              HasSubstr("train.cache_frozen_features: true, and model.image_encoder.freeze is false"));
  SegmenterTrainOptions segmenter = TinySegmenterTraining(1);
  segmenter.cache_frozen_features = true;
  EXPECT_THAT(MessageOf<InputError>([&] { segmenter.Validate(); }), HasSubstr("has no frozen encoder"));
}

}  // namespace
}  // namespace dualgeo
