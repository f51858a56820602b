#include "dualgeo/eval/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "dualgeo/eval/significance.h"
#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

TEST(Wilson, KnownIntervals) {
  // Wilson's formula, worked out in Python.
  const auto check = [](std::int64_t k, std::int64_t n, double low, double high) {
    const Interval interval = WilsonPercent(k, n);
    EXPECT_NEAR(interval.low, low, 5e-4);
    EXPECT_NEAR(interval.high, high, 5e-4);
  };
  check(5, 10, 23.6593, 76.3407);
  check(0, 10, 0, 27.7533);
  check(10, 10, 72.2467, 100);
  check(1, 29, 0.6113, 17.1755);
  EXPECT_EQ(WilsonPercent(0, 10).low, 0);
  EXPECT_EQ(WilsonPercent(10, 10).high, 100);
  EXPECT_EQ(WilsonPercent(0, 0).low, 0);
  EXPECT_EQ(WilsonPercent(0, 0).high, 100);
}

TEST(Wilson, HoldsTheShareAndNarrows) {
  for (const std::int64_t n : {1, 2, 7, 100, 2997}) {
    for (std::int64_t k = 0; k <= n; k += std::max<std::int64_t>(1, n / 13)) {
      const Interval interval = WilsonPercent(k, n);
      const double share = 100.0 * static_cast<double>(k) / static_cast<double>(n);
      EXPECT_LE(interval.low, share + 1e-9);
      EXPECT_GE(interval.high, share - 1e-9);
      const Interval more = WilsonPercent(4 * k, 4 * n);
      EXPECT_LT(more.high - more.low, interval.high - interval.low);
    }
  }
}

TEST(Scores, MedianAndGeoScore) {
  EXPECT_EQ(Median(std::vector<double>{3, 1, 2}), 2);
  EXPECT_EQ(Median(std::vector<double>{4, 1, 2, 3}), 2.5);
  EXPECT_EQ(Median(std::vector<double>{7}), 7);
  EXPECT_EQ(GeoScore(0), 5000);
  EXPECT_NEAR(GeoScore(1492.7), 5000 / std::exp(1), 1e-9);
}

TEST(Bootstrap, AgreesWithTheNormalApproximation) {
  Random random(11);
  std::vector<double> errors;
  for (int i = 0; i < 2000; ++i) errors.push_back(1000 + 100 * random.Normal());
  const BootstrapIntervals intervals = Bootstrap(errors, 0, 4000, 0);
  double mean = 0, square = 0;
  for (const double e : errors) mean += e / 2000;
  for (const double e : errors) square += (e - mean) * (e - mean) / 1999;
  const double half = 1.96 * std::sqrt(square / 2000);
  EXPECT_NEAR(intervals.mean_km->low, mean - half, 0.4);
  EXPECT_NEAR(intervals.mean_km->high, mean + half, 0.4);
  // The median of a normal sample varies sqrt(pi / 2) times as much.
  EXPECT_NEAR(intervals.median_km->high - intervals.median_km->low, 2 * half * std::sqrt(3.14159265 / 2), 3);
}

TEST(Bootstrap, UnansweredPhotosLowerTheGeoScoreAlone) {
  const std::vector<double> errors(50, 10.0);
  const BootstrapIntervals intervals = Bootstrap(errors, 50, 2000, 0);
  EXPECT_EQ(intervals.median_km->low, 10);
  EXPECT_EQ(intervals.mean_km->high, 10);
  EXPECT_LT(intervals.geoscore.low, 0.5 * GeoScore(10));
  EXPECT_GT(intervals.geoscore.high, 0.5 * GeoScore(10));
  const BootstrapIntervals none = Bootstrap({}, 5, 100, 0);
  EXPECT_EQ(none.geoscore.high, 0);
  EXPECT_FALSE(none.mean_km.has_value());
}

TEST(Bootstrap, TheSeedDecides) {
  std::vector<double> errors;
  for (int i = 0; i < 100; ++i) errors.push_back(i * i);
  EXPECT_EQ(Bootstrap(errors, 3, 200, 1).mean_km->low, Bootstrap(errors, 3, 200, 1).mean_km->low);
  EXPECT_NE(Bootstrap(errors, 3, 200, 1).mean_km->low, Bootstrap(errors, 3, 200, 2).mean_km->low);
}

TEST(Bootstrap, TenThousandRoundsOfABenchmarkTakeSeconds) {
  Random random(12);
  std::vector<double> errors;
  for (int i = 0; i < 3000; ++i) errors.push_back(random.Uniform(0, 10000));
  const auto start = std::chrono::steady_clock::now();
  Bootstrap(errors, 0, 10000, 0);
  // 0.2 s alone on a core; the bound is wide because other tests share the machine.
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 10);
}

TEST(McNemar, KnownValues) {
  // Twice the binomial tail, summed in Python's exact integers.
  EXPECT_EQ(McNemarExact(0, 0), 1);
  EXPECT_EQ(McNemarExact(7, 7), 1);
  EXPECT_NEAR(McNemarExact(0, 5), 0.0625, 1e-12);
  EXPECT_NEAR(McNemarExact(1, 9), 0.021484375, 1e-12);
  EXPECT_NEAR(McNemarExact(9, 1), 0.021484375, 1e-12);
  EXPECT_NEAR(McNemarExact(4, 5), 1, 1e-12);
  EXPECT_NEAR(McNemarExact(121, 59) / 4.434449263755176e-06, 1, 1e-9);
  EXPECT_NEAR(McNemarExact(1000, 1100) / 0.030720707864242296, 1, 1e-9);
  EXPECT_NEAR(McNemarExact(0, 900) / 2.3661043723335494e-271, 1, 1e-9);
}

}  // namespace
}  // namespace dualgeo
