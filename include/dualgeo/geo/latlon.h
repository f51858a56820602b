// A place on Earth in degrees (WGS84 latitude and longitude).
#pragma once

#include <string>

namespace dualgeo {

struct LatLon {
  double lat = 0;  // degrees north, [-90, 90]
  double lon = 0;  // degrees east, [-180, 180]

  bool operator==(const LatLon&) const = default;
};

// Finite, lat in [-90, 90], lon in [-180, 180].
bool IsValid(LatLon place);

// lon brought into [-180, 180); lat as it is.
LatLon Normalized(LatLon place);

// "48.858370, 2.294481": six decimals, about 0.1 m.
std::string ToString(LatLon place);

}  // namespace dualgeo
