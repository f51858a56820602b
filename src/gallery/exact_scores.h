// Scores in double precision, added up in the order of the dimensions: the same whichever index asks.
#pragma once

#include <cstdint>

#include "dualgeo/gallery/index.h"

namespace dualgeo {

inline double Dot(const float* a, const float* b, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

inline double SquaredDistance(const float* a, const float* b, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(a[i]) - b[i];
    sum += d * d;
  }
  return sum;
}

// Best first, equals by row.
inline bool Before(const Neighbor& a, const Neighbor& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

}  // namespace dualgeo
