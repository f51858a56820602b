#include "synthetic/world_places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "synthetic/world_climate.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const std::vector<Neighbour> kAllKinds = {Neighbour::kStreet, Neighbour::kCity, Neighbour::kRegion};

TEST(WorldPlaces, ReadsIso6709) {
  EXPECT_NEAR(ParseIso6709("+5955+01045").lat, 59 + 55 / 60.0, 1e-12);
  EXPECT_NEAR(ParseIso6709("+5955+01045").lon, 10.75, 1e-12);
  EXPECT_NEAR(ParseIso6709("-0848+01314").lat, -8.8, 1e-12);
  EXPECT_NEAR(ParseIso6709("+404251-0740023").lat, 40 + 42 / 60.0 + 51 / 3600.0, 1e-12);
  EXPECT_NEAR(ParseIso6709("+404251-0740023").lon, -(74 + 23 / 3600.0), 1e-12);
  // Less than a degree south or west keeps its sign.
  EXPECT_NEAR(ParseIso6709("-0012-00030").lat, -0.2, 1e-12);
  EXPECT_NEAR(ParseIso6709("-0012-00030").lon, -0.5, 1e-12);
}

TEST(WorldPlaces, RejectsWhatIsNotIso6709) {
  for (const char* bad : {"", "+", "+5955", "5955+01045", "+5955 01045", "+595+01045", "+5955+1045", "+9955+01045",
                          "+5955+19945", "+59x5+01045", "+5955+01045+", "+59551+010451", "++595501045"}) {
    EXPECT_THROW(ParseIso6709(bad), InputError) << bad;
  }
}

TEST(WorldPlaces, SystemTableHasThreeHundredPlaces) {
  const auto zones = ReadZoneTable();
  EXPECT_GE(zones.size(), 300U);
  std::set<std::string> names;
  for (const Zone& z : zones) {
    EXPECT_TRUE(IsValid(z.location)) << z.name;
    EXPECT_EQ(z.country.size(), 2U) << z.name;
    EXPECT_TRUE(names.insert(z.name).second) << z.name;
  }
  const auto oslo = std::find_if(zones.begin(), zones.end(), [](const Zone& z) { return z.name == "Europe/Oslo"; });
  ASSERT_NE(oslo, zones.end());
  EXPECT_LT(GreatCircleKm(oslo->location, {59.91, 10.75}), 10);
}

TEST(WorldPlaces, MissingTableNamesThePackage) {
  EXPECT_THAT([] { ReadZoneTable("/nonexistent/zone.tab"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("/nonexistent/zone.tab"), HasSubstr("tzdata"))));
}

TEST(WorldPlaces, DamagedTableNamesFileAndLine) {
  const TemporaryFolder folder;
  const auto path = folder.Write("zone.tab", "# a comment\nNO\t+5955+01045\tEurope/Oslo\nXX\tnowhere\tX/Y\n");
  EXPECT_THAT([&] { ReadZoneTable(path); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("zone.tab:3"), HasSubstr("nowhere"))));
  const auto no_tabs = folder.Write("spaces.tab", "NO +5955+01045 Europe/Oslo\n");
  EXPECT_THAT([&] { ReadZoneTable(no_tabs); }, ThrowsMessage<InputError>(HasSubstr("spaces.tab:1")));
  // A zone name becomes a folder's name: it must not lead elsewhere.
  const auto escape = folder.Write("escape.tab", "NO\t+5955+01045\t../../etc\n");
  EXPECT_THROW(ReadZoneTable(escape), InputError);
  EXPECT_THROW(ReadZoneTable(folder.Write("empty.tab", "# nothing\n")), InputError);
}

TEST(WorldPlaces, FirstCountryOfSeveral) {
  const TemporaryFolder folder;
  const auto path = folder.Write("zone1970.tab", "NO,SE\t+5955+01045\tEurope/Oslo\tcomment\r\n");
  const auto zones = ReadZoneTable(path);
  ASSERT_EQ(zones.size(), 1U);
  EXPECT_EQ(zones[0].country, "NO");
  EXPECT_EQ(zones[0].name, "Europe/Oslo");
}

TEST(WorldPlaces, SmallerSubsetsLieInLargerOnes) {
  const auto zones = ReadZoneTable();
  std::set<std::string> large, names;
  for (const Zone& z : SpreadZones(zones, 50)) large.insert(z.name);
  EXPECT_EQ(large.size(), 50U);
  const auto few = SpreadZones(zones, 20);
  double nearest = 1e9;
  for (const Zone& a : few) {
    EXPECT_EQ(large.count(a.name), 1U) << a.name;
    for (const Zone& b : few) {
      if (a.name != b.name) nearest = std::min(nearest, GreatCircleKm(a.location, b.location));
    }
  }
  EXPECT_GT(nearest, 2000);  // evenly spread
  EXPECT_EQ(SpreadZones(zones, 0).size(), zones.size());
}

TEST(WorldPlaces, MorePlacesThanThereAre) {
  const auto zones = ReadZoneTable();
  EXPECT_THAT([&] { SpreadZones(zones, zones.size() + 1); },
              ThrowsMessage<InputError>(AllOf(HasSubstr(std::to_string(zones.size() + 1)),
                                              HasSubstr("has " + std::to_string(zones.size())))));
}

TEST(WorldPlaces, NeighboursLieInTheirBands) {
  const auto zones = ReadZoneTable();
  for (const std::uint64_t seed : {0, 1, 7}) {
    const auto places = MakePlaces(zones, kAllKinds, seed);
    ASSERT_EQ(places.size(), 4 * zones.size());
    for (const WorldPlace& p : places) {
      ASSERT_TRUE(IsValid(p.location)) << p.name;
      for (const double km : {GreatCircleKm(p.location, p.base_location), GeodesicKm(p.location, p.base_location)}) {
        double low = 0, high = 0;
        if (p.kind == Neighbour::kStreet) low = 0.19, high = 0.81;
        if (p.kind == Neighbour::kCity) low = 4.9, high = 20.2;
        if (p.kind == Neighbour::kRegion) low = 49, high = 182;
        EXPECT_TRUE(km >= low && km <= high) << p.name << " " << km;
      }
    }
  }
}

TEST(WorldPlaces, AThirdOfTheNeighboursIsHeldOut) {
  const auto zones = ReadZoneTable();
  const auto places = MakePlaces(zones, kAllKinds, 0);
  std::size_t held_out = 0;
  std::set<Neighbour> kinds;
  for (const WorldPlace& p : places) {
    if (!p.held_out) continue;
    ++held_out;
    kinds.insert(p.kind);
    EXPECT_NE(p.kind, Neighbour::kBase);
  }
  EXPECT_EQ(held_out, zones.size());
  EXPECT_EQ(kinds.size(), 3U);
  EXPECT_EQ(MakePlaces(zones, {}, 0).size(), zones.size());
}

TEST(WorldClimate, LooksLikeTheEarth) {
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) {
    EXPECT_EQ(SketchClimate({23, 8}, seed).climate, Climate::kDesert) << seed;      // Sahara
    EXPECT_EQ(SketchClimate({-2, -60}, seed).climate, Climate::kTropical) << seed;  // Amazon
    EXPECT_EQ(SketchClimate({-77.8, 166}, seed).climate, Climate::kPolar) << seed;  // McMurdo
    EXPECT_GT(SketchClimate({46, 9}, seed).relief, 0.4) << seed;                    // Alps
    EXPECT_TRUE(SketchClimate({62, 100}, seed).CanSnow(Season::kWinter)) << seed;   // Siberia
    EXPECT_FALSE(SketchClimate({1, 104}, seed).CanSnow(Season::kWinter)) << seed;   // Singapore
    EXPECT_EQ(SketchClimate({1, 104}, seed).SnowCover(Season::kWinter), 0) << seed;
  }
}

TEST(WorldClimate, NearPlacesAreAlike) {
  for (double lat = -60; lat < 70; lat += 13) {
    for (double lon = -180; lon < 180; lon += 29) {
      const auto a = SketchClimate({lat, lon}, 0), b = SketchClimate({lat + 0.05, lon + 0.05}, 0);
      EXPECT_NEAR(a.annual_celsius, b.annual_celsius, 0.5);
      EXPECT_NEAR(a.wetness, b.wetness, 0.05);
      EXPECT_NEAR(a.relief, b.relief, 0.05);
    }
  }
}

}  // namespace
}  // namespace dualgeo
