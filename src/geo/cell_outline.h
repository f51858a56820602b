// The outline of an S2 cell on a map of longitudes and latitudes.
#pragma once

#include <vector>

#include "dualgeo/geo/latlon.h"
#include "dualgeo/geo/s2_cell.h"

namespace dualgeo {

// One ring, not closed, with edges as they bend on such a map (great circles; more points for larger cells). Its
// longitudes go on over the date line, and so may leave [-180, 180]; around a pole it is closed along the pole.
std::vector<LatLon> CellOutline(S2Cell cell);

// The same cut at the date line: one or two rings, closed (the first point again at the end), longitudes in
// [-180, 180].
std::vector<std::vector<LatLon>> CellRings(S2Cell cell);

}  // namespace dualgeo
