#include "train/segmenter_trainer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "data/mask.h"
#include "data/photo.h"
#include "data/preprocess.h"
#include "degrade/degrade.h"
#include "dualgeo/model/segformer.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "io/safetensors.h"
#include "runtime/segment.h"
#include "runtime/upsample_argmax.h"
#include "runtime/views.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_set.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;

class SegmenterTest : public ::testing::Test {
 protected:
  SegmenterTest() { WriteTinySet(set_, 24); }

  TrainResult Train(const std::string& name, const SegmenterTrainOptions& train,
                    Existing existing = Existing::kRefuse) {
    TrainJob job = TinyJob(set_, folder_ / name);
    job.data.augment.enabled = false;
    job.existing = existing;
    return TrainSegmenter(job, TinySegmenter(), train);
  }
  SegmentJob Job(const fs::path& weights) {
    SegmentJob job;
    job.photos = ReadPhotoTable(set_ / "photos.csv");
    job.images = set_ / "images";
    job.out = folder_ / "predicted";
    job.weights = weights;
    job.segmenter = TinySegmenter();
    job.runtime.device = "cpu";
    job.runtime.threads = 1;
    job.batch_size = 5;
    return job;
  }

  TemporaryFolder folder_;
  fs::path set_ = folder_ / "set";
};

// Learned on photos that are too dark and too bright, it sees in the dark; learned on good ones alone, it does not.
TEST_F(SegmenterTest, LearnsToSeeThroughDegradations) {
  TrainJob job = TinyJob(set_, folder_ / "run");
  job.data.augment.color_jitter = job.data.augment.blur = job.data.augment.greyscale = 0;
  SegmenterTrainOptions options = TinySegmenterTraining(40);
  options.checkpoint_every_steps = 0;
  options.validate_every_epochs = 40;
  const auto accuracy_in_the_dark = [&](const std::string& run) {
    job.run_dir = folder_ / run;
    const fs::path weights = TrainSegmenter(job, TinySegmenter(), options).last / "model.safetensors";
    SegFormer segmenter = LoadSegmenter(weights, TinySegmenter(), torch::kCPU);
    const torch::InferenceMode inference;
    std::int64_t right = 0, labelled = 0;
    for (int i = 0; i < 24; ++i) {
      const std::string id = "p" + std::to_string(i);
      const cv::Mat dark = Degrade(ReadPhoto(set_ / "images" / (id + ".png")), "underexposure", 4, 5, id);
      const cv::Mat mask = ReadMask(set_ / "masks" / (id + ".png"), kTinyClasses);
      const auto pixels =
          MakeExample(dark, {}, SegmenterViews(TinySegmenter(), /*with_masks=*/false, 0)).pixels.unsqueeze(0);
      const cv::Mat found = UpsampleArgmax(segmenter->Forward(pixels)[0], dark.size());
      labelled += cv::countNonZero(mask != kIgnoreClass);
      right += cv::countNonZero((found == mask) & (mask != kIgnoreClass));
    }
    return 100.0 * static_cast<double>(right) / static_cast<double>(labelled);
  };
  const double before = accuracy_in_the_dark("good photos");
  options.degradations = {"underexposure", "overexposure"};
  const double after = accuracy_in_the_dark("degraded too");
  std::printf("pixels right in the dark: %.1f %%, and after learning with it %.1f %%\n", before, after);
  EXPECT_GT(after, before + 5);
  options.degradations = {"underexposure", "soot"};
  EXPECT_NE(MessageOf<InputError>([&] { accuracy_in_the_dark("unknown"); }).find("train_segmenter.degradations"),
            std::string::npos);
  options.degradations = {"underexposure"};
  job.data.augment.enabled = false;
  EXPECT_NE(MessageOf<InputError>([&] { accuracy_in_the_dark("off"); }).find("data.augment.enabled is false"),
            std::string::npos);
}

TEST_F(SegmenterTest, LearnsMasksAtEitherResolution) {
  for (const char* size : {"logits", "mask"}) {
    SegmenterTrainOptions options = TinySegmenterTraining(40);
    options.loss_size = size;
    options.checkpoint_every_steps = 0;
    options.validate_every_epochs = 40;
    const TrainResult result = Train(size, options);
    EXPECT_GT(result.validation.at("pixel_accuracy"), 90) << size;
    EXPECT_GT(result.validation.at("mean_iou"), 50) << size;
    EXPECT_EQ(result.last, folder_ / size / "segmenter" / "last");
    EXPECT_TRUE(fs::exists(folder_ / size / "train_segmenter.jsonl"));
  }
}

TEST_F(SegmenterTest, ResumingIsExact) {
  SegmenterTrainOptions options = TinySegmenterTraining(3);
  options.schedule.type = "constant";
  Train("whole", options);
  options.epochs = 1;
  Train("part", options);
  options.epochs = 3;
  Train("part", options, Existing::kResume);
  EXPECT_EQ(Bytes(folder_ / "whole/segmenter/last/model.safetensors"),
            Bytes(folder_ / "part/segmenter/last/model.safetensors"));
  options.loss_size = "logits";
  EXPECT_NE(MessageOf<InputError>([&] { Train("part", options, Existing::kResume); }).find("train_segmenter.loss_size"),
            std::string::npos);
}

TEST_F(SegmenterTest, SegmentWritesWhatTheModelSaysAtThePhotosSize) {
  const TrainResult trained = Train("a", TinySegmenterTraining(2));
  SegmentJob job = Job(trained.best);
  job.logits = folder_ / "logits.safetensors";
  const SegmentResult result = SegmentPhotos(job);
  EXPECT_EQ(result.written, 24);
  EXPECT_TRUE(result.skipped.empty());

  const SafetensorsFile file(*job.logits);
  const torch::Tensor logits = file.Get("logits");
  EXPECT_EQ(logits.sizes(), (std::vector<std::int64_t>{24, kTinyClasses, 8, 8}));
  const auto ids = nlohmann::json::parse(file.metadata().at("ids"));
  ASSERT_EQ(ids.size(), 24);

  SegFormer model(TinySegmenter(), std::nullopt);
  LoadSegFormer(*model, trained.best);
  model->eval();
  const torch::NoGradGuard no_grad;
  for (const std::size_t i : {0, 7, 23}) {
    const std::string id = ids[i];
    EXPECT_EQ(id, job.photos.rows[i].id);
    const cv::Mat photo = ReadPhoto(set_ / "images" / id);
    ViewOptions view;
    view.image_size = 32;
    view.normalization = kImageNetNormalization;
    view.geometry = Geometry::kSquash;
    view.with_masks = false;
    const torch::Tensor expected = model->Forward(MakeExample(photo, {}, view).pixels.unsqueeze(0))[0];
    EXPECT_TRUE(torch::allclose(logits[static_cast<std::int64_t>(i)], expected, 1e-4, 1e-5));
    const cv::Mat mask = ReadMask(MaskPath(job.out, id), kTinyClasses);
    EXPECT_EQ(mask.size(), photo.size());
    EXPECT_EQ(cv::countNonZero(mask != UpsampleArgmax(logits[static_cast<std::int64_t>(i)], photo.size())), 0);
  }
}

TEST_F(SegmenterTest, NoPhotoIsLeftOutInSilence) {
  const TrainResult trained = Train("a", TinySegmenterTraining(0));
  std::ofstream(set_ / "images" / "p3.png", std::ios::trunc) << "not a photo";
  SegmentJob job = Job(trained.best);
  EXPECT_NE(MessageOf<InputError>([&] { SegmentPhotos(job); }).find("p3.png"), std::string::npos);
  job.loader.on_bad_image = "skip";
  const SegmentResult result = SegmentPhotos(job);
  EXPECT_EQ(result.written, 23);
  EXPECT_EQ(result.skipped, std::vector<std::string>{"p3.png"});
  EXPECT_FALSE(fs::exists(job.out / "p3.jpg"));

  job.photos.rows.push_back(job.photos.rows[0]);
  job.photos.rows.back().id = "p0.jpg";
  EXPECT_NE(MessageOf<InputError>([&] { SegmentPhotos(job); }).find("same mask name"), std::string::npos);
  job = Job(folder_ / "absent");
  EXPECT_NE(MessageOf<InputError>([&] { SegmentPhotos(job); }).find("absent"), std::string::npos);
  job = Job(trained.best);
  job.segmenter.decoder_dim = 24;
  EXPECT_NE(MessageOf<InputError>([&] { SegmentPhotos(job); }).find("decode_head"), std::string::npos);
}

TEST_F(SegmenterTest, SegmentGoesOnWhereItStopped) {
  const TrainResult trained = Train("a", TinySegmenterTraining(1));
  SegmentJob job = Job(trained.best);
  EXPECT_EQ(SegmentPhotos(job).written, 24);
  std::map<std::string, std::string> whole;
  for (const auto& row : job.photos.rows) whole[row.id] = Bytes(MaskPath(job.out, row.id));

  SegmentResult again = SegmentPhotos(job);
  EXPECT_EQ(again.written, 0);
  EXPECT_EQ(again.kept, 24);

  // Missing, half written, empty, older than its photo: made again; nothing else is.
  fs::remove(job.out / "p1.png");
  fs::resize_file(job.out / "p9.png", 40);
  fs::resize_file(job.out / "p10.png", 0);
  fs::last_write_time(job.out / "p23.png", fs::last_write_time(set_ / "images" / "p23.png") - std::chrono::hours(1));
  fs::last_write_time(job.out / "p2.png", fs::file_time_type::clock::now() + std::chrono::hours(1));
  const auto untouched = fs::last_write_time(job.out / "p2.png");
  again = SegmentPhotos(job);
  EXPECT_EQ(again.written, 4);
  EXPECT_EQ(again.kept, 20);
  EXPECT_EQ(fs::last_write_time(job.out / "p2.png"), untouched);
  for (const auto& [id, bytes] : whole) EXPECT_EQ(Bytes(MaskPath(job.out, id)), bytes) << id;

  job.batch_size = 5;  // after "out of memory", say
  fs::remove(job.out / "p1.png");
  EXPECT_EQ(SegmentPhotos(job).written, 1);
}

TEST_F(SegmenterTest, MasksOfTwoSegmentersAreNeverMixed) {
  const TrainResult trained = Train("a", TinySegmenterTraining(1));
  const TrainResult other = Train("b", TinySegmenterTraining(2));
  SegmentJob job = Job(trained.best);
  SegmentPhotos(job);
  const std::string before = Bytes(job.out / "p0.png");
  fs::remove(job.out / "p1.png");
  job.weights = other.best;
  EXPECT_NE(MessageOf<InputError>([&] { SegmentPhotos(job); }).find("another segmenter"), std::string::npos);
  EXPECT_EQ(Bytes(job.out / "p0.png"), before);
  EXPECT_FALSE(fs::exists(job.out / "p1.png"));
  // Of unknown origin: somebody's own masks, say.
  fs::remove(job.out / "segment.json");
  EXPECT_NE(MessageOf<InputError>([&] { SegmentPhotos(job); }).find("segment.json"), std::string::npos);
  EXPECT_EQ(Bytes(job.out / "p0.png"), before);
}

TEST_F(SegmenterTest, SegmentOfNoReadablePhotoIsAnError) {
  const TrainResult trained = Train("a", TinySegmenterTraining(0));
  SegmentJob job = Job(trained.best);
  job.loader.on_bad_image = "skip";
  fs::create_directories(folder_ / "empty");
  job.images = folder_ / "empty";
  EXPECT_NE(MessageOf<InputError>([&] { SegmentPhotos(job); }).find("not one photo"), std::string::npos);
}

}  // namespace
}  // namespace dualgeo
