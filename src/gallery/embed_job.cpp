#include "dualgeo/gallery/embed_job.h"

#include <cmath>
#include <mutex>

#include "dualgeo/gallery/embed.h"
#include "dualgeo/model/gps_projection.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/train/checkpoint.h"
#include "dualgeo/train/runtime.h"
#include "dualgeo/train/views.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

namespace {

// Mercator has no poles: says what happens to coordinates beyond its square, by file and line.
void CheckMercatorLimit(const GpsEncoderOptions& options, const Coordinates& coordinates) {
  if (options.projection != "mercator") return;
  std::size_t beyond = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < coordinates.locations.size(); ++i) {
    if (std::abs(coordinates.locations[i].lat) <= kMercatorLimitDegrees) continue;
    if (beyond++ == 0) first = i;
  }
  if (beyond == 0) return;
  std::string limit = "the mercator projection's limit of ";
  limit += FormatDouble(kMercatorLimitDegrees) + " degrees";
  if (options.beyond_mercator == "error") {
    throw InputError(coordinates.At(first) + ": latitude " + FormatDouble(coordinates.locations[first].lat) +
                     " is beyond " + limit +
                     " (model.gps_encoder.beyond_mercator is error; clamp would move it there, and the other "
                     "projections reach the poles)");
  }
  spdlog::warn(
      "embed: {} of {} coordinates lie beyond {} and are moved to it (first: {}; model.gps_encoder.beyond_mercator)",
      beyond, coordinates.locations.size(), limit, coordinates.At(first));
}

}  // namespace

DualGeoModel LoadEmbedModel(const EmbedModel& options, const torch::Device& device) {
  DualGeoModel model{nullptr};
  if (!options.checkpoint.empty()) {
    model = LoadModel(options.checkpoint, options.model, options.loss, device);
  } else {
    spdlog::warn("embed: no checkpoint: the model is untrained, but for the published weights that the config names");
    model = DualGeoModel(options.model, options.loss, static_cast<std::uint64_t>(options.runtime.seed));
    LoadPretrained(*model);
    model->to(device);
    model->eval();
  }
  // It will not learn any more: layers may keep copies of its weights in the lower precision.
  for (auto& parameter : model->parameters()) parameter.set_requires_grad(false);
  KeepFreedMemory();
  return model;
}

std::filesystem::path RunCheckpoint(const std::filesystem::path& run_dir) {
  for (const char* name : {"best", "last"}) {
    if (auto found = FindCheckpoint(run_dir / "checkpoint" / name); !found.empty()) return found;
  }
  return {};
}

EmbedResult EmbedPhotoTable(const EmbedModel& options, const PhotoTable& photos, const std::filesystem::path& images,
                            const std::filesystem::path& masks, const EmbedOptions& embed,
                            const LoaderOptions& loader) {
  const bool with_masks = options.model.has_segmentation();
  if (with_masks && masks.empty()) {
    throw InputError("the model sees segmentation maps (model.views: " + options.model.views +
                     "), and no folder of masks is given; dualgeo segment makes them");
  }
  // The photos are opened first: a wrong path is told before a large model is loaded.
  const PhotoDataset dataset(photos, images, with_masks ? masks : std::filesystem::path(), ModelViews(options.model));
  const auto device = SetupRuntime(options.runtime);
  auto model = LoadEmbedModel(options, device);
  const AutocastGuard autocast(device, options.runtime.precision);
  return EmbedPhotos(model, dataset, embed, loader);
}

FeatureSet EmbedCoordinates(const EmbedModel& options, const Coordinates& coordinates) {
  CheckMercatorLimit(options.model.gps_encoder, coordinates);  // before a large model is loaded
  auto model = LoadEmbedModel(options, SetupRuntime(options.runtime));
  return EmbedGps(model, coordinates.locations, coordinates.ids);
}

struct CoordinateEmbedder::State {
  DualGeoModel model{nullptr};
  std::string fingerprint;
  std::mutex mutex;
};

CoordinateEmbedder::CoordinateEmbedder(const EmbedModel& options) : state_(std::make_unique<State>()) {
  state_->model = LoadEmbedModel(options, SetupRuntime(options.runtime));
  state_->fingerprint = ModelFingerprint(state_->model);
}

CoordinateEmbedder::~CoordinateEmbedder() = default;

const std::string& CoordinateEmbedder::fingerprint() const { return state_->fingerprint; }

Matrix CoordinateEmbedder::Project(std::span<const LatLon> places) const {
  const std::lock_guard lock(state_->mutex);
  return ProjectCoordinates(state_->model, places);
}

}  // namespace dualgeo
