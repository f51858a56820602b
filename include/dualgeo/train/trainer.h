// Trains DualGeo: dual-view contrastive learning of photos, segmentation maps and GPS coordinates.
//
// Files below run_dir:
//   checkpoint/last   after every epoch, every train.checkpoint_every_steps, and on Ctrl-C (see checkpoint.h)
//   checkpoint/best   lowest validation loss so far (without validation photos: the last epoch's)
//   train.jsonl       one JSON object a line: {"step", "epoch", "loss", ..., "lr", "photos_per_second"} and, after a
//                     validation, {"step", "epoch", "validation": {...}}; a resumed run continues it without repeats
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "dualgeo/data/loader.h"
#include "dualgeo/model/options.h"
#include "dualgeo/train/options.h"

namespace dualgeo {

// What to do where run_dir already holds a checkpoint.
enum class Existing {
  kRefuse,     // InputError saying what is there and how to go on
  kResume,     // continue it exactly; start from the beginning where there is none yet
  kOverwrite,  // remove it and start from the beginning
};

// What both trainings need beside their own options.
struct TrainJob {
  const PhotoDataset* train = nullptr;
  const PhotoDataset* validation = nullptr;  // nullptr or empty: none
  LoaderOptions loader;
  RuntimeOptions runtime;
  std::filesystem::path run_dir;
  std::string config;  // resolved config, kept in the checkpoint
  Existing existing = Existing::kRefuse;
};

struct TrainResult {
  std::int64_t steps = 0;                    // in all, with those before a resume
  std::int64_t skipped_photos = 0;           // unreadable ones (loader.on_bad_image: skip)
  double photos_per_second = 0;              // of this process
  std::map<std::string, double> validation;  // of the last validation
  std::filesystem::path last, best;          // checkpoint folders
};

// Throws InputError (no photos, another model's checkpoint, resumed with other settings: lists them), Error (loss is
// not finite: names the step; disk full), Interrupted (Ctrl-C, after writing a checkpoint at the step's end).
TrainResult TrainModel(const TrainJob& job, const ModelOptions& model, const LossOptions& loss,
                       const TrainOptions& train);

}  // namespace dualgeo
