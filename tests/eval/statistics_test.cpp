#include "eval/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

TEST(Wilson, KnownIntervals) {
  // SciPy 1.10.1: scipy.stats.binomtest(k, n).proportion_ci(0.95, method="wilson"), in percent.
  const auto check = [](std::int64_t k, std::int64_t n, double low, double high) {
    const Interval interval = WilsonPercent(k, n);
    EXPECT_NEAR(interval.low, low, 1e-10);
    EXPECT_NEAR(interval.high, high, 1e-10);
  };
  check(5, 10, 23.6593090512564, 76.3406909487436);
  check(0, 10, 0, 27.753279986288927);
  check(10, 10, 72.24672001371108, 100);
  check(1, 29, 0.6113214292762668, 17.175521879320282);
  check(517, 2997, 15.940062096805704, 18.644952575330862);  // DualGeo's 1 km on IM2GPS3k
  check(41, 237, 13.01577770992653, 22.626532065568927);
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

TEST(Scores, QuantilesAreNumPys) {
  // NumPy 1.24: numpy.quantile(x, q), the default method, which is R's type 7.
  const std::vector<double> x = {5, 120, 33, 800, 2, 61, 9, 410, 15, 77};
  EXPECT_NEAR(Quantile(x, 0.025), 2.675, 1e-12);
  EXPECT_NEAR(Quantile(x, 0.5), 47, 1e-12);
  EXPECT_NEAR(Quantile(x, 0.9), 449, 1e-12);
  EXPECT_NEAR(Quantile(x, 0.975), 712.25, 1e-12);
  EXPECT_EQ(Quantile(x, 0), 2);
  EXPECT_EQ(Quantile(x, 1), 800);
  EXPECT_EQ(Quantile(std::vector<double>{7}, 0.3), 7);
}

TEST(Bootstrap, AccuracyIsBinomial) {
  // A resample's share within 1 km is binomial: 500 of 2000 has the quantiles 462 and 538 (scipy.stats.binom.ppf).
  std::vector<double> errors(500, 0.5);
  errors.resize(1800, 1.0);  // at the threshold, hence not within
  const double thresholds[] = {0.1, 1, 10};
  const BootstrapIntervals intervals = Bootstrap(errors, 200, 10000, 3, thresholds);
  ASSERT_EQ(intervals.accuracy.size(), 3U);
  EXPECT_EQ(intervals.accuracy[0].high, 0);
  EXPECT_NEAR(intervals.accuracy[1].low, 23.1, 0.11);
  EXPECT_NEAR(intervals.accuracy[1].high, 26.9, 0.11);
  EXPECT_NEAR(intervals.accuracy[2].low, 88.7, 0.11);  // binom.ppf([.025, .975], 2000, .9) / 20 = 88.65, 91.3
  EXPECT_NEAR(intervals.accuracy[2].high, 91.3, 0.11);
  // Thresholds do not change what is drawn.
  EXPECT_EQ(intervals.geoscore.low, Bootstrap(errors, 200, 10000, 3).geoscore.low);
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

}  // namespace
}  // namespace dualgeo
