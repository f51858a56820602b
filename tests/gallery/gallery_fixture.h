// Tiny features with known neighbours, for the gallery's tests.
#pragma once

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/util/random.h"

namespace dualgeo {

inline Matrix RandomMatrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  Matrix matrix(rows, columns);
  Random random(seed);
  for (float& value : matrix.values) value = static_cast<float>(random.Normal());
  NormalizeRows(matrix);
  return matrix;
}

// Photos g0, g1 ... with features image and fused_image; every third photo by author a0, a1, a2.
inline FeatureSet RandomFeatures(std::int64_t count, std::int64_t columns, std::uint64_t seed,
                                 const std::string& prefix = "g") {
  FeatureSet set;
  set.model = "model-a";
  for (std::int64_t i = 0; i < count; ++i) set.ids.push_back(prefix + std::to_string(i) + ".jpg");
  set.features["image"] = RandomMatrix(count, columns, seed);
  set.features["fused_image"] = RandomMatrix(count, columns, seed + 1000);
  return set;
}

inline PhotoTable TableOf(const FeatureSet& set) {
  PhotoTable table;
  table.path = "photos.csv";
  for (std::size_t i = 0; i < set.ids.size(); ++i) {
    PhotoRow row;
    row.id = set.ids[i];
    row.location = LatLon{-60.0 + 0.5 * static_cast<double>(i % 200), 0.25 * static_cast<double>(i % 720)};
    row.author = "a" + std::to_string(i % 3);
    row.line = static_cast<int>(i) + 2;
    table.rows.push_back(row);
  }
  return table;
}

inline double Inner(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace dualgeo
