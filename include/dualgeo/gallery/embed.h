// Photos and coordinates -> features (gallery/features.h), through the whole model in evaluation mode.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "dualgeo/data/dataset.h"
#include "dualgeo/data/loader.h"
#include "dualgeo/gallery/embed_options.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/model/dualgeo_model.h"

namespace dualgeo {

// What a model computes, in 64 hex digits: its weights and buffers and the options that change its output, and nothing
// that does not (paths, dropout, freezing). Features, galleries and queries that go together carry the same.
std::string ModelFingerprint(DualGeoModel& model, const ModelOptions& options);

struct EmbedResult {
  FeatureSet features;
  std::vector<std::string> skipped;  // unreadable photos (loader.on_bad_image: skip)
};

// All photos of the dataset, in its order, without augmentation. With fusion.scope batch a warning says that the result
// depends on which photos share a batch; otherwise batch size does not matter beyond rounding.
// Throws InputError for bad photos or masks, Error when the model gives a value that is not finite, Interrupted.
EmbedResult EmbedPhotos(DualGeoModel& model, const ModelOptions& model_options, const PhotoDataset& dataset,
                        const EmbedOptions& options, const LoaderOptions& loader_options);

// Coordinates, in their order: gps, projected_gps, latlon. Poles are the projection's edge (Mercator clamps latitude
// to its square, +-85.0511 degrees). Runs on the model's device.
// ids: one per coordinate, or empty for row numbers "0", "1" ...
FeatureSet EmbedGps(DualGeoModel& model, const ModelOptions& model_options, std::span<const LatLon> coordinates,
                    std::vector<std::string> ids = {});

// A coordinates table: CSV with LAT and LON (degrees) and, if there is one, an IMG_ID column with distinct ids; other
// columns are ignored. Throws InputError naming file and line for a missing column, an empty, non-numeric or
// out-of-range cell, or a repeated id.
struct Coordinates {
  std::vector<std::string> ids;  // empty when the table has no IMG_ID
  std::vector<LatLon> locations;
};
Coordinates ReadCoordinates(const std::filesystem::path& path);

}  // namespace dualgeo
