#include "dualgeo/geo/distance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "tests/support/shared_data.h"

namespace dualgeo {
namespace {

LatLon RandomPlace(Random& random) { return {random.Uniform(-90, 90), random.Uniform(-180, 180)}; }

void CheckGolden(const std::filesystem::path& path) {
  std::ifstream stream(path);
  const auto golden = nlohmann::json::parse(stream);
  ASSERT_GT(golden["rows"].size(), 100U);
  for (const auto& row : golden["rows"]) {
    const LatLon a{row[0], row[1]}, b{row[2], row[3]};
    const double km = row[4];
    EXPECT_NEAR(GeodesicKm(a, b), km, 1e-8) << row;
    // The sphere of the mean radius is never further off than this.
    EXPECT_NEAR(GreatCircleKm(a, b), km, 0.0057 * km + 1e-6) << row;
  }
}

TEST(Distance, GeodesicEqualsGeopy) {
  CheckGolden(std::filesystem::path(DUALGEO_SOURCE_DIR) / "tests/data/geodesic_geopy.json");
}

TEST(Distance, GeodesicEqualsGeopyOnTheWholeFixture) {
  SHARED_PATH_OR_SKIP(path, "fixtures/geodesic.json");
  CheckGolden(path);
}

TEST(Distance, KnownGreatCircles) {
  const double quarter = kEarthRadiusKm * std::numbers::pi / 2;
  EXPECT_NEAR(GreatCircleKm({0, 0}, {0, 90}), quarter, 1e-9);
  EXPECT_NEAR(GreatCircleKm({90, 12}, {0, -77}), quarter, 1e-9);
  EXPECT_NEAR(GreatCircleKm({90, 0}, {90, 123}), 0, 1e-9);
  EXPECT_NEAR(GreatCircleKm({0, 179.5}, {0, -179.5}), quarter / 90, 1e-9);
}

TEST(Distance, GreatCircleKeepsItsDigitsNearZeroAndAtAntipodes) {
  const double km_per_degree = kEarthRadiusKm * std::numbers::pi / 180;
  for (const double degrees : {1e-9, 1e-7, 1e-5, 1e-3}) {
    EXPECT_NEAR(GreatCircleKm({45, 7}, {45 + degrees, 7}) / ((45 + degrees - 45) * km_per_degree), 1, 1e-9);
    const double half = kEarthRadiusKm * std::numbers::pi;
    EXPECT_NEAR(half - GreatCircleKm({0, 0}, {0, 180 - degrees}), (180 - (180 - degrees)) * km_per_degree, 1e-9);
  }
  EXPECT_EQ(GreatCircleKm({12.5, 33.25}, {12.5, 33.25}), 0);
}

TEST(Distance, IsAMetricOnRandomPlaces) {
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const LatLon a = RandomPlace(random), b = RandomPlace(random), c = RandomPlace(random);
    for (const auto kind : {DistanceKind::kGeodesic, DistanceKind::kGreatCircle}) {
      const double ab = DistanceKm(a, b, kind);
      EXPECT_NEAR(ab, DistanceKm(b, a, kind), 1e-8);
      EXPECT_GE(ab, 0);
      EXPECT_LE(ab, 20016);
      EXPECT_LE(ab, DistanceKm(a, c, kind) + DistanceKm(c, b, kind) + 1e-8);
      EXPECT_EQ(DistanceKm(a, a, kind), 0);
      // The whole world turned about its axis.
      const double turn = random.Uniform(-180, 180);
      EXPECT_NEAR(ab, DistanceKm(Normalized({a.lat, a.lon + turn}), Normalized({b.lat, b.lon + turn}), kind), 1e-8);
    }
  }
}

TEST(Distance, NamesAreChecked) {
  EXPECT_EQ(ParseDistanceKind("great_circle"), DistanceKind::kGreatCircle);
  EXPECT_EQ(ToString(DistanceKind::kGeodesic), "geodesic");
  EXPECT_THROW(ParseDistanceKind("euclid"), InputError);
}

TEST(LatLon, IsValidRefusesWhatIsNoPlace) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(IsValid({90, -180}));
  EXPECT_TRUE(IsValid({-90, 180}));
  EXPECT_FALSE(IsValid({90.0001, 0}));
  EXPECT_FALSE(IsValid({0, 180.5}));
  EXPECT_FALSE(IsValid({kNan, 0}));
  EXPECT_FALSE(IsValid({0, kNan}));
  EXPECT_FALSE(IsValid({0, -kInfinity}));
}

TEST(LatLon, NormalizedBringsLongitudeBack) {
  EXPECT_EQ(Normalized({5, 180}), (LatLon{5, -180}));
  EXPECT_EQ(Normalized({5, -180}), (LatLon{5, -180}));
  EXPECT_EQ(Normalized({5, 190}), (LatLon{5, -170}));
  EXPECT_EQ(Normalized({5, -540}), (LatLon{5, -180}));
  EXPECT_EQ(Normalized({5, 359.5}), (LatLon{5, -0.5}));
}

}  // namespace
}  // namespace dualgeo
