#include "refine/dbscan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/random.h"
#include "tests/support/shared_data.h"

namespace dualgeo {
namespace {

// The definition, with all distances written out.
std::vector<int> Reference(const std::vector<LatLon>& places, double eps_km, int min_samples) {
  const std::size_t n = places.size();
  std::vector<std::vector<std::size_t>> neighbours(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (GreatCircleKm(places[i], places[j]) <= eps_km) neighbours[i].push_back(j);
    }
  }
  const auto core = [&](std::size_t i) { return neighbours[i].size() >= static_cast<std::size_t>(min_samples); };
  std::vector<int> labels(n, kNoise);
  int label = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (labels[i] != kNoise || !core(i)) continue;
    std::vector<std::size_t> open = {i};
    while (!open.empty()) {
      const std::size_t k = open.back();
      open.pop_back();
      if (labels[k] != kNoise) continue;
      labels[k] = label;
      if (core(k)) open.insert(open.end(), neighbours[k].begin(), neighbours[k].end());
    }
    ++label;
  }
  return labels;
}

void CheckGolden(const std::filesystem::path& path, std::size_t least_cases) {
  std::ifstream stream(path);
  const auto golden = nlohmann::json::parse(stream);
  ASSERT_GE(golden["cases"].size(), least_cases);
  for (std::size_t i = 0; i < golden["cases"].size(); ++i) {
    const auto& one = golden["cases"][i];
    std::vector<LatLon> places;
    for (const auto& place : one["latlon"]) places.push_back({place[0], place[1]});
    EXPECT_EQ(Dbscan(places, one["eps_km"], one["min_samples"]), one["labels"].get<std::vector<int>>()) << "case " << i;
  }
}

TEST(Dbscan, EqualsScikitLearn) {
  CheckGolden(std::filesystem::path(DUALGEO_SOURCE_DIR) / "tests/data/dbscan_sklearn.json", 60);
}

TEST(Dbscan, EqualsScikitLearnOnTheWholeFixture) {
  SHARED_PATH_OR_SKIP(path, "fixtures/dbscan.json");
  CheckGolden(path, 400);
}

TEST(Dbscan, SmallSets) {
  EXPECT_TRUE(Dbscan({}, 50, 2).empty());
  const std::vector<LatLon> one = {{1, 2}};
  EXPECT_EQ(Dbscan(one, 50, 1), std::vector<int>({0}));
  EXPECT_EQ(Dbscan(one, 50, 2), std::vector<int>({kNoise}));
  const std::vector<LatLon> equal(5, LatLon{-90, 33});
  EXPECT_EQ(Dbscan(equal, 0, 5), std::vector<int>(5, 0));
  EXPECT_EQ(Dbscan(equal, 0, 6), std::vector<int>(5, kNoise));
}

TEST(Dbscan, EpsMayCoverTheEarth) {
  const std::vector<LatLon> places = {{90, 0}, {-90, 0}, {0, 0}, {0, 180}};
  EXPECT_EQ(Dbscan(places, 20100, 4), std::vector<int>(4, 0));
}

TEST(Dbscan, LargeSetsEqualTheDefinition) {
  Random random(8);
  for (const double eps_km : {0.0, 1.0, 25.0, 200.0, 5000.0}) {
    std::vector<LatLon> places;
    while (places.size() < 600) {
      // Clumps everywhere, both poles and the date line among them, and some repeats.
      LatLon center{random.Uniform(-90, 90), random.Uniform(-180, 180)};
      if (random.Chance(0.2)) center.lat = random.Chance(0.5) ? 90 : -90;
      if (random.Chance(0.2)) center.lon = random.Chance(0.5) ? 180 : -180;
      const double spread = random.Uniform(0, 2 * eps_km / 111);
      for (int i = 0; i < 12; ++i) {
        const LatLon place{std::clamp(center.lat + spread * random.Normal(), -90.0, 90.0),
                           Normalized({0, center.lon + spread * random.Normal()}).lon};
        places.push_back(place);
        if (random.Chance(0.1)) places.push_back(place);
      }
    }
    for (const int min_samples : {1, 2, 5}) {
      EXPECT_EQ(Dbscan(places, eps_km, min_samples), Reference(places, eps_km, min_samples)) << eps_km;
    }
  }
}

TEST(Dbscan, AHundredThousandPlaces) {
  Random random(9);
  std::vector<LatLon> places;
  for (int i = 0; i < 100000; ++i) places.push_back({random.Uniform(-60, 70), random.Uniform(-180, 180)});
  const auto labels = Dbscan(places, 5, 2);  // all pairs would take minutes
  EXPECT_EQ(labels.size(), places.size());
}

}  // namespace
}  // namespace dualgeo
