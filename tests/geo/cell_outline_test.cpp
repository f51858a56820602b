#include "geo/cell_outline.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dualgeo {
namespace {

double AreaOf(const std::vector<LatLon>& ring) {
  double area = 0;
  for (std::size_t i = 1; i < ring.size(); ++i) {
    area += ring[i - 1].lon * ring[i].lat - ring[i].lon * ring[i - 1].lat;
  }
  return std::abs(area) / 2;
}

// The six faces cover the map once, whatever is cut.
TEST(CellRings, OfAllFacesFillTheMap) {
  double area = 0;
  std::size_t rings = 0;
  for (int face = 0; face < 6; ++face) {
    for (const auto& ring : CellRings(S2Cell::Face(face))) {
      ++rings;
      EXPECT_EQ(ring.front(), ring.back());
      for (const auto& point : ring) EXPECT_TRUE(IsValid(point)) << ToString(point);
      area += AreaOf(ring);
    }
  }
  EXPECT_NEAR(area, 360 * 180, 1);
  EXPECT_GE(rings, 7u);  // the face on the date line is two
}

TEST(CellRings, OfASmallCellAreItsVertices) {
  const S2Cell cell = S2Cell::Leaf({48.86, 2.35}).Parent(12);
  const auto rings = CellRings(cell);
  ASSERT_EQ(rings.size(), 1u);
  ASSERT_EQ(rings[0].size(), 5u);
  for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(rings[0][k], cell.Vertices()[k]);
}

}  // namespace
}  // namespace dualgeo
