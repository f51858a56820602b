#include "dualgeo/geo/s2_cell.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>
#include <vector>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/random.h"

#ifdef DUALGEO_TEST_LIBS2
#include <s2/s2cell.h>
#include <s2/s2cell_id.h>
#include <s2/s2latlng.h>
#endif

namespace dualgeo {
namespace {

// Uniform over the sphere; some at the poles, on the date line, and where faces meet.
std::vector<LatLon> ManyPlaces(int count) {
  Random random(13);
  std::vector<LatLon> places = {{90, 0}, {-90, 0}, {90, -77}, {0, 0},     {0, 45},
                                {0, 90}, {0, 135}, {45, 180}, {-45, -180}};
  while (static_cast<int>(places.size()) < count) {
    const UnitVector v{random.Normal(), random.Normal(), random.Normal()};
    LatLon place = ToLatLon(v);
    if (random.Chance(0.02)) place.lon = random.Chance(0.5) ? 180 : -180;
    if (random.Chance(0.02)) place.lat = random.Chance(0.5) ? 90 : -90;
    if (random.Chance(0.02)) place.lon = 45 * std::round(place.lon / 45);
    places.push_back(place);
  }
  return places;
}

TEST(S2Cell, KnownCells) {
  struct Known {
    LatLon place;
    const char *leaf, *level20, *level10, *level2;
  };
  const Known all[] = {{{0, 0}, "1000000000000001", "10000000001", "100001", "11"},
                       {{48.8584, 2.2945}, "47e66fe1f36a36a5", "47e66fe1f37", "47e66f", "47"},
                       {{-33.8568, 151.2153}, "6b12ae669072a21f", "6b12ae66907", "6b12af", "6b"},
                       {{40.6892, -74.0445}, "89c25088d6fe3dd9", "89c25088d6f", "89c251", "89"},
                       {{90, 0}, "5000000000000001", "50000000001", "500001", "51"},
                       {{-90, 0}, "b000000000000001", "b0000000001", "b00001", "b1"},
                       {{35.3606, 138.7274}, "6019629a5ae982cf", "6019629a5af", "601963", "61"},
                       {{-22.9519, -43.2105}, "00997fd59ac76099", "00997fd59ad", "00997f", "01"},
                       {{64.1466, -21.9426}, "48d60b2d9a05f47d", "48d60b2d9a1", "48d60b", "49"}};
  for (const auto& known : all) {
    const S2Cell leaf = S2Cell::Leaf(known.place);
    EXPECT_EQ(leaf.Token(), known.leaf);
    EXPECT_EQ(leaf.Parent(20).Token(), known.level20);
    EXPECT_EQ(leaf.Parent(10).Token(), known.level10);
    EXPECT_EQ(leaf.Parent(2).Token(), known.level2);
  }
}

TEST(S2Cell, ParentsHoldTheirChildren) {
  for (const auto& place : ManyPlaces(2000)) {
    const S2Cell leaf = S2Cell::Leaf(place);
    ASSERT_EQ(leaf.level(), 30);
    for (int level = 30; level > 0; --level) {
      const S2Cell cell = leaf.Parent(level), parent = leaf.Parent(level - 1);
      ASSERT_EQ(cell.level(), level);
      ASSERT_EQ(cell.Parent(level - 1), parent);
      ASSERT_TRUE(parent.Contains(cell) && parent.Contains(leaf) && !cell.Contains(parent));
      int holding = 0;
      for (int k = 0; k < 4; ++k) {
        const S2Cell child = parent.Child(k);
        ASSERT_EQ(child.Parent(level - 1), parent);
        ASSERT_TRUE(k == 0 || parent.Child(k - 1).Last() + 2 == child.First());
        holding += child.Contains(leaf) ? 1 : 0;
      }
      ASSERT_EQ(holding, 1);
    }
  }
}

TEST(S2Cell, CentersAndVerticesLieWhereTheyShould) {
  for (const auto& place : ManyPlaces(500)) {
    for (int level = 0; level <= 30; ++level) {
      const S2Cell cell = S2Cell::Leaf(place).Parent(level);
      const LatLon center = cell.Center();
      ASSERT_TRUE(cell.Contains(S2Cell::Leaf(center))) << cell.Token();
      const auto vertices = cell.Vertices();
      double reach = 0;
      for (const auto& vertex : vertices) reach = std::max(reach, GreatCircleKm(center, vertex));
      ASSERT_LE(GreatCircleKm(center, place), reach * 1.000001 + 1e-6) << cell.Token();
      if (level > 28) continue;
      // A little inwards from each corner is inside, a little outwards is not.
      const UnitVector c = ToUnitVector(center);
      for (const auto& vertex : vertices) {
        const UnitVector v = ToUnitVector(vertex);
        const auto at = [&](double share) {
          return S2Cell::Leaf(
              ToLatLon({c.x + share * (v.x - c.x), c.y + share * (v.y - c.y), c.z + share * (v.z - c.z)}));
        };
        ASSERT_TRUE(cell.Contains(at(0.9))) << cell.Token();
        ASSERT_FALSE(cell.Contains(at(1.1))) << cell.Token();
      }
    }
  }
}

TEST(S2Cell, TokensAreRead) {
  for (const auto& place : ManyPlaces(300)) {
    for (int level = 0; level <= 30; ++level) {
      const S2Cell cell = S2Cell::Leaf(place).Parent(level);
      EXPECT_EQ(S2Cell::FromToken(cell.Token()), cell);
      EXPECT_EQ(S2Cell::FromId(cell.id()), cell);
    }
  }
  for (const char* wrong :
       {"", "0", "10", "47E63", "4.7E+064", "8E+095", "477000000000", "47e63 ", "0x47", "c1", "d", "f",
        "47e66fe1f36a36a", "47e66fe1f36a36a2", "47e66fe1f36a36a51", "-1", "ffffffffffffffff", "2"}) {
    const auto cell = S2Cell::FromToken(wrong);
    EXPECT_EQ(cell, std::nullopt) << wrong << " " << cell->level();
  }
  EXPECT_EQ(S2Cell::FromToken("00b")->level(), 4);
}

TEST(S2Cell, SixFacesMakeTheEarth) {
  std::set<int> faces;
  std::uint64_t last = 0;
  for (int face = 0; face < 6; ++face) {
    const S2Cell cell = S2Cell::Face(face);
    EXPECT_EQ(cell.level(), 0);
    EXPECT_EQ(cell.face(), face);
    EXPECT_EQ(cell.First(), face == 0 ? 1 : last + 2);
    last = cell.Last();
  }
  for (const auto& place : ManyPlaces(1000)) faces.insert(S2Cell::Leaf(place).face());
  EXPECT_EQ(faces.size(), 6U);
  EXPECT_EQ(S2Cell::Leaf({90, 0}), S2Cell::Leaf({90, 123}));  // the pole is one place
  // No cell but a whole face lies on both sides of the date line.
  EXPECT_EQ(S2Cell::Leaf({1, 179.9}).face(), S2Cell::Leaf({1, -179.9}).face());
  EXPECT_NE(S2Cell::Leaf({1, 179.9}).Parent(1), S2Cell::Leaf({1, -179.9}).Parent(1));
}

TEST(S2Cell, RefusesWhatThereIsNot) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const LatLon place : {LatLon{91, 0}, LatLon{0, 181}, LatLon{nan, 0}, LatLon{0, nan}}) {
    EXPECT_THROW(S2Cell::Leaf(place), std::invalid_argument);
  }
  const S2Cell leaf = S2Cell::Leaf({1, 2});
  EXPECT_THROW(leaf.Child(0), std::invalid_argument);
  EXPECT_THROW(leaf.Parent(31), std::invalid_argument);
  EXPECT_THROW(leaf.Parent(-1), std::invalid_argument);
  EXPECT_THROW(leaf.Parent(3).Parent(4), std::invalid_argument);
  EXPECT_THROW(S2Cell::Face(6), std::invalid_argument);
}

TEST(S2Cell, IsThatOfLibs2) {
#ifdef DUALGEO_TEST_LIBS2
  for (const auto& place : ManyPlaces(100000)) {
    const S2Cell leaf = S2Cell::Leaf(place);
    const S2CellId theirs(S2LatLng::FromDegrees(place.lat, place.lon).ToPoint());
    ASSERT_EQ(leaf.id(), theirs.id()) << ToString(place);
    const int level = static_cast<int>(leaf.id() >> 3) & 31;  // any
    if (level > 30) continue;
    const S2Cell cell = leaf.Parent(level);
    const S2CellId their_cell = theirs.parent(level);
    ASSERT_EQ(cell.Token(), their_cell.ToToken());
    ASSERT_LT(
        GreatCircleKm(cell.Center(), {their_cell.ToLatLng().lat().degrees(), their_cell.ToLatLng().lng().degrees()}),
        1e-9);
    for (int k = 0; k < 4; ++k) {
      const S2LatLng vertex(::S2Cell(their_cell).GetVertex(k));
      ASSERT_LT(
          GreatCircleKm(cell.Vertices()[static_cast<std::size_t>(k)], {vertex.lat().degrees(), vertex.lng().degrees()}),
          1e-9);
    }
  }
#else
  GTEST_SKIP() << "libs2-dev is not installed";
#endif
}

}  // namespace
}  // namespace dualgeo
