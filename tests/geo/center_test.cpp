#include "geo/center.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

constexpr CenterRule kAllRules[] = {CenterRule::kArithmeticMean, CenterRule::kSphericalMean, CenterRule::kMedoid,
                                    CenterRule::kGeometricMedian};
constexpr CenterRule kSphericalRules[] = {CenterRule::kSphericalMean, CenterRule::kMedoid,
                                          CenterRule::kGeometricMedian};

double SummedKm(LatLon from, const std::vector<LatLon>& places) {
  double sum = 0;
  for (const auto& place : places) sum += GreatCircleKm(from, place);
  return sum;
}

// n places within `spread` degrees or so of one random place anywhere, poles and date line included.
std::vector<LatLon> Around(Random& random, int n, double spread) {
  const UnitVector center = ToUnitVector({random.Uniform(-90, 90), random.Uniform(-180, 180)});
  std::vector<LatLon> places;
  for (int i = 0; i < n; ++i) {
    const double s = spread * kRadiansPerDegree;
    places.push_back(
        ToLatLon({center.x + s * random.Normal(), center.y + s * random.Normal(), center.z + s * random.Normal()}));
  }
  return places;
}

TEST(Center, OnePlaceIsItsOwnCenter) {
  const std::vector<LatLon> one = {{-33.85, 151.2}};
  for (const auto rule : kAllRules) EXPECT_EQ(Center(one, rule), one[0]);
}

TEST(Center, EqualPlacesHaveThatCenter) {
  const std::vector<LatLon> places(7, LatLon{64.1, -21.9});
  for (const auto rule : kAllRules) EXPECT_LT(GreatCircleKm(Center(places, rule), places[0]), 1e-6);
}

TEST(Center, NoPlacesHaveNone) {
  for (const auto rule : kAllRules) EXPECT_THROW(Center({}, rule), std::invalid_argument);
}

TEST(Center, DateLine) {
  const std::vector<LatLon> fiji = {{-17, 179}, {-17, -179}, {-17, 179.5}, {-17, -179.5}, {-17, 179.9}};
  for (const auto rule : kSphericalRules) {
    const LatLon center = Center(fiji, rule);
    EXPECT_LT(GreatCircleKm(center, {-17, 180}), 60) << ToString(center);
  }
  // The released code's rule lands on the other side of the world; that is why it is not the default.
  EXPECT_GT(GreatCircleKm(ArithmeticMean(fiji), {-17, 180}), 10000);
  EXPECT_NEAR(ArithmeticMean(std::vector<LatLon>{{0, 179}, {0, -179}}).lon, 0, 1e-12);
  EXPECT_NEAR(std::abs(SphericalMean(std::vector<LatLon>{{0, 179}, {0, -179}}).lon), 180, 1e-9);
}

TEST(Center, Poles) {
  const std::vector<LatLon> arctic = {{89, 0}, {89, 90}, {89, 180}, {89, -90}};
  EXPECT_NEAR(SphericalMean(arctic).lat, 90, 1e-6);
  EXPECT_NEAR(GeometricMedian(arctic).lat, 90, 1e-4);
  EXPECT_EQ(Medoid(arctic), arctic[0]);  // all equal: the first
  const std::vector<LatLon> antarctic = {{-89.5, 10}, {-89.5, 130}, {-89.5, -110}, {-90, 77}};
  EXPECT_NEAR(SphericalMean(antarctic).lat, -90, 1e-6);
  EXPECT_EQ(Medoid(antarctic), antarctic[3]);
  EXPECT_NEAR(GeometricMedian(antarctic).lat, -90, 1e-6);
}

TEST(Center, AntipodesGiveAPlaceThatExists) {
  const std::vector<LatLon> pair = {{10, 20}, {-10, -160}};
  EXPECT_EQ(SphericalMean(pair), pair[0]);
  EXPECT_EQ(Medoid(pair), pair[0]);
  EXPECT_TRUE(IsValid(GeometricMedian(pair)));
  const std::vector<LatLon> balanced = {{0, 0}, {0, 90}, {0, 180}, {0, -90}, {90, 0}, {-90, 0}};
  for (const auto rule : kAllRules) EXPECT_TRUE(IsValid(Center(balanced, rule)));
  EXPECT_EQ(SphericalMean(balanced), balanced[0]);
}

TEST(Center, ResultsAreValidForAnyPlaces) {
  Random random(2);
  for (int i = 0; i < 500; ++i) {
    std::vector<LatLon> places;
    const auto n = 1 + random.Below(12);
    for (std::uint64_t j = 0; j < n; ++j) places.push_back({random.Uniform(-90, 90), random.Uniform(-180, 180)});
    for (const auto rule : kAllRules) EXPECT_TRUE(IsValid(Center(places, rule)));
    EXPECT_LE(SummedKm(GeometricMedian(places), places), SummedKm(Medoid(places), places) + 1e-6);
  }
}

TEST(Center, TurnsWithTheWorld) {
  Random random(3);
  for (int i = 0; i < 300; ++i) {
    const auto places = Around(random, 9, 3);
    const double turn = random.Uniform(-180, 180);
    std::vector<LatLon> turned;
    for (const auto& place : places) turned.push_back(Normalized({place.lat, place.lon + turn}));
    for (const auto rule : kSphericalRules) {
      const LatLon before = Center(places, rule);
      EXPECT_LT(GreatCircleKm(Normalized({before.lat, before.lon + turn}), Center(turned, rule)), 0.01);
    }
  }
}

TEST(Center, SphericalMeanEqualsArithmeticMeanOfACity) {
  const std::vector<LatLon> city = {{48.85, 2.29}, {48.86, 2.34}, {48.88, 2.34}, {48.87, 2.30}};
  EXPECT_LT(GreatCircleKm(SphericalMean(city), ArithmeticMean(city)), 0.01);
}

TEST(Center, MedoidHasTheLeastSumAmongPlaces) {
  Random random(4);
  for (int i = 0; i < 200; ++i) {
    const auto places = Around(random, 15, 10);
    const double least = SummedKm(Medoid(places), places);
    for (const auto& place : places) EXPECT_LE(least, SummedKm(place, places) + 1e-6);
  }
}

TEST(Center, GeometricMedianHasTheLeastSumAround) {
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    const auto places = Around(random, static_cast<int>(3 + random.Below(12)), 8);
    const LatLon median = GeometricMedian(places);
    const double least = SummedKm(median, places);
    const UnitVector v = ToUnitVector(median);
    for (const double step : {1e-2, 1e-3, 1e-4}) {
      for (int j = 0; j < 20; ++j) {
        const LatLon near =
            ToLatLon({v.x + step * random.Normal(), v.y + step * random.Normal(), v.z + step * random.Normal()});
        EXPECT_LE(least, SummedKm(near, places) + 1e-4);
      }
    }
  }
}

TEST(Center, GeometricMedianStandsOutliers) {
  std::vector<LatLon> places(11, LatLon{35.68, 139.69});
  for (int i = 0; i < 10; ++i) places.push_back({-30.0 - i, -60.0 + i});
  EXPECT_LT(GreatCircleKm(GeometricMedian(places), places[0]), 1e-6);
  EXPECT_GT(GreatCircleKm(SphericalMean(places), places[0]), 1000);
}

TEST(Center, NamesAreChecked) {
  EXPECT_EQ(ParseCenterRule("geometric_median"), CenterRule::kGeometricMedian);
  EXPECT_THROW(ParseCenterRule("mean"), InputError);
}

}  // namespace
}  // namespace dualgeo
