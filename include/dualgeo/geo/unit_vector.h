// Places as unit vectors from the Earth's centre: arithmetic without date line and poles.
#pragma once

#include <cmath>
#include <numbers>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

inline constexpr double kRadiansPerDegree = std::numbers::pi / 180.0;

struct UnitVector {
  double x = 0, y = 0, z = 0;
};

inline UnitVector ToUnitVector(LatLon place) {
  const double lat = place.lat * kRadiansPerDegree;
  const double lon = place.lon * kRadiansPerDegree;
  return {std::cos(lat) * std::cos(lon), std::cos(lat) * std::sin(lon), std::sin(lat)};
}

// Any length but zero; lon in [-180, 180), 0 at the poles.
inline LatLon ToLatLon(UnitVector v) {
  const double flat = std::hypot(v.x, v.y);
  const double lat = std::atan2(v.z, flat) / kRadiansPerDegree;
  const bool pole = flat < 1e-15 * std::abs(v.z);
  return Normalized({lat, pole ? 0.0 : std::atan2(v.y, v.x) / kRadiansPerDegree});
}

inline double SquaredChord(const UnitVector& a, const UnitVector& b) {
  const double x = a.x - b.x, y = a.y - b.y, z = a.z - b.z;
  return x * x + y * y + z * z;
}

}  // namespace dualgeo
