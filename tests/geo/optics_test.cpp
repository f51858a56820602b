#include "geo/optics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "dualgeo/util/random.h"
#include "tests/support/shared_data.h"

namespace dualgeo {
namespace {

void CheckOptics(const std::filesystem::path& path, std::size_t least_cases) {
  std::ifstream stream(path);
  const auto golden = nlohmann::json::parse(stream);
  ASSERT_GE(golden["cases"].size(), least_cases);
  for (std::size_t i = 0; i < golden["cases"].size(); ++i) {
    const auto& one = golden["cases"][i];
    std::vector<LatLon> places;
    for (const auto& place : one["latlon"]) places.push_back({place[0], place[1]});
    const auto metric = one["metric"] == "haversine" ? OpticsMetric::kHaversine : OpticsMetric::kEuclidean;
    const auto result = Optics(places, {one["min_samples"], one["xi"], metric});
    EXPECT_EQ(result.ordering, one["ordering"].get<std::vector<std::size_t>>()) << "case " << i;
    EXPECT_EQ(result.labels, one["labels"].get<std::vector<int>>()) << "case " << i;
    ASSERT_EQ(one["reachability"].size(), places.size());
    for (std::size_t k = 0; k < places.size(); ++k) {
      const auto& expected = one["reachability"][k];
      if (expected.is_null()) {
        EXPECT_TRUE(std::isinf(result.reachability[k])) << "case " << i;
      } else {
        EXPECT_NEAR(result.reachability[k], expected.get<double>(), 1e-9) << "case " << i;
      }
    }
  }
}

TEST(Optics, EqualsScikitLearn) {
  CheckOptics(std::filesystem::path(DUALGEO_SOURCE_DIR) / "tests/data/optics_sklearn.json", 12);
}

TEST(Optics, EqualsScikitLearnOnTheWholeFixture) {
  SHARED_PATH_OR_SKIP(path, "fixtures/optics.json");
  CheckOptics(path, 120);
}

TEST(Optics, SmallSets) {
  EXPECT_TRUE(Optics({}, {}).labels.empty());
  const std::vector<LatLon> three = {{1, 2}, {3, 4}, {5, 6}};
  const auto few = Optics(three, {.min_samples = 4});
  EXPECT_EQ(few.labels, std::vector<int>(3, kNoise));
  EXPECT_EQ(few.ordering, (std::vector<std::size_t>{0, 1, 2}));
  const std::vector<LatLon> equal(8, LatLon{-90, 33});
  EXPECT_EQ(Optics(equal, {.min_samples = 3}).labels, std::vector<int>(8, 0));
}

TEST(Optics, ClustersAcrossTheDateLine) {
  Random random(4);
  std::vector<LatLon> places;
  for (int i = 0; i < 30; ++i) {
    places.push_back(Normalized({random.Uniform(-0.1, 0.1), 180 + random.Uniform(-0.1, 0.1)}));
  }
  for (int i = 0; i < 30; ++i) places.push_back({random.Uniform(40, 40.2), random.Uniform(10, 10.2)});
  const auto labels = Optics(places, {.min_samples = 10, .xi = 0.1}).labels;
  EXPECT_EQ(std::set<int>(labels.begin(), labels.begin() + 30).size(), 1U);
  EXPECT_NE(labels.front(), labels.back());
}

TEST(Optics, RefusesOptionsOutOfRange) {
  EXPECT_THROW(Optics({}, {.min_samples = 1}), std::invalid_argument);
  EXPECT_THROW(Optics({}, {.xi = 0}), std::invalid_argument);
  EXPECT_THROW(Optics({}, {.xi = 1}), std::invalid_argument);
  EXPECT_THROW(Optics({}, {.xi = std::nan("")}), std::invalid_argument);
}

}  // namespace
}  // namespace dualgeo
