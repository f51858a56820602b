#include "dualgeo/gallery/embed_job.h"

#include <unordered_map>

#include "dualgeo/gallery/embed.h"
#include "dualgeo/io/csv.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/train/checkpoint.h"
#include "dualgeo/train/runtime.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

DualGeoModel MakeModel(const EmbedModel& options) {
  const auto device = SetupRuntime(options.runtime);
  if (!options.checkpoint.empty()) return LoadModel(options.checkpoint, options.model, options.loss, device);
  spdlog::warn("embed: no checkpoint: the model is untrained, but for the published weights that the config names");
  DualGeoModel model(options.model, options.loss, static_cast<std::uint64_t>(options.runtime.seed));
  LoadPretrained(*model);
  model->to(device);
  model->eval();
  return model;
}

}  // namespace

std::filesystem::path RunCheckpoint(const std::filesystem::path& run_dir) {
  for (const char* name : {"best", "last"}) {
    if (auto found = FindCheckpoint(run_dir / "checkpoint" / name); !found.empty()) return found;
  }
  return {};
}

EmbedResult EmbedPhotoTable(const EmbedModel& model_options, const PhotoTable& photos,
                            const std::filesystem::path& images, const std::filesystem::path& masks,
                            const EmbedOptions& options, const LoaderOptions& loader) {
  if (model_options.model.has_segmentation() && masks.empty()) {
    throw InputError("the model sees segmentation maps (model.views: " + model_options.model.views +
                     "), and no folder of masks is given; dualgeo segment makes them");
  }
  auto model = MakeModel(model_options);
  const PhotoDataset dataset(photos, images, model_options.model.has_segmentation() ? masks : "", ModelViews(model));
  return EmbedPhotos(model, dataset, options, loader, model_options.runtime.precision);
}

Coordinates ReadCoordinates(const std::filesystem::path& path) {
  const auto table = CsvTable::Read(path);
  const auto lat = table.Require("LAT");
  const auto lon = table.Require("LON");
  const auto id = table.Find("IMG_ID");
  if (table.rows() == 0) throw InputError(path.string() + ": has no coordinates below its header");
  Coordinates coordinates;
  std::unordered_map<std::string_view, int> lines;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const LatLon place{table.Number(i, lat), table.Number(i, lon)};
    if (!IsValid(place)) {
      throw InputError(table.At(i, "LAT, LON are " + FormatDouble(place.lat) + ", " + FormatDouble(place.lon) +
                                       "; allowed are [-90, 90], [-180, 180]"));
    }
    coordinates.locations.push_back(place);
    if (!id) continue;
    const auto name = table.Cell(i, *id);
    if (name.empty()) throw InputError(table.At(i, "IMG_ID is empty"));
    const auto [other, fresh] = lines.emplace(name, table.Line(i));
    if (!fresh) {
      throw InputError(
          table.At(i, "IMG_ID '" + Printable(name) + "' was already used in line " + std::to_string(other->second)));
    }
    coordinates.ids.emplace_back(name);
  }
  return coordinates;
}

FeatureSet EmbedCoordinates(const EmbedModel& model_options, const Coordinates& coordinates) {
  auto model = MakeModel(model_options);
  return EmbedGps(model, coordinates.locations, coordinates.ids);
}

}  // namespace dualgeo
