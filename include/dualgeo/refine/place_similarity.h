// How well places match a photo, by their embeddings: what `choose: verify` (G3's geo-verification) goes by.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

// The similarity of each place to the photo; greater is better. Throws InputError for a photo or place that it knows
// nothing of. Thread-safe.
using PlaceSimilarity = std::function<std::vector<double>(const std::string& photo_id, std::span<const LatLon> places)>;

// From two features files (gallery/features.h) of one model: photos with projected_image (or, without it,
// projected_segmentation) and coordinates with projected_gps. A place is known when it is among the coordinates to
// within 1e-6 degrees. Throws InputError when files, tensors, widths or models do not go together.
PlaceSimilarity FeatureFileSimilarity(const std::filesystem::path& photos, const std::filesystem::path& gps);

}  // namespace dualgeo
