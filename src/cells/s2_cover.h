// Fills areas that are not made of S2 cells with S2 cells.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "partition_builders.h"

namespace dualgeo {

struct CoverRule {
  // The area in which a place lies, if it lies in one.
  std::function<std::optional<std::size_t>(LatLon)> area_of;
  // Whether an area may begin or end within the cell that its corners and middle do not show.
  std::function<bool(S2Cell)> look_closer;
  int resolution = 10;  // finest level where no photos are near
};

// The S2 cells of each of `areas` areas, disjoint. `curve`: photos, each of the area areas_of_photos[index], which
// their S2 cells go to, at latest at level 20 by majority. Elsewhere a cell whose corners and middle lie in one area is
// its.
std::vector<std::vector<S2Cell>> CoverAreas(std::size_t areas, std::span<const PlaceOnCurve> curve,
                                            const std::vector<std::size_t>& areas_of_photos, const CoverRule& rule);

}  // namespace dualgeo
