#include "dualgeo/refine/place_similarity.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

#include "dualgeo/gallery/features.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

// Places on a grid of a millionth of a degree (0.1 m), as tables write them.
std::uint64_t GridKey(LatLon place) {
  const auto lat = static_cast<std::int64_t>(std::llround((place.lat + 90) * 1e6));
  const auto lon = static_cast<std::int64_t>(std::llround((place.lon + 180) * 1e6)) % 360'000'000;
  return static_cast<std::uint64_t>(lat) * 360'000'000u + static_cast<std::uint64_t>(lon);
}

struct Tables {
  std::filesystem::path photos_path, gps_path;
  FeatureSet photos, gps;
  const Matrix* photo_features = nullptr;
  const Matrix* gps_features = nullptr;
  std::unordered_map<std::string, std::int64_t> photo_row;
  std::unordered_map<std::uint64_t, std::int64_t> place_row;
};

}  // namespace

PlaceSimilarity FeatureFileSimilarity(const std::filesystem::path& photos, const std::filesystem::path& gps) {
  const auto tables = std::make_shared<Tables>();
  tables->photos_path = photos;
  tables->gps_path = gps;
  tables->photos = ReadFeatures(photos);
  tables->gps = ReadFeatures(gps);
  const bool image = tables->photos.features.contains("projected_image");
  tables->photo_features = &tables->photos.Require(image ? "projected_image" : "projected_segmentation");
  tables->gps_features = &tables->gps.Require("projected_gps");
  if (tables->photo_features->columns != tables->gps_features->columns) {
    throw InputError(gps.string() + ": projected_gps has " + std::to_string(tables->gps_features->columns) +
                     " dimensions, the photos of " + photos.string() + " have " +
                     std::to_string(tables->photo_features->columns));
  }
  if (!tables->photos.model.empty() && !tables->gps.model.empty() && tables->photos.model != tables->gps.model) {
    throw InputError(gps.string() + ": made by another model than " + photos.string());
  }
  if (tables->gps.locations.size() != tables->gps.ids.size()) {
    throw InputError(gps.string() + ": has no tensor latlon, so its places are not known");
  }
  for (std::size_t i = 0; i < tables->photos.ids.size(); ++i) {
    tables->photo_row.emplace(tables->photos.ids[i], static_cast<std::int64_t>(i));
  }
  for (std::size_t i = 0; i < tables->gps.locations.size(); ++i) {
    tables->place_row.emplace(GridKey(tables->gps.locations[i]), static_cast<std::int64_t>(i));
  }
  return [tables](const std::string& photo_id, std::span<const LatLon> places) {
    const auto row = tables->photo_row.find(photo_id);
    if (row == tables->photo_row.end()) {
      throw InputError(tables->photos_path.string() + ": has no photo '" + Printable(photo_id) + "'");
    }
    const auto photo = tables->photo_features->Row(row->second);
    std::vector<double> similarities;
    similarities.reserve(places.size());
    for (const LatLon& place : places) {
      const auto found = tables->place_row.find(GridKey(place));
      if (found == tables->place_row.end()) {
        throw InputError(tables->gps_path.string() + ": has no embedding of " + ToString(place) + ", needed for '" +
                         Printable(photo_id) + "'; embed the places that --places-out writes");
      }
      const auto vector = tables->gps_features->Row(found->second);
      double dot = 0;
      for (std::size_t d = 0; d < vector.size(); ++d) dot += static_cast<double>(photo[d]) * vector[d];
      similarities.push_back(dot);
    }
    return similarities;
  };
}

}  // namespace dualgeo
