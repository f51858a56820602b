// Two angles to a place, or why not: the one rule for all ways of writing them.
#pragma once

#include <optional>
#include <string>

#include "angle.h"
#include "dualgeo/geo/latlon.h"

namespace dualgeo {

struct PlaceOrReason {
  std::optional<LatLon> place;
  std::string reason;  // when there is no place
};

// Letters decide over order: (2.3 E, 48.9 N) is a longitude and a latitude. South and west turn the sign. Out of range
// and exactly (0, 0) are reasons.
PlaceOrReason PlaceFromAngles(const Angle& lat, const Angle& lon);

}  // namespace dualgeo
