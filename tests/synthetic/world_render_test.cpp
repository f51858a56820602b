#include "synthetic/world_render.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>
#include <set>

namespace dualgeo {
namespace {

const std::vector<Neighbour> kEveryKind = {Neighbour::kStreet, Neighbour::kCity, Neighbour::kRegion};

bool Same(const cv::Mat& a, const cv::Mat& b) {
  return a.size() == b.size() && a.type() == b.type() && cv::norm(a, b, cv::NORM_INF) == 0;
}

// Base, street, city, region of a zone.
std::vector<Scene> ScenesOf(const char* zone, std::uint64_t seed = 0) {
  std::vector<Scene> scenes;
  for (const WorldPlace& p : MakePlaces(ReadZoneTable(), kEveryKind, seed)) {
    if (p.base == zone) scenes.push_back(MakeScene(p, seed));
  }
  return scenes;
}

TEST(WorldRender, ClassesAreSortedAndDistinct) {
  int before = -1;
  for (const AdeClassInfo& c : WorldClasses()) {
    EXPECT_GT(static_cast<int>(c.id), before) << c.name;
    EXPECT_LT(static_cast<int>(c.id), 150) << c.name;
    before = static_cast<int>(c.id);
  }
}

TEST(WorldRender, PhotoAndMaskHaveTheirTypesAndOnlyKnownClasses) {
  std::set<int> known, seen;
  for (const AdeClassInfo& c : WorldClasses()) known.insert(static_cast<int>(c.id));
  const auto places = MakePlaces(ReadZoneTable(), kEveryKind, 0);
  for (std::size_t i = 0; i < places.size(); i += 23) {
    const auto view = RenderView(MakeScene(places[i], 0), {}, i, 96);
    ASSERT_EQ(view.photo.type(), CV_8UC3);
    ASSERT_EQ(view.mask.type(), CV_8UC1);
    ASSERT_EQ(view.photo.size(), cv::Size(96, 96));
    ASSERT_EQ(view.mask.size(), cv::Size(96, 96));
    EXPECT_GE(view.heading, 0);
    EXPECT_LT(view.heading, 360);
    for (int y = 0; y < 96; ++y) {
      for (int x = 0; x < 96; ++x) seen.insert(view.mask.at<uchar>(y, x));
    }
  }
  for (const int id : seen) EXPECT_EQ(known.count(id), 1U) << id;
  EXPECT_GE(seen.size(), 25U);  // the world is varied
}

TEST(WorldRender, SameSeedSamePixels) {
  const auto scene = ScenesOf("Europe/Oslo").at(0);
  const Conditions night{TimeOfDay::kNight, Season::kWinter, Weather::kSnow, 0.5};
  const auto a = RenderView(scene, night, 5, 128), b = RenderView(scene, night, 5, 128),
             c = RenderView(scene, night, 6, 128);
  EXPECT_TRUE(Same(a.photo, b.photo));
  EXPECT_TRUE(Same(a.mask, b.mask));
  EXPECT_FALSE(Same(a.mask, c.mask));
}

// Light and weather reach the photo only.
TEST(WorldRender, MaskDoesNotDependOnConditions) {
  for (const char* zone : {"Europe/Oslo", "Africa/Cairo", "Asia/Singapore", "America/Anchorage", "Pacific/Auckland"}) {
    for (const Scene& scene : ScenesOf(zone)) {
      const auto day = RenderView(scene, {}, 3, 128);
      for (const TimeOfDay time : {TimeOfDay::kDay, TimeOfDay::kDusk, TimeOfDay::kNight}) {
        for (const Season season : {Season::kSummer, Season::kWinter}) {
          for (const Weather weather : {Weather::kClear, Weather::kFog, Weather::kRain, Weather::kSnow}) {
            const auto other = RenderView(scene, {time, season, weather, -0.5}, 3, 128);
            EXPECT_TRUE(Same(day.mask, other.mask))
                << zone << " " << Name(time) << " " << Name(season) << " " << Name(weather);
            EXPECT_FALSE(Same(day.photo, other.photo));
          }
        }
      }
    }
  }
}

TEST(WorldRender, ConditionsShow) {
  const auto scene = ScenesOf("Europe/Oslo").at(0);
  const auto brightness = [&](const Conditions& c) { return cv::mean(RenderView(scene, c, 1, 96).photo)[1]; };
  const double day = brightness({});
  EXPECT_LT(brightness({TimeOfDay::kNight, Season::kSummer, Weather::kClear, 0}), 0.5 * day);
  EXPECT_GT(brightness({TimeOfDay::kDay, Season::kSummer, Weather::kClear, 1}), 1.2 * day);
  EXPECT_LT(brightness({TimeOfDay::kDay, Season::kSummer, Weather::kClear, -1}), 0.7 * day);
  // Snow lies: the ground is brighter.
  const auto winter = RenderView(scene, {TimeOfDay::kDay, Season::kWinter, Weather::kSnow, 0}, 1, 96);
  const auto summer = RenderView(scene, {TimeOfDay::kDay, Season::kSummer, Weather::kOvercast, 0}, 1, 96);
  const cv::Mat sky = winter.mask == static_cast<int>(AdeClass::kSky);
  const cv::Mat land = ~sky;
  EXPECT_GT(cv::mean(winter.photo, land)[1], cv::mean(summer.photo, land)[1] + 15);
}

TEST(WorldScene, NeighboursShareByDegrees) {
  for (const char* zone : {"Europe/Oslo", "Africa/Cairo", "America/Lima", "Asia/Tokyo"}) {
    const auto s = ScenesOf(zone);
    ASSERT_EQ(s.size(), 4U);
    const Scene &base = s[0], &street = s[1], &city = s[2], &region = s[3];
    // All of them: climate, style, character of the ridge.
    for (const Scene& other : s) {
      EXPECT_EQ(other.climate.climate, base.climate.climate);
      EXPECT_EQ(other.ridge_kind, base.ridge_kind);
      EXPECT_EQ(other.style.walls, base.style.walls);
      EXPECT_EQ(other.style.drives_left, base.style.drives_left);
    }
    // Street: everything but the spot.
    EXPECT_EQ(street.landmark.kind, base.landmark.kind);
    EXPECT_EQ(street.landmark.main, base.landmark.main);
    EXPECT_EQ(street.buildings.size(), base.buildings.size());
    EXPECT_NE(street.step, base.step);
    // City: the ridge's profile and some of the buildings, but not the landmark.
    EXPECT_EQ(street.far_ridge.heights, base.far_ridge.heights);
    EXPECT_EQ(city.far_ridge.heights, base.far_ridge.heights);
    EXPECT_NE(region.far_ridge.heights, base.far_ridge.heights);
    EXPECT_FALSE(city.landmark.x == base.landmark.x);
    EXPECT_FALSE(region.landmark.x == base.landmark.x);
    const auto shared = [&](const Scene& other) {
      int n = 0;
      for (const Building& a : base.buildings) {
        for (const Building& b : other.buildings) n += a.x == b.x && a.height == b.height && a.wall == b.wall ? 1 : 0;
      }
      return n;
    };
    EXPECT_GT(shared(city), 0) << zone;
    EXPECT_LT(shared(city), static_cast<int>(base.buildings.size())) << zone;
    EXPECT_EQ(shared(region), 0) << zone;
  }
}

TEST(WorldScene, AnotherSeedIsAnotherWorld) {
  const auto a = ScenesOf("Europe/Oslo", 0).at(0), b = ScenesOf("Europe/Oslo", 1).at(0);
  EXPECT_NE(a.landmark.height, b.landmark.height);
}

TEST(WorldStyle, DrivingSideIsTheCountrys) {
  for (const char* left : {"GB", "JP", "AU", "IN", "ZA", "TH", "NZ"})
    EXPECT_TRUE(MakeCountryStyle(left, 0).drives_left) << left;
  for (const char* right : {"US", "DE", "CN", "BR", "FR", "RU", "EG"})
    EXPECT_FALSE(MakeCountryStyle(right, 0).drives_left) << right;
  EXPECT_TRUE(MakeCountryStyle("US", 0).yellow_markings);
  EXPECT_FALSE(MakeCountryStyle("DE", 0).yellow_markings);
}

}  // namespace
}  // namespace dualgeo
