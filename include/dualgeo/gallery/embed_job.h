// Embedding as a command does it: options and files in, features out. Light: no LibTorch here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/data/loader_options.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/embed_options.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/model/options.h"
#include "dualgeo/train/options.h"

namespace dualgeo {

struct EmbedResult {
  FeatureSet features;
  std::vector<std::string> skipped;  // ids of unreadable photos (loader.on_bad_image: skip)
};

// The model to embed with.
struct EmbedModel {
  ModelOptions model;
  LossOptions loss;
  RuntimeOptions runtime;
  // Checkpoint folder or safetensors file. Empty: untrained, that is, the published weights that the options name and
  // random ones (runtime.seed) for the rest; a warning says so.
  std::filesystem::path checkpoint;
};

// A checkpoint below a run folder to embed with when none is named: checkpoint/best, else checkpoint/last, else empty.
std::filesystem::path RunCheckpoint(const std::filesystem::path& run_dir);

// images: folder or .tar; masks: folder, may be empty when the model sees no masks.
// Throws InputError (photos, masks, a checkpoint of another model), Error, Interrupted.
EmbedResult EmbedPhotoTable(const EmbedModel& model, const PhotoTable& photos, const std::filesystem::path& images,
                            const std::filesystem::path& masks, const EmbedOptions& options,
                            const LoaderOptions& loader);

// A coordinates table: CSV with LAT and LON (degrees) and, if there is one, an IMG_ID column with distinct ids; other
// columns are ignored.
struct Coordinates {
  std::vector<std::string> ids;  // empty when the table has no IMG_ID
  std::vector<LatLon> locations;
};
// Throws InputError naming file and line for a missing column, no rows, an empty, non-numeric or out-of-range cell, or
// a repeated id.
Coordinates ReadCoordinates(const std::filesystem::path& path);

FeatureSet EmbedCoordinates(const EmbedModel& model, const Coordinates& coordinates);

}  // namespace dualgeo
