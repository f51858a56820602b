// Photos that are the same file, or nearly the same picture: placeholders of deleted photos under many ids, queries
// that the gallery holds under another name. Identical photos are known by the hashes that features keep
// (FeatureSet::photo_sha256), so that nothing is read again; near duplicates by the cosine of a feature.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dualgeo/gallery/features.h"

namespace dualgeo {

// Rows of two sets, or of one (photo < other).
struct PhotoPair {
  std::int64_t photo = 0, other = 0;
  double similarity = 1;

  bool operator==(const PhotoPair&) const = default;
};

// In one set: each photo with the first that it is byte for byte. Nothing where the hashes are not known.
std::vector<PhotoPair> IdenticalPhotos(const FeatureSet& photos);
// Each photo with the first of the others that it is byte for byte.
std::vector<PhotoPair> IdenticalPhotos(const FeatureSet& photos, const FeatureSet& others);

// Pairs with a cosine above the limit; all products are taken (100,000 photos against 3,000 of 768 values: seconds;
// among themselves: minutes). Throws InputError when the rows have different lengths.
std::vector<PhotoPair> SimilarPhotos(const Matrix& photos, double above);
std::vector<PhotoPair> SimilarPhotos(const Matrix& photos, const Matrix& others, double above);

// "12 of 480 photos are byte for byte photos of the gallery: a.jpg = x.jpg, ..."; empty without pairs.
std::string TellPairs(const std::vector<PhotoPair>& pairs, const FeatureSet& photos, const FeatureSet& others,
                      const std::string& how);

}  // namespace dualgeo
