// The nearest of many places, by GeographicLib's vantage-point tree.
#pragma once

#include <GeographicLib/NearestNeighbor.hpp>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "dualgeo/geo/latlon.h"
#include "dualgeo/geo/unit_vector.h"

namespace dualgeo {

class NearestPlaces {
 public:
  explicit NearestPlaces(std::span<const LatLon> places) {
    for (const auto& place : places) points_.push_back(ToUnitVector(place));
    tree_.Initialize(points_, Chord);
  }

  // Indices of at most `count` places, the nearest first.
  std::vector<std::size_t> Find(LatLon place, int count) const {
    std::vector<int> found;
    tree_.Search(points_, Chord, ToUnitVector(place), found, count);
    return {found.begin(), found.end()};
  }

 private:
  static double Chord(const UnitVector& a, const UnitVector& b) { return std::sqrt(SquaredChord(a, b)); }

  std::vector<UnitVector> points_;
  GeographicLib::NearestNeighbor<double, UnitVector, double (*)(const UnitVector&, const UnitVector&)> tree_;
};

}  // namespace dualgeo
