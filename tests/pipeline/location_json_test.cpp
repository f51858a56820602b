#include "pipeline/location_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace dualgeo {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

PlaceEstimate Within(std::array<double, 5> within) { return {{1, 2}, 3, within}; }

// A photo with poor evidence must not read as sure, however near its candidates are to each other.
TEST(SureWords, SayHowSure) {
  EXPECT_EQ(SureWords(Within({0.9, 0.95, 0.96, 0.97, 0.98})), "likely within 1 km (90 %)");
  EXPECT_EQ(SureWords(Within({0.3, 0.82, 0.9, 0.95, 0.97})), "likely within 25 km (82 %)");
  EXPECT_EQ(SureWords(Within({0.6133, 0.6133, 0.6133, 0.6133, 0.6133})),
            "perhaps within 1 km (61 %), and 39 % that it is farther than 2500 km off");
  EXPECT_EQ(SureWords(Within({0.01, 0.02, 0.05, 0.1, 0.31})), "a guess: 31 % within 2500 km");
}

TEST(SureWords, NothingIsCertain) {
  EXPECT_EQ(PercentWords(0.999), "> 99 %");
  EXPECT_EQ(PercentWords(0.001), "< 1 %");
  EXPECT_EQ(PercentWords(0.5), "50 %");
}

TEST(PlaceWords, NameTownAndCountry) {
  Location location;
  EXPECT_EQ(PlaceWords(location), "at sea");
  location.country = "Iceland";
  EXPECT_EQ(PlaceWords(location), "Iceland");
  location.town = TownNear{"Reykjavik", "", "IS", 3.14};
  EXPECT_EQ(PlaceWords(location), "near Reykjavik, Iceland (3.1 km)");
}

TEST(LocationsGeoJson, HoldsAreasCandidatesAndAnswersOfReadablePhotos) {
  Location good;
  good.photo = "a.jpg";
  good.estimate = Within({0.1, 0.2, 0.3, 0.4, 0.5});
  good.candidates.push_back({1, "g", {10, 20}, 0.5, "", true, {}, {}, {}});
  good.areas.push_back({0.9, 0.91, 5, 40, {S2Cell::Leaf({0, 180}).Parent(3)}});
  Location bad;
  bad.photo = "b.jpg";
  bad.error = "b.jpg: not a photo";
  const auto json = LocationsGeoJson({good, bad});
  ASSERT_EQ(json["features"].size(), 3u);
  EXPECT_EQ(json["features"][0]["geometry"]["type"], "MultiPolygon");
  for (const auto& polygon : json["features"][0]["geometry"]["coordinates"]) {
    EXPECT_EQ(polygon[0].front(), polygon[0].back());
    for (const auto& point : polygon[0]) EXPECT_LE(std::abs(point[0].get<double>()), 180);
  }
  EXPECT_EQ(json["features"][2]["geometry"]["coordinates"], (nlohmann::ordered_json{2.0, 1.0}));
  EXPECT_THAT(json.dump(), Not(HasSubstr("b.jpg")));
  EXPECT_EQ(LocationJson(bad)["error"], "b.jpg: not a photo");
}

}  // namespace
}  // namespace dualgeo
