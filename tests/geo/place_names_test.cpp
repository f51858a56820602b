#include "geo/place_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// What stands in one file of places, read.
PlaceNames Places(const std::string& text) {
  const TemporaryFolder folder;
  WriteFileAtomically(folder / "places", text);
  return PlaceNames::Read(folder / "places");
}

TEST(PlaceNames, FindsTheNearest) {
  Random random(3);
  std::vector<NamedPlace> places;
  for (int i = 0; i < 3000; ++i) {
    places.push_back({std::to_string(i), "", "", {random.Uniform(-90, 90), random.Uniform(-180, 180)}});
  }
  places.push_back(places[7]);  // the first of equals
  const PlaceNames names(places);
  for (int i = 0; i < 500; ++i) {
    const LatLon at = i == 0   ? LatLon{0, 180}
                      : i == 1 ? LatLon{90, 0}
                      : i == 2 ? places[7].location
                               : LatLon{random.Uniform(-90, 90), random.Uniform(-180, 180)};
    std::size_t nearest = 0;
    for (std::size_t k = 1; k < places.size(); ++k) {
      if (GreatCircleKm(at, places[k].location) < GreatCircleKm(at, places[nearest].location)) nearest = k;
    }
    const auto found = names.Find(at);
    EXPECT_EQ(found.index, nearest);
    EXPECT_DOUBLE_EQ(found.km, GreatCircleKm(at, places[nearest].location));
  }
}

TEST(PlaceNames, ReadsWhatPeopleHave) {
  const NamedPlace windhoek{"Windhoek", "NA", "21", {-22.55941, 17.08323}, 268132};
  const NamedPlace quoted{"\"Old\" Town", "US", "NY", {40.7, -74.01}, 0};
  EXPECT_EQ(Places("City,Latitude,LNG,CountryCode,admin1,population\n"
                   "Windhoek,-22.55941,17.08323,NA,21,268132\n"
                   "\"\"\"Old\"\" Town\",40.7,-74.01,US,NY,\n")
                .places(),
            (std::vector{windhoek, quoted}));
  EXPECT_EQ(
      Places("3352136\tWindhoek\tWindhoek\tWDH\t-22.55941\t17.08323\tP\tPPLC\tNA\t\t21\t\t\t\t268132\t1728\t1\tAfrica/"
             "Windhoek\t2019-09-05\r\n"
             "1\t\"Old\" Town\tOld\t\t40.7\t-74.01\tP\tPPL\tUS\t\tNY\t\t\t\t0\t\t1\tAmerica/New_York\t2019-09-05\n")
          .places(),
      (std::vector{windhoek, quoted}));
  EXPECT_EQ(Places(R"({"3352136": {"geonameid": 3352136, "name": "Windhoek", "latitude": -22.55941,
                       "longitude": 17.08323, "countrycode": "NA", "population": 268132, "admin1code": "21"},
                       "1": {"name": "\"Old\" Town", "latitude": 40.7, "longitude": -74.01, "countrycode": "US",
                       "population": 0, "admin1code": "NY"}})")
                .places()
                .size(),
            2U);
  const PlaceNames bare = Places("name;lat;lon\nA;1,5;2,5\n");
  EXPECT_EQ(bare.places()[0].location, (LatLon{1.5, 2.5}));
  EXPECT_FALSE(bare.has_countries());
  EXPECT_FALSE(bare.has_regions());
}

TEST(PlaceNames, SaysWhatIsWrong) {
  const auto refusal = [](const std::string& text) { return RefusalOf([&] { Places(text); }); };
  EXPECT_THAT(refusal("town,lat,lon\nA,1,2\n"), AllOf(HasSubstr("no column name or city"), HasSubstr("town")));
  EXPECT_THAT(refusal("name,lat,lon\nA,91,2\n"), AllOf(HasSubstr(":2:"), HasSubstr("91")));
  EXPECT_THAT(refusal("name,lat,lon\n,1,2\n"), AllOf(HasSubstr(":2:"), HasSubstr("no name")));
  EXPECT_THAT(refusal("name,lat,lon\nA,north,2\n"), HasSubstr("north"));
  EXPECT_THAT(refusal("name,lat,lon\n"), HasSubstr("has no places"));
  EXPECT_THAT(refusal("{\"1\": {\"name\": \"A\"}}"), AllOf(HasSubstr("entry 1"), HasSubstr("latitude")));
  EXPECT_THAT(refusal("{\"1\": "), HasSubstr("JSON"));
  EXPECT_THAT(refusal("1\tA\tA\t\t1\t2\tP\tP\tDE\t\t1\t\t\t\t0\t\t1\tE\t2019\n2\tB\n"),
              AllOf(HasSubstr(":2:"), HasSubstr("2 columns")));
}

}  // namespace
}  // namespace dualgeo
