#include "dualgeo/geo/latlon.h"

#include <cmath>
#include <cstdio>

namespace dualgeo {

bool IsValid(LatLon place) {
  // Comparisons with NaN are false.
  return place.lat >= -90 && place.lat <= 90 && place.lon >= -180 && place.lon <= 180;
}

LatLon Normalized(LatLon place) {
  double lon = std::remainder(place.lon, 360.0);
  if (lon == 180.0) lon = -180.0;
  return {place.lat, lon};
}

std::string ToString(LatLon place) {
  char text[64];
  std::snprintf(text, sizeof text, "%.6f, %.6f", place.lat, place.lon);
  return text;
}

}  // namespace dualgeo
