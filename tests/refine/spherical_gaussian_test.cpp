#include "refine/spherical_gaussian.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/refine/distance_table.h"
#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

constexpr double kHalfway = std::numbers::pi * kEarthRadiusKm;

TEST(SphericalGaussian, DensityIntegratesToOne) {
  for (const double width : {0.7, 25.0, 1000.0, 9000.0}) {
    const SphericalGaussian gaussian(width);
    double sum = 0;
    const double reach = std::min(kHalfway, 12 * width);
    constexpr int kSteps = 20000;
    for (int i = 0; i < kSteps; ++i) {
      const double r = reach * (i + 0.5) / kSteps;
      sum += std::exp(gaussian.LogDensity(r)) * 2 * std::numbers::pi * kEarthRadiusKm * std::sin(r / kEarthRadiusKm) *
             reach / kSteps;
    }
    EXPECT_NEAR(sum, 1, 1e-4) << width;
  }
}

TEST(SphericalGaussian, ProbabilityIsRayleighAtTheCentre) {
  const SphericalGaussian gaussian(10);
  for (const double radius : {2.0, 10.0, 25.0}) {
    EXPECT_NEAR(gaussian.ProbabilityWithin(0, radius), 1 - std::exp(-radius * radius / 200), 0.004) << radius;
  }
}

TEST(SphericalGaussian, ProbabilityIsThatOfDraws) {
  // Flat earth will do at 50 km: draw the truth round the origin and count.
  constexpr double kWidth = 50;
  const SphericalGaussian gaussian(kWidth);
  Random random(1);
  for (const double km : {20.0, 60.0, 150.0}) {
    int within = 0;
    constexpr int kDraws = 100000;
    double score = 0;
    for (int i = 0; i < kDraws; ++i) {
      const double d = std::hypot(kWidth * random.Normal() - km, kWidth * random.Normal());
      within += d < 70 ? 1 : 0;
      score += std::exp(-d / 1492.7);
    }
    EXPECT_NEAR(gaussian.ProbabilityWithin(km, 70), static_cast<double>(within) / kDraws, 0.008) << km;
    EXPECT_NEAR(gaussian.MeanGeoScore(km), score / kDraws, 0.002) << km;
  }
}

TEST(SphericalGaussian, WholeGlobeIsCertain) {
  for (const double width : {0.7, 1000.0, 9000.0}) {
    const SphericalGaussian gaussian(width);
    for (const double km : {0.0, 5000.0, kHalfway}) {
      EXPECT_NEAR(gaussian.ProbabilityWithin(km, 20100), 1, 1e-12);
      double before = 0;
      for (double radius = 0.1; radius < 20000; radius *= 1.7) {
        const double p = gaussian.ProbabilityWithin(km, radius);
        EXPECT_GE(p, before - 1e-9);  // a wider circle holds no less
        before = p;
      }
    }
  }
}

TEST(DistanceTable, InterpolatesBetweenNodes) {
  const DistanceTable table(2, [](double km, int column) { return column == 0 ? std::exp(-km / 300) : km; });
  Random random(2);
  for (int i = 0; i < 2000; ++i) {
    const LatLon a{random.Uniform(-90, 90), random.Uniform(-180, 180)};
    const double step = std::exp(random.Uniform(std::log(1e-4), std::log(90)));
    const LatLon b{std::clamp(a.lat + step, -90.0, 90.0), a.lon};
    const double km = GreatCircleKm(a, b);
    const DistanceBin bin = BinOf(ToUnitVector(a), ToUnitVector(b));
    EXPECT_NEAR(table.At(bin, 0), std::exp(-km / 300), 2e-3);
    EXPECT_NEAR(table.At(bin, 1), km, 0.01 + 0.005 * km);
  }
  EXPECT_EQ(table.At(BinOf(ToUnitVector({12, 34}), ToUnitVector({12, 34})), 0), 1);
  EXPECT_NEAR(table.At(BinOf(ToUnitVector({90, 0}), ToUnitVector({-90, 0})), 1), kHalfway, 1);
}

}  // namespace
}  // namespace dualgeo
