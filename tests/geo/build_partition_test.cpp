#include "dualgeo/geo/build_partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "dualgeo/io/csv.h"
#include "dualgeo/util/random.h"
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

TEST(BuildPartition, RefusesWhatCannotBe) {
  const auto refusal = [](const Coordinates& places, const PartitionOptions& options) {
    return RefusalOf([&] { BuildPartition(places, options); });
  };
  auto places = Towns(50);
  places.path = "x.csv";
  EXPECT_THAT(refusal(places, {.min = 100, .max = 200}),
              HasSubstr("x.csv: its 50 places make 0 cells of type s2_adaptive with these settings"));
  EXPECT_THAT(refusal(places, {.min = 100, .max = 100}), HasSubstr("cells.min 100 is not below cells.max 100"));
  EXPECT_THAT(refusal(places, {.type = "s3"}), HasSubstr("cells.type = s3: expects one of s2_adaptive"));
  EXPECT_THAT(refusal(places, {.start_level = 31}), HasSubstr("cells.start_level = 31"));
}

}  // namespace
}  // namespace dualgeo
