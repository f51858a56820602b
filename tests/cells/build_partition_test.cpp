#include "dualgeo/cells/build_partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "dualgeo/util/random.h"
#include "io/csv.h"
#include "tests/support/refusal.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

// Towns of different size, one on the date line, and lone photos.
Coordinates Towns(int photos, std::uint64_t seed = 1) {
  Random random(seed);
  const LatLon towns[] = {{48.85, 2.35}, {40.7, -74}, {-33.9, 151.2}, {-16.8, 180}, {64.1, -21.9}};
  Coordinates places;
  for (int i = 0; i < photos; ++i) {
    LatLon place = towns[random.Below(5) * random.Below(5) / 4];
    place = {place.lat + 0.2 * random.Normal(), place.lon + 0.2 * random.Normal()};
    if (random.Chance(0.05)) place = {random.Uniform(-60, 70), random.Uniform(-180, 180)};
    places.locations.push_back(Normalized(place));
  }
  return places;
}

// What every partition must be: disjoint, with the members, counts and means that looking up says.
void CheckSound(const Partition& partition, const Coordinates& places) {
  EXPECT_EQ(partition.CountNested(), 0U);
  std::map<std::size_t, std::vector<LatLon>> members;
  for (const auto& place : places.locations) {
    if (const auto hit = partition.Find(place)) members[hit->cell].push_back(place);
  }
  for (std::size_t i = 0; i < partition.cells().size(); ++i) {
    EXPECT_EQ(partition.cells()[i].label, static_cast<std::int64_t>(i));
    EXPECT_EQ(partition.cells()[i].count, static_cast<std::int64_t>(members[i].size()));
  }
}

void CheckGoldenPartition(int max, const char* file) {
  SHARED_PATH_OR_SKIP(table, std::string("fixtures/") + file);
  SHARED_PATH_OR_SKIP(rows, "data/gallery_coordinates/mp16pro_rows.csv");
  const auto places = ReadCoordinates(rows);
  const auto partition = BuildPartition(places, {.min = 10, .max = max, .start_level = 2});
  const auto golden = CsvTable::Read(table);
  ASSERT_EQ(partition.cells().size(), golden.rows());
  for (std::size_t i = 0; i < golden.rows(); ++i) {
    const auto& cell = partition.cells()[i];
    ASSERT_EQ(cell.area.at(0).Token(), golden.Cell(i, golden.Require("hex_id")));
    EXPECT_EQ(cell.count, golden.Integer(i, golden.Require("imgs_per_cell")));
    EXPECT_NEAR(cell.mean.lat, golden.Number(i, golden.Require("latitude_mean")), 1e-9);
    EXPECT_NEAR(cell.mean.lon, golden.Number(i, golden.Require("longitude_mean")), 1e-9);
  }
  CheckSound(partition, places);
}

TEST(S2Adaptive, EqualsTheFixture500) { CheckGoldenPartition(500, "s2_adaptive_10_500.csv"); }
TEST(S2Adaptive, EqualsTheFixture100) { CheckGoldenPartition(100, "s2_adaptive_10_100.csv"); }

TEST(S2Adaptive, SplitsAndDropsAsToldButForOnePosition) {
  auto places = Towns(3000);
  places.locations.insert(places.locations.end(), 150, LatLon{51.5, -0.12});
  const auto partition = BuildPartition(places, {.min = 20, .max = 100, .start_level = 0});
  CheckSound(partition, places);
  int leaves = 0;
  for (const auto& cell : partition.cells()) {
    EXPECT_GT(cell.count, 20);
    if (cell.count > 100) {
      EXPECT_EQ(cell.area.at(0).level(), S2Cell::kMaxLevel);
      EXPECT_EQ(cell.count, 150);
      ++leaves;
    }
    EXPECT_TRUE(cell.area.at(0).Contains(S2Cell::Leaf(cell.mean)));
  }
  EXPECT_EQ(leaves, 1);
}

TEST(S2Adaptive, AFaceAcrossTheDateLineHasItsMeanThere) {
  Coordinates places;
  for (int i = 0; i < 10; ++i) {
    places.locations.push_back({0, i < 5 ? 179.0 : -179.0});
    places.locations.push_back({0, 10});
  }
  const auto partition = BuildPartition(places, {.min = 1, .max = 100, .start_level = 0});
  ASSERT_EQ(partition.cells().size(), 2U);
  EXPECT_NEAR(std::abs(partition.cells()[1].mean.lon), 180, 1e-9);
}

TEST(MergedRegions, LeaveAsManyAsAskedAndDifferBySeed) {
  const auto places = Towns(4000);
  PartitionOptions options{.type = "merged_regions", .base_level = 9, .classes = 40};
  const auto one = BuildPartition(places, options);
  EXPECT_EQ(one.cells().size(), 40U);
  CheckSound(one, places);
  std::int64_t inside = 0;
  for (const auto& cell : one.cells()) inside += cell.count;
  EXPECT_EQ(inside, 4000);  // a partition of all of them
  options.seed = 1;
  const auto other = BuildPartition(places, options);
  const auto same = BuildPartition(places, options);
  const auto areas = [](const Partition& partition) {
    std::vector<std::vector<S2Cell>> all;
    for (const auto& cell : partition.cells()) all.push_back(cell.area);
    return all;
  };
  EXPECT_NE(areas(one), areas(other));
  EXPECT_EQ(areas(other), areas(same));
}

TEST(MergedRegions, MergeSmallOnesWithNeighboursOverSeasAndTheDateLine) {
  Coordinates places;
  const auto put = [&](LatLon place, int count) { places.locations.insert(places.locations.end(), count, place); };
  put({0, 179.9}, 3);
  put({0, -179.9}, 2);
  put({50, 10}, 9);
  put({51, 12}, 1);
  const auto partition = BuildPartition(
      places, {.type = "merged_regions", .base_level = 8, .classes = 2, .neighbours = 1, .randomness = 0});
  EXPECT_EQ(partition.Find({0, 179.9})->cell, partition.Find({0, -179.9})->cell);
  EXPECT_EQ(partition.Find({50, 10})->cell, partition.Find({51, 12})->cell);
  EXPECT_FALSE(partition.Find({20, 100}));
  const auto pacific = partition.cells()[partition.Find({0, 179.9})->cell].mean;
  EXPECT_NEAR(std::abs(pacific.lon), 179.98, 1e-6);
}

// Three countries; Nowhere has one place, Big a city of two clusters.
Coordinates Named() {
  Coordinates places;
  places.columns.resize(3);
  Random random(2);
  const auto put = [&](LatLon around, double spread, int count, const char* country, const char* region,
                       const char* city) {
    for (int i = 0; i < count; ++i) {
      places.locations.push_back({around.lat + spread * random.Normal(), around.lon + spread * random.Normal()});
      places.columns[0].emplace_back(country);
      places.columns[1].emplace_back(region);
      places.columns[2].emplace_back(city);
    }
  };
  put({50, 10}, 0.05, 200, "Big", "North", "Twin");
  put({50.5, 11}, 0.05, 150, "Big", "North", "Twin");
  put({50.2, 10.2}, 0.05, 5, "Big", "North", "Hamlet");
  put({45, 10}, 0.05, 40, "Big", "South", "Town");
  put({44.5, 10.2}, 0.05, 30, "Big", "South", "Port");
  put({50.1, 12}, 0.05, 60, "Other", "Only", "Place");
  put({-10, 100}, 0.05, 1, "Nowhere", "", "");
  return places;
}

PartitionOptions SemanticOptions() {
  PartitionOptions options;
  options.type = "semantic";
  options.min = 20;
  options.max = 300;
  options.optics_min_samples = {10, 20};
  options.optics_xi = {0.1, 0.05};
  options.resolution = 8;
  return options;
}

std::map<std::string, std::int64_t> CountsByName(const Partition& partition) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& cell : partition.cells()) counts[cell.name] += cell.count;
  return counts;
}

TEST(Semantic, FusesSmallSplitsLargeKeepsCountriesApart) {
  const auto places = Named();
  const auto partition = BuildPartition(places, SemanticOptions());
  CheckSound(partition, places);
  const auto counts = CountsByName(partition);
  EXPECT_EQ(counts.size(), 6U);
  EXPECT_EQ(counts.at("Big/South/Town"), 40);
  EXPECT_EQ(counts.at("Big/South/Port"), 30);
  EXPECT_EQ(counts.at("Other/Only/Place"), 60);
  EXPECT_EQ(counts.at("Nowhere//"), 1);  // none in its country to be fused with
  const auto first = counts.at("Big/North/Twin"), second = counts.at("Big/North/Twin (2)");
  EXPECT_EQ(first + second, 355);  // with the hamlet
  EXPECT_GE(std::min(first, second), 150);
  EXPECT_NE(partition.Find({50, 10})->cell, partition.Find({50.5, 11})->cell);
  EXPECT_TRUE(partition.Find({0, -150}));  // Voronoi: the whole Earth
}

TEST(Semantic, APlaceWithoutNamesIsInTheCellAroundIt) {
  auto places = Named();
  places.locations.push_back({50.1, 12.01});
  for (auto& column : places.columns) column.emplace_back("");
  const auto counts = CountsByName(BuildPartition(places, SemanticOptions()));
  EXPECT_EQ(counts.size(), 6U);
  EXPECT_EQ(counts.at("Other/Only/Place"), 61);
}

std::string Feature(const std::string& country, const std::string& city, const std::string& rings) {
  return R"({"type":"Feature","properties":{"COUNTRY":")" + country + R"(","CITY":")" + city +
         R"("},"geometry":{"type":"Polygon","coordinates":[)" + rings + "]}}";
}

std::string Collection(const std::string& features) {
  return R"({"type":"FeatureCollection","features":[)" + features + "]}";
}

constexpr char kWestSquare[] = "[[8,49],[11,49],[11,52],[8,52],[8,49]]";
constexpr char kEastSquare[] = "[[11,49],[14,49],[14,52],[11,52],[11,49]]";

PartitionOptions PolygonOptions(const std::filesystem::path& path) {
  PartitionOptions options = SemanticOptions();
  options.polygons = path.string();
  options.columns = {"COUNTRY", "CITY"};
  return options;
}

TEST(Semantic, PolygonsBoundTheCells) {
  TemporaryFolder folder;
  const auto path =
      folder.Write("a.geojson", Collection(Feature("A", "West", kWestSquare) + "," + Feature("B", "East", kEastSquare) +
                                           "," + Feature("C", "Empty", "[[-10,0],[-5,0],[-5,5],[-10,5],[-10,0]]")));
  Random random(3);
  Coordinates places;
  for (int i = 0; i < 100; ++i) places.locations.push_back({random.Uniform(49.1, 51.9), random.Uniform(8.1, 10.9)});
  for (int i = 0; i < 70; ++i) places.locations.push_back({random.Uniform(49.1, 51.9), random.Uniform(11.1, 13.9)});
  places.locations.push_back({60, 12});  // outside, nearer to the east
  auto options = PolygonOptions(path);
  options.max = 1000;
  const auto partition = BuildPartition(places, options);
  CheckSound(partition, places);
  EXPECT_EQ(CountsByName(partition), (std::map<std::string, std::int64_t>{{"A/West", 100}, {"B/East", 71}}));
  EXPECT_EQ(partition.cells()[partition.Find({51.8, 8.2})->cell].name, "A/West");
  EXPECT_EQ(partition.cells()[partition.Find({49.2, 13.8})->cell].name, "B/East");
  EXPECT_FALSE(partition.Find({55, 10}));
  EXPECT_FALSE(partition.Find({2, -7}));  // a country without photos
}

TEST(Semantic, RefusesBadPolygonsInOneLine) {
  TemporaryFolder folder;
  Coordinates places;
  places.locations = {{50, 10}, {50, 12}};
  const auto refusal = [&](const std::string& text) {
    const auto path = folder.Write("a.geojson", text);
    return RefusalOf([&] { BuildPartition(places, PolygonOptions(path)); });
  };
  EXPECT_THAT(refusal(""), HasSubstr("a.geojson: is not JSON"));
  EXPECT_THAT(refusal("{}"), HasSubstr("a.geojson: is JSON, but no GeoJSON FeatureCollection"));
  EXPECT_THAT(refusal(Collection("")), HasSubstr("a.geojson: has no features"));
  EXPECT_THAT(refusal(Collection("3")), HasSubstr("a.geojson: feature 1 has no geometry"));
  const auto ring = [&](const char* rings) {
    return refusal(Collection(Feature("A", "W", kWestSquare) + "," + Feature("B", "E", rings)));
  };
  const std::string second = "a.geojson: feature 2 (B/E) ";
  EXPECT_THAT(ring("[[170,0],[-170,0],[-170,5],[170,5],[170,0]]"),
              HasSubstr(second + "crosses the date line between 0.000000, 170.000000 and 0.000000, -170.000000"));
  EXPECT_THAT(ring("[[0,0],[5,5],[5,0],[0,5],[0,0]]"), HasSubstr(second + "has a polygon whose border crosses itself"));
  EXPECT_THAT(ring("[[0,0],[5,95],[5,0],[0,0]]"), HasSubstr(second + "has the position [5,95]; allowed"));
  EXPECT_THAT(ring("[[0,0],[5,\"x\"],[5,0],[0,0]]"), HasSubstr(second + "has a position that is no [longitude"));
  EXPECT_THAT(ring("[[0,0],[5,0],[0,0]]"), HasSubstr(second + "has a ring of fewer than four positions"));
  EXPECT_THAT(ring(""), HasSubstr(second + "has a polygon without rings"));
  EXPECT_THAT(refusal(Collection(R"({"properties":{"COUNTRY":"A"},"geometry":{"type":"Polygon"}})")),
              HasSubstr("feature 1 has no property CITY; it has COUNTRY"));
  EXPECT_THAT(refusal(Collection(R"({"properties":{"COUNTRY":"A","CITY":1},"geometry":{"type":"Point"}})")),
              HasSubstr("feature 1 (A/1) is of type 'Point'; allowed are Polygon, MultiPolygon"));
}

TEST(BuildPartition, RefusesWhatCannotBe) {
  const auto refusal = [](const Coordinates& places, const PartitionOptions& options) {
    return RefusalOf([&] { BuildPartition(places, options); });
  };
  auto places = Towns(50);
  places.path = "x.csv";
  EXPECT_THAT(refusal(places, {.min = 100, .max = 200}),
              HasSubstr("x.csv: the 50 places make 0 cells of type s2_adaptive with these settings"));
  EXPECT_THAT(refusal(places, {.min = 100, .max = 100}), HasSubstr("cells.min 100 is not below cells.max 100"));
  EXPECT_THAT(refusal(places, {.type = "s3"}), HasSubstr("cells.type = s3: expects one of s2_adaptive"));
  EXPECT_THAT(refusal(places, {.start_level = 31}), HasSubstr("cells.start_level = 31"));
  EXPECT_THAT(refusal(places, {.type = "merged_regions", .base_level = 0, .classes = 7}),
              HasSubstr("cells.classes 7: the places lie in"));
  EXPECT_THAT(refusal(places, {.type = "semantic", .columns = {}}), HasSubstr("cells.columns is empty"));
  EXPECT_THAT(refusal(places, {.type = "semantic", .optics_xi = {0.1}}), HasSubstr("cells.optics_xi 1"));
}

}  // namespace
}  // namespace dualgeo
