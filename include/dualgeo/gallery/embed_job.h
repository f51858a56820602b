// Embedding as a command does it: options and files in, features out. Light: no LibTorch here.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dualgeo/data/loader_options.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/coordinates.h"
#include "dualgeo/gallery/embed_options.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/model/options.h"
#include "dualgeo/train/options.h"

namespace dualgeo {

struct EmbedResult {
  FeatureSet features;
  std::vector<std::string> skipped;  // ids of unreadable photos (loader.on_bad_image: skip)
  double photos_per_second = 0;      // from encoded photos to features, without loading the model
};

// The model to embed with.
struct EmbedModel {
  ModelOptions model;
  LossOptions loss;
  RuntimeOptions runtime;
  // Checkpoint folder, or a weight file (io/weight_file.h). Empty: untrained, that is, the published weights that the
  // options name and random ones (runtime.seed) for the rest; a warning says so.
  std::filesystem::path checkpoint;
};

// A checkpoint below a run folder to embed with when none is named: checkpoint/best, else checkpoint/last, else empty.
std::filesystem::path RunCheckpoint(const std::filesystem::path& run_dir);

// images: folder or .tar; masks: folder, may be empty when the model sees no masks.
// Throws InputError (photos, masks, a checkpoint of another model), Error, Interrupted.
EmbedResult EmbedPhotoTable(const EmbedModel& model, const PhotoTable& photos, const std::filesystem::path& images,
                            const std::filesystem::path& masks, const EmbedOptions& options,
                            const LoaderOptions& loader);

FeatureSet EmbedCoordinates(const EmbedModel& model, const Coordinates& coordinates);

// The same for coordinates that become known one photo at a time: the model is loaded once. Thread-safe.
class CoordinateEmbedder {
 public:
  explicit CoordinateEmbedder(const EmbedModel& model);
  ~CoordinateEmbedder();
  CoordinateEmbedder(const CoordinateEmbedder&) = delete;
  CoordinateEmbedder& operator=(const CoordinateEmbedder&) = delete;

  const std::string& fingerprint() const;  // of the model, as in FeatureSet::model
  // [N, embed_dim] in the space shared with photos (projected_gps), L2-normalised.
  Matrix Project(std::span<const LatLon> places) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dualgeo
