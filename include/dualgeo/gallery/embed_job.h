// Embedding as a command does it: options and files in, features out. Light: no LibTorch here.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dualgeo/data/loader_options.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/data/texts.h"
#include "dualgeo/gallery/embed_options.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/geo/coordinates.h"
#include "dualgeo/model/options.h"
#include "dualgeo/runtime/options.h"

namespace dualgeo {

struct EmbedReport {
  std::int64_t rows = 0;
  std::map<std::string, std::int64_t> columns;  // of each feature
  std::vector<std::string> skipped;             // ids of unreadable photos (loader.on_bad_image: skip)
  double photos_per_second = 0;  // from encoded photos to features, without loading the model; of this process alone
};

struct EmbedResult : EmbedReport {
  FeatureSet features;
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

// Photos to embed: a table, and where its photos and masks are (folders or archives; masks may be empty when the model
// sees none).
struct EmbedPhotosJob {
  EmbedModel model;
  PhotoTable photos;
  std::filesystem::path images;
  std::filesystem::path masks;
  EmbedOptions options;
  LoaderOptions loader;
};

// Into a features file. What was embedded is kept as it goes in OUT.parts/ (gallery/feature_blocks.h): after a kill,
// Ctrl-C or a bad photo the same job goes on from there, and ends in the same bytes. Throws InputError (photos, masks,
// a checkpoint of another model), Error, Interrupted.
EmbedReport EmbedPhotosToFile(const EmbedPhotosJob& job, const std::filesystem::path& out);
// The same for coordinates.
EmbedReport EmbedCoordinatesToFile(const EmbedModel& model, const Coordinates& coordinates,
                                   const std::filesystem::path& out);

// Texts: text, and projected_text and caption where the model has what makes them (gallery/features.h). The text tower
// is the model's own (head contrastive_text), else what model.text_encoder names. Atomic; nothing is kept of a part.
// Throws InputError, also where no tower or vocabulary is named, Error, Interrupted.
EmbedReport EmbedTextsToFile(const EmbedModel& model, const Texts& texts, const std::filesystem::path& out);

// Into memory. for_output: the file or folder that will be made of the features; what was embedded is then kept in
// PartsOf(for_output) (gallery/parts.h) until the caller has made it and calls RemoveParts. Empty: nothing is kept.
EmbedResult EmbedPhotosToMemory(const EmbedPhotosJob& job, const std::filesystem::path& for_output = {});
FeatureSet EmbedCoordinates(const EmbedModel& model, const Coordinates& coordinates,
                            const std::filesystem::path& for_output = {});

// What the model's head says of places, the model loaded once.
class PlaceScorer {
 public:
  explicit PlaceScorer(const EmbedModel& model);
  ~PlaceScorer();
  PlaceScorer(PlaceScorer&&) noexcept;

  // From the features of photos (of this model): probabilities over the classes of each of its partitions, [photos,
  // classes], or (joint) of all of them together; of several crops as the model's options say (PlaceProbabilities).
  // Throws InputError when the model has no such head, or the features are of another model.
  std::vector<Matrix> Score(const FeatureSet& photos, bool joint = false) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What cosines of photos with places are multiplied with for probabilities (DualGeoModelImpl::CosineFactor).
// fingerprint: of the model that made the photos' features; empty: not known. Throws InputError when the model has no
// GPS encoder or is another one.
double CosineFactor(const EmbedModel& model, const std::string& fingerprint);

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
