// Features on disk: one vector per photo and view, in a safetensors file that Python reads as it is.
//
// Tensors (each float32 [N, D]; those that the model or the command does not make are left out):
//   image, segmentation              a photo's view as its encoder sees it, L2-normalised
//   fused_image, fused_segmentation  the same after fusion, L2-normalised
//   projected_image, projected_segmentation
//                                    the fused views in the space shared with GPS points (the loss's space),
//                                    L2-normalised; a GPS gallery is asked with these
//   gps                              a coordinate as the GPS encoder gives it, not normalised
//   projected_gps                    the coordinate in the shared space, L2-normalised; a GPS gallery is made of these
//   latlon                           float64 [N, 2], degrees; only beside gps
// Metadata: ids (JSON array of N distinct strings: photos' IMG_IDs, or coordinates' ids or row numbers), kind ("photos"
// or "gps"), model (fingerprint of the model that made them, gallery/embed.h).
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dualgeo/gallery/matrix.h"
#include "dualgeo/geo/latlon.h"

namespace dualgeo {

struct FeatureSet {
  std::string kind = "photos";   // photos | gps
  std::string model;             // fingerprint; empty when not known (features made elsewhere)
  std::vector<std::string> ids;  // row i of every matrix belongs to ids[i]
  std::map<std::string, Matrix> features;
  std::vector<LatLon> locations;  // kind gps only: one per id

  std::int64_t size() const { return static_cast<std::int64_t>(ids.size()); }
  // Throws InputError naming the features that there are.
  const Matrix& Require(const std::string& name) const;
};

// Throws InputError, naming file and tensor, when the file is not safetensors, ids are missing, repeated or not as many
// as rows, a tensor has another type or shape, or a value is not finite. Tensors with other names are ignored. Missing
// `kind` and `model` (files made elsewhere) mean photos and unknown.
FeatureSet ReadFeatures(const std::filesystem::path& path);

// Atomic. Throws Error when it cannot be written.
void WriteFeatures(const std::filesystem::path& path, const FeatureSet& set);

}  // namespace dualgeo
