// Trains DualGeo: dual-view contrastive learning of photos, segmentation maps and GPS coordinates.
//
// Files below run_dir:
//   checkpoint/last   after every epoch (before it is validated), every train.checkpoint_every_steps, and on Ctrl-C
//                     (see checkpoint.h)
//   checkpoint/best   lowest validation loss so far (without validation photos: the last epoch's)
//   train.jsonl       one JSON object a line: {"step", "epoch", "loss", ..., "lr", "grad_norm", "photos_per_second"}
//                     and, after a validation, {"step", "epoch", "validation": {...}}; a resumed run continues it
//                     without repeats
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/data_options.h"
#include "dualgeo/model/options.h"
#include "dualgeo/runtime/options.h"
#include "train/options.h"

namespace dualgeo {

// What to do where run_dir already holds a checkpoint.
enum class Existing {
  kRefuse,     // InputError saying what is there and how to go on
  kResume,     // continue it exactly; start from the beginning where there is none yet
  kOverwrite,  // set it aside (io/set_aside.h) and start from the beginning
};

// What both trainings need beside their own options.
struct TrainJob {
  DataOptions data;  // train, validation, loader and augment; validation photos are split off by author
  RuntimeOptions runtime;
  std::filesystem::path run_dir;
  std::string config;  // the resolved config, kept in the checkpoint
  Existing existing = Existing::kRefuse;
};

struct TrainResult {
  std::int64_t steps = 0;  // in all, with those before a resume
  std::int64_t train_photos = 0;
  std::int64_t validation_photos = 0;
  std::int64_t skipped_photos = 0;           // unreadable ones met by this process (data.loader.on_bad_image: skip)
  double photos_per_second = 0;              // of this process
  std::map<std::string, double> validation;  // of the last validation in this process
  std::filesystem::path last;
  std::filesystem::path best;
};

// A training as its checkpoint tells it.
struct TrainedSoFar {
  std::vector<std::string> differences;  // of its settings from those wanted: "train.lr: 4e-05 then, 0.001 now"
  std::int64_t step = 0;                 // done
  std::int64_t total = 0;                // that the wanted epochs have
};

// Validation numbers: loss, image_gps, segmentation_gps (losses); image_to_gps and segmentation_to_gps (percent of the
// validation photos, at most 10,000, whose most similar GPS vector among theirs is their own); median_km (distance to
// the coordinates so retrieved); of other heads what their Loss and Places name. A queue and noise are of training
// alone.
//
// Throws InputError (bad table, photo or mask; a checkpoint of another model, or made with other settings: lists them),
// Error (the loss is not finite: names the step; disk full), Interrupted (Ctrl-C, after writing a checkpoint at the
// step's end).
TrainResult TrainModel(const TrainJob& job, const ModelOptions& model, const LossOptions& loss,
                       const TrainOptions& train);

// What TrainModel would find in run_dir: nothing when there is no checkpoint. Nothing is trained or changed. Throws
// InputError for bad tables and a checkpoint that cannot be read.
std::optional<TrainedSoFar> InspectModelTraining(const TrainJob& job, const ModelOptions& model,
                                                 const LossOptions& loss, const TrainOptions& train);

}  // namespace dualgeo
