#include "dualgeo/geo/distance.h"

#include <GeographicLib/Geodesic.hpp>
#include <cmath>

#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

double GreatCircleKm(LatLon a, LatLon b) {
  // The haversine and its complement, each a sum of positive terms: nothing cancels, neither at 0 km nor at antipodes.
  const double half_lat = 0.5 * (b.lat - a.lat) * kRadiansPerDegree;
  const double half_lon = 0.5 * (b.lon - a.lon) * kRadiansPerDegree;
  const double middle = 0.5 * (a.lat + b.lat) * kRadiansPerDegree;
  const double sin_lat = std::sin(half_lat), cos_lat = std::cos(half_lat);
  const double sin_lon = std::sin(half_lon), cos_lon = std::cos(half_lon);
  const double haversine = std::hypot(sin_lat * cos_lon, std::cos(middle) * sin_lon);
  const double complement = std::hypot(cos_lat * cos_lon, std::sin(middle) * sin_lon);
  return 2 * kEarthRadiusKm * std::atan2(haversine, complement);
}

double GeodesicKm(LatLon a, LatLon b) {
  double metres = 0;
  GeographicLib::Geodesic::WGS84().Inverse(a.lat, a.lon, b.lat, b.lon, metres);
  return metres / 1000;
}

double DistanceKm(LatLon a, LatLon b, DistanceKind kind) {
  return kind == DistanceKind::kGeodesic ? GeodesicKm(a, b) : GreatCircleKm(a, b);
}

const std::vector<std::string>& DistanceKindNames() {
  static const std::vector<std::string> names = {"geodesic", "great_circle"};
  return names;
}

DistanceKind ParseDistanceKind(const std::string& name) {
  return static_cast<DistanceKind>(FindName(DistanceKindNames(), name, "distance"));
}

const std::string& ToString(DistanceKind kind) { return DistanceKindNames()[static_cast<std::size_t>(kind)]; }

}  // namespace dualgeo
