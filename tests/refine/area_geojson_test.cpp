#include "refine/area_geojson.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "dualgeo/geo/distance.h"
#include "dualgeo/refine/posterior_area.h"
#include "geo/s2_area.h"
#include "refine/reranker.h"
#include "tests/refine/lists.h"

namespace dualgeo {
namespace {

// On the map, in square degrees weighted by the cosine of the latitude: km2, nearly, where edges are short.
double RingKm2(const nlohmann::json& ring) {
  const double degree = std::numbers::pi / 180;
  double area = 0;
  for (std::size_t i = 0; i + 1 < ring.size(); ++i) {
    const double lon_a = ring[i][0], lat_a = ring[i][1], lon_b = ring[i + 1][0], lat_b = ring[i + 1][1];
    area -= (lon_b - lon_a) * degree * (std::sin(lat_a * degree) + std::sin(lat_b * degree)) / 2;
  }
  return area * kEarthRadiusKm * kEarthRadiusKm;
}

TEST(AreaGeoJson, CellsAreClosedAndCounterClockwise) {
  for (const LatLon place : {LatLon{48.86, 2.35}, LatLon{0.5, 179.9}, LatLon{0.5, -179.9}, LatLon{89.9, 100},
                             LatLon{-89.9, -179}, LatLon{-33, 151}}) {
    for (const int level : {1, 2, 5, 8, 13}) {
      const S2Cell cell = S2Cell::Leaf(place).Parent(level);
      const auto geometry = nlohmann::json::parse(CellsGeometry(std::vector{cell}));
      EXPECT_EQ(geometry["type"], "MultiPolygon");
      ASSERT_EQ(geometry["coordinates"].size(), 1U);
      const auto& ring = geometry["coordinates"][0][0];
      EXPECT_EQ(ring.front(), ring.back());
      for (const auto& point : ring) {
        EXPECT_LE(std::abs(point[0].get<double>()), 180) << cell.Token();
        EXPECT_LE(std::abs(point[1].get<double>()), 90);
      }
      EXPECT_NEAR(RingKm2(ring) / AreaKm2(cell), 1, 0.02) << cell.Token() << " " << level;
    }
  }
}

TEST(AreaGeoJson, FacesTileTheMap) {
  std::vector<S2Cell> faces;
  for (int face = 0; face < 6; ++face) faces.push_back(S2Cell::Face(face));
  const auto geometry = nlohmann::json::parse(CellsGeometry(faces));
  EXPECT_EQ(geometry["coordinates"].size(), 24U);
  double km2 = 0;
  for (const auto& polygon : geometry["coordinates"]) km2 += RingKm2(polygon[0]);
  EXPECT_NEAR(km2 / (4 * std::numbers::pi * kEarthRadiusKm * kEarthRadiusKm), 1, 0.002);
}

TEST(AreaGeoJson, HasAreasAndAnswersOfLists) {
  RerankOptions options;
  options.areas = true;
  CandidateList empty{"nothing", {}, std::nullopt};
  auto lists = Rerank(options, {ListOf({{48.86, 2.35}, {48.85, 2.34}, {40.7, -74}}), empty}, 1);
  ASSERT_TRUE(lists[0].estimate->areas);
  EXPECT_LT(lists[0].estimate->areas->half_km2, lists[0].estimate->areas->most_km2);
  EXPECT_FALSE(lists[1].estimate);
  const auto json = nlohmann::json::parse(AreasGeoJson(DefaultPosterior(), lists));
  EXPECT_EQ(json["type"], "FeatureCollection");
  ASSERT_EQ(json["features"].size(), 3U);
  const double shares[] = {0.9, 0.5};
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& feature = json["features"][i];
    EXPECT_EQ(feature["properties"]["share"], shares[i]);
    EXPECT_EQ(feature["properties"]["cells"].size(), feature["geometry"]["coordinates"].size());
    double km2 = 0;
    for (const auto& token : feature["properties"]["cells"])
      km2 += AreaKm2(*S2Cell::FromToken(token.get<std::string>()));
    EXPECT_NEAR(km2 / feature["properties"]["km2"].get<double>(), 1, 1e-6);
  }
  EXPECT_EQ(json["features"][2]["properties"]["kind"], "answer");
  EXPECT_EQ(json["features"][2]["geometry"]["coordinates"][0], lists[0].estimate->location.lon);
}

}  // namespace
}  // namespace dualgeo
