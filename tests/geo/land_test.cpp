#include "geo/land.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

namespace dualgeo {
namespace {

std::string CodeAt(LatLon place, double near_km = 0) {
  const CountryShape* country = CountryAt(place, near_km);
  return country == nullptr ? "none" : country->code;
}

TEST(LandTest, TheProgramHoldsTheFiles) {
  for (const auto& [detail, name] : {std::pair(LandDetail::kSmall, "110m"), std::pair(LandDetail::kFine, "50m")}) {
    std::ifstream file(std::string(DUALGEO_SOURCE_DIR "/configs/land/countries-") + name + ".json");
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_EQ(LandTopoJson(detail), text.str());
  }
}

TEST(LandTest, PlacesLieInTheirCountries) {
  const std::vector<std::pair<LatLon, std::string>> places = {
      {{48.8584, 2.2945}, "FR"}, {{40.4319, 116.5704}, "CN"}, {{-33.9, 18.5}, "ZA"},  {{-29.5, 28.2}, "LS"},
      {{43.94, 12.46}, "SM"},    {{42.6, 21.0}, "XK"},        {{64.15, -21.9}, "IS"}, {{-17.8, 178.0}, "FJ"},
      {{66.0, -171.0}, "RU"},    {{66.0, 179.0}, "RU"},       {{-89.9, 45.0}, "AQ"},  {{-86.0, -179.9}, "AQ"},
      {{25.08, 55.2}, "AE"},     {{1.35, 103.82}, "SG"},      {{35.3, 33.4}, ""},     {{9.0, 46.0}, ""},
      {{36.5, -115.0}, "US"},    {{4.9, -52.3}, "FR"},        {{32.3, -64.8}, "none"}};
  for (const auto& [place, code] : places) {
    EXPECT_EQ(CodeAt(place), code) << ToString(place);
  }
  EXPECT_EQ(CodeAt({32.3, -64.78}, 5), "BM");  // Bermuda: a ring of a few points
  EXPECT_EQ(CodeAt({0, -30}), "none");         // the Atlantic
  EXPECT_EQ(CodeAt({0, -30}, 50), "none");
  EXPECT_EQ(CodeAt({42.0, 51.0}), "none");  // the Caspian Sea
  EXPECT_EQ(CodeAt({NAN, 0}, 50), "none");
}

TEST(LandTest, ThoseAtSeaBelongToTheNearestCoastWithinTheDistance) {
  const LatLon off_brest{48.3, -5.3};  // about 38 km west of the Pointe Saint-Mathieu, 20 km of Ushant
  EXPECT_EQ(CodeAt(off_brest), "none");
  EXPECT_EQ(CodeAt(off_brest, 1), "none");
  EXPECT_EQ(CodeAt(off_brest, 60), "FR");
  EXPECT_EQ(CodeAt({21.3, -157.87}, 5), "US");  // the harbour of Honolulu
  // Wrangel Island lies on the date line: on it, and 40 km north of it.
  for (const double lon : {-180.0, -179.999, 179.999, 180.0}) {
    EXPECT_EQ(CodeAt({71.2, lon}, 5), "RU") << lon;
    EXPECT_EQ(CodeAt({71.95, lon}), "none") << lon;
    EXPECT_EQ(CodeAt({71.95, lon}, 60), "RU") << lon;
  }
}

TEST(LandTest, OutlinesAreClosedAndCutsAreNoCoasts) {
  for (const auto detail : {LandDetail::kSmall, LandDetail::kFine}) {
    const Land& land = LandOf(detail);
    std::size_t rings = 0;
    for (const auto& country : land.countries) {
      EXPECT_FALSE(country.rings.empty()) << country.name;
      EXPECT_FALSE(country.name.empty());
      for (const auto& ring : country.rings) {
        ASSERT_GE(ring.size(), 4u) << country.name;
        EXPECT_EQ(ring.front(), ring.back()) << country.name;
        ++rings;
      }
    }
    EXPECT_GT(rings, land.countries.size());
    for (const auto& ring : land.rings) EXPECT_EQ(ring.front(), ring.back());
    for (const auto& coast : land.coasts) {
      for (std::size_t i = 1; i < coast.size(); ++i) {
        EXPECT_FALSE(coast[i - 1].lat < -89.9 && coast[i].lat < -89.9);
        EXPECT_LT(std::abs(coast[i].lon - coast[i - 1].lon), 20);
      }
    }
    EXPECT_GT(land.borders.size(), 100u);
  }
  std::set<std::string> codes;
  for (const auto& country : LandOf(LandDetail::kFine).countries) codes.insert(country.code);
  EXPECT_GT(codes.size(), 220u);
}

}  // namespace
}  // namespace dualgeo
