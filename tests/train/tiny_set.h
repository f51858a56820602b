// A photo set of a few hundred pixels a photo and a model of a few thousand weights: enough to train in a second.
#pragma once

#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "data/mask.h"
#include "dualgeo/util/random.h"
#include "runtime/checkpoint.h"
#include "tests/support/temporary_folder.h"
#include "train/segmenter_trainer.h"
#include "train/trainer.h"
#include "util/atomic_file.h"

namespace dualgeo {

inline constexpr int kTinyClasses = 4;

// Photo i shows place i % places: a ground of one colour and a block of another. Its mask has three classes (and some
// unlabelled pixels), told apart by colour.
inline void WriteTinySet(const std::filesystem::path& folder, int photos, int places = 6) {
  std::filesystem::create_directories(folder / "images");
  std::string table = "IMG_ID,LAT,LON,AUTHOR\n";
  for (int i = 0; i < photos; ++i) {
    const int place = i % places;
    Random random(DeriveSeed(7, "tiny", static_cast<std::uint64_t>(i)));
    const int width = 40 + 4 * (i % 3);
    const int height = 36;
    cv::Mat photo(height, width, CV_8UC3, cv::Scalar(40 + 30 * place, 90, 200 - 25 * place));
    cv::Mat mask(height, width, CV_8UC1, cv::Scalar(0));
    const int left = 4 + static_cast<int>(random.Below(8));
    const cv::Rect block(left, 6 + place, 18 + place, 20);
    const cv::Scalar colour = place % 2 == 0 ? cv::Scalar(0, 20 * place, 0) : cv::Scalar(255, 255, 150 + 20 * place);
    cv::rectangle(photo, block, colour, cv::FILLED);
    cv::rectangle(mask, block, cv::Scalar(1 + place % 2), cv::FILLED);
    cv::rectangle(mask, cv::Rect(0, 0, width, 2), cv::Scalar(kIgnoreClass), cv::FILLED);
    const std::string id = "p" + std::to_string(i);
    cv::imwrite((folder / "images" / (id + ".png")).string(), photo);
    WriteMask(MaskPath(folder / "masks", id + ".png"), mask);
    table += id + ".png," + std::to_string(-50 + 20 * place) + "," + std::to_string(-120 + 45 * place) + ",author" +
             std::to_string(i / places) + "\n";
  }
  WriteFileAtomically(folder / "photos.csv", table);
}

inline ModelOptions TinyModel() {
  ModelOptions model;
  model.embed_dim = 16;
  model.image_encoder.preset = "vit-tiny";
  model.image_encoder.freeze = false;
  model.image_encoder.width = 16;
  model.image_encoder.layers = 1;
  model.image_encoder.heads = 2;
  model.image_encoder.patch = 16;
  model.image_encoder.image_size = 32;
  model.segmenter.num_labels = kTinyClasses;
  model.segmentation_encoder.image_size = 32;
  model.segmentation_encoder.base_width = 4;
  model.fusion.heads = 2;
  model.gps_encoder.sigmas = {1, 4};
  model.gps_encoder.rff_size = 8;
  model.gps_encoder.hidden = 16;
  model.gps_encoder.embed_dim = 16;
  return model;
}

inline SegmenterOptions TinySegmenter() {
  SegmenterOptions segmenter;
  segmenter.num_labels = kTinyClasses;
  segmenter.image_size = 32;
  segmenter.hidden_sizes = {8, 8, 16, 16};
  segmenter.depths = {1, 1, 1, 1};
  segmenter.heads = {1, 1, 2, 2};
  segmenter.sr_ratios = {8, 4, 2, 1};
  segmenter.decoder_dim = 16;
  segmenter.dropout = 0.05;
  segmenter.drop_path = 0.05;
  return segmenter;
}

inline TrainOptions TinyTraining(int epochs) {
  TrainOptions train;
  train.epochs = epochs;
  train.batch_size = 6;
  train.lr = 3e-3;
  train.clip_grad_norm = 5;
  train.checkpoint_every_steps = 2;
  return train;
}

inline SegmenterTrainOptions TinySegmenterTraining(int epochs) {
  SegmenterTrainOptions train;
  static_cast<TrainOptions&>(train) = TinyTraining(epochs);
  train.lr = 1e-2;
  train.schedule.type = "cosine";
  return train;
}

inline TrainJob TinyJob(const std::filesystem::path& set, const std::filesystem::path& run_dir) {
  TrainJob job;
  job.data.train.csv = (set / "photos.csv").string();
  job.data.train.images = (set / "images").string();
  job.data.train.masks = (set / "masks").string();
  job.data.validation.fraction = 0.2;
  job.data.loader.workers = 2;
  job.runtime.device = "cpu";
  job.runtime.threads = 1;
  job.runtime.seed = 3;
  job.run_dir = run_dir;
  job.config = "name: tiny\n";
  return job;
}

inline std::string Bytes(const std::filesystem::path& path) { return ReadFile(path); }

inline std::vector<std::string> Lines(const std::filesystem::path& path) {
  std::vector<std::string> lines;
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The message of the Exception that `action` throws; empty when it throws none.
template <class Exception, class Action>
std::string MessageOf(const Action& action) {
  try {
    action();
  } catch (const Exception& error) {
    return error.what();
  }
  return {};
}

// A layer whose every weight is `value`, and what a checkpoint of one holds.
inline torch::nn::Linear FilledLayer(double value) {
  torch::nn::Linear layer(3, 2);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : layer->parameters()) parameter.fill_(value);
  return layer;
}

inline double FilledWith(const std::filesystem::path& checkpoint) {
  auto layer = FilledLayer(-1);
  LoadCheckpointWeights(*layer, checkpoint);
  return layer->weight[1][2].item<double>();
}

}  // namespace dualgeo
