// How large cells of the S2 grid are.
#pragma once

#include "dualgeo/geo/s2_cell.h"

namespace dualgeo {

// On the sphere of kEarthRadiusKm, between the great circles of its four edges; to about 1e-6 of it at level 20.
double AreaKm2(S2Cell cell);

// The longest a cell of the level can be from corner to corner, in km (level 0: half of the Earth's girth, nearly).
double LongestDiagonalKm(int level);
// The mean length of its edges.
double MeanEdgeKm(int level);

}  // namespace dualgeo
