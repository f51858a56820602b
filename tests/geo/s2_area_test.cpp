#include "geo/s2_area.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "dualgeo/geo/distance.h"

namespace dualgeo {
namespace {

TEST(S2Area, ChildrenFillTheirParentsAndFacesTheEarth) {
  double earth = 0;
  for (int face = 0; face < 6; ++face) earth += AreaKm2(S2Cell::Face(face));
  EXPECT_NEAR(earth / (4 * std::numbers::pi * kEarthRadiusKm * kEarthRadiusKm), 1, 1e-12);
  for (const LatLon place : {LatLon{48.86, 2.35}, LatLon{-89.9, 10}, LatLon{0.01, 179.99}, LatLon{35.3, 45.1}}) {
    for (int level = 0; level < 22; ++level) {
      const S2Cell cell = S2Cell::Leaf(place).Parent(level);
      double children = 0;
      for (int k = 0; k < 4; ++k) children += AreaKm2(cell.Child(k));
      EXPECT_NEAR(children / AreaKm2(cell), 1, 1e-6) << level;
    }
  }
}

TEST(S2Area, EdgesAndDiagonals) {
  for (int level = 1; level < 20; ++level) {
    const S2Cell cell = S2Cell::Leaf({48.86, 2.35}).Parent(level);
    const auto corners = cell.Vertices();
    const double diagonal = std::max(GreatCircleKm(corners[0], corners[2]), GreatCircleKm(corners[1], corners[3]));
    EXPECT_LE(diagonal, LongestDiagonalKm(level));
    EXPECT_GT(diagonal, LongestDiagonalKm(level) / 2);
    EXPECT_NEAR(std::sqrt(AreaKm2(cell)) / MeanEdgeKm(level), 1, 0.3);
  }
}

}  // namespace
}  // namespace dualgeo
