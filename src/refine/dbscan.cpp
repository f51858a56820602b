#include "refine/dbscan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/stop.h"

namespace dualgeo {
namespace {

// Compares all pairs: nothing beats it for retrieval lists.
class AllPairs {
 public:
  AllPairs(const std::vector<UnitVector>& points, double squared_chord)
      : points_(points), squared_chord_(squared_chord) {}

  template <class Function>
  void Neighbours(std::size_t i, Function&& found) const {
    for (std::size_t j = 0; j < points_.size(); ++j) {
      if (SquaredChord(points_[i], points_[j]) <= squared_chord_) found(j);
    }
  }

 private:
  const std::vector<UnitVector>& points_;
  double squared_chord_;
};

// Cubes of one eps around the unit sphere, so that date line and poles are nothing special: a point's neighbours lie in
// its cube and the 26 around it.
class Grid {
 public:
  Grid(const std::vector<UnitVector>& points, double squared_chord)
      : points_(points), squared_chord_(squared_chord), side_(std::max(std::sqrt(squared_chord), kSmallestSide)) {
    order_.reserve(points.size());
    for (std::size_t i = 0; i < points.size(); ++i) order_.emplace_back(CubeOf(points[i]), i);
    std::sort(order_.begin(), order_.end());
  }

  template <class Function>
  void Neighbours(std::size_t i, Function&& found) const {
    const Cube center = CubeOf(points_[i]);
    for (int x = -1; x <= 1; ++x) {
      for (int y = -1; y <= 1; ++y) {
        // Cubes that differ in z alone are neighbours in the order.
        const Cube low{center[0] + x, center[1] + y, center[2] - 1};
        const Cube high{center[0] + x, center[1] + y, center[2] + 1};
        auto entry = std::lower_bound(order_.begin(), order_.end(), std::pair(low, std::size_t{0}));
        for (; entry != order_.end() && entry->first <= high; ++entry) {
          if (SquaredChord(points_[i], points_[entry->second]) <= squared_chord_) found(entry->second);
        }
      }
    }
  }

 private:
  using Cube = std::array<std::int32_t, 3>;
  // About 13 m: keeps the cube numbers of eps 0 within 32 bits.
  static constexpr double kSmallestSide = 2e-6;

  Cube CubeOf(const UnitVector& p) const {
    return {static_cast<std::int32_t>(std::floor(p.x / side_)), static_cast<std::int32_t>(std::floor(p.y / side_)),
            static_cast<std::int32_t>(std::floor(p.z / side_))};
  }

  const std::vector<UnitVector>& points_;
  double squared_chord_;
  double side_;
  std::vector<std::pair<Cube, std::size_t>> order_;
};

template <class Neighbourhood>
std::vector<int> Label(const Neighbourhood& neighbourhood, std::size_t n, int min_samples) {
  std::vector<char> core(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (i % 64 == 0) ThrowIfStopped();  // the pairs of a long list take minutes
    int count = 0;
    neighbourhood.Neighbours(i, [&](std::size_t) { ++count; });
    core[i] = count >= min_samples ? 1 : 0;
  }
  std::vector<int> labels(n, kNoise);
  std::vector<std::size_t> open;
  int label = 0;
  for (std::size_t seed = 0; seed < n; ++seed) {
    if (labels[seed] != kNoise || core[seed] == 0) continue;
    labels[seed] = label;
    open.assign(1, seed);
    while (!open.empty()) {
      const std::size_t i = open.back();
      open.pop_back();
      if (i % 64 == 0) ThrowIfStopped();
      neighbourhood.Neighbours(i, [&](std::size_t j) {
        if (labels[j] != kNoise) return;
        labels[j] = label;
        if (core[j] != 0) open.push_back(j);
      });
    }
    ++label;
  }
  return labels;
}

}  // namespace

std::vector<int> Dbscan(std::span<const LatLon> places, double eps_km, int min_samples) {
  std::vector<UnitVector> points;
  points.reserve(places.size());
  for (const auto& place : places) points.push_back(ToUnitVector(place));
  const double half_angle = std::min(0.5 * eps_km / kEarthRadiusKm, 0.5 * std::numbers::pi);
  const double chord = 2 * std::sin(half_angle);
  constexpr std::size_t kFewPlaces = 200;
  if (places.size() <= kFewPlaces) return Label(AllPairs(points, chord * chord), places.size(), min_samples);
  return Label(Grid(points, chord * chord), places.size(), min_samples);
}

}  // namespace dualgeo
