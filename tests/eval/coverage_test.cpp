// Do 95 % intervals hold the truth in 95 % of cases? Simulated test sets, drawn from populations whose truth is known.
// Seeds are 0, not chosen. Of 2,000 sets, the share that is counted has a standard error of 0.49 points, so that an
// interval that is right to the last digit falls outside 94 to 96 % once in 24; the bootstrap, with eight measures side
// by side, is therefore given 3,000 sets (0.40 points) and has to be within the same bounds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "dualgeo/util/random.h"
#include "dualgeo/util/text.h"
#include "eval/significance.h"
#include "eval/statistics.h"

namespace dualgeo {
namespace {

constexpr int kWilsonSets = 2000;
// docs/evaluation.md has the figures of 8000.
const int kBootstrapSets =
    std::getenv("DUALGEO_COVERAGE_SETS") != nullptr ? std::atoi(std::getenv("DUALGEO_COVERAGE_SETS")) : 3000;
constexpr double kThresholds[] = {1, 25, 200, 750, 2500};

class Coverage {
 public:
  void Add(const Interval& interval, double truth) {
    held_ += interval.low <= truth && truth <= interval.high ? 1 : 0;
    ++sets_;
  }
  double Report(const std::string& what) const {
    const double percent = 100.0 * held_ / sets_;
    std::printf("%-60s %6.2f %% of %d sets\n", what.c_str(), percent, sets_);
    ::testing::Test::RecordProperty(what, std::to_string(percent));
    return percent;
  }

 private:
  int held_ = 0, sets_ = 0;
};

double WilsonCoverage(std::int64_t n, double p) {
  Random random(0);
  Coverage coverage;
  for (int set = 0; set < kWilsonSets; ++set) {
    std::int64_t hits = 0;
    for (std::int64_t i = 0; i < n; ++i) hits += random.Chance(p) ? 1 : 0;
    coverage.Add(WilsonPercent(hits, n), 100 * p);
  }
  return coverage.Report("Wilson, n = " + std::to_string(n) + ", p = " + FormatDouble(p));
}

TEST(WilsonCoverage, HoldsTheTruthAtTheSizesOfTheBenchmarks) {
  // DualGeo's accuracies on IM2GPS3k (2997 photos), and the middle of IM2GPS (237) and YFCC4k (4536).
  for (const double p : {0.1725, 0.4147, 0.5576, 0.7171, 0.8505}) {
    const double percent = WilsonCoverage(2997, p);
    EXPECT_GE(percent, 94);
    EXPECT_LE(percent, 96);
  }
  for (const auto& [n, p] : {std::pair{237, 0.45}, std::pair{4536, 0.4503}}) {
    const double percent = WilsonCoverage(n, p);
    EXPECT_GE(percent, 94);
    EXPECT_LE(percent, 96);
  }
}

// Counts are whole numbers, so that coverage of any interval for a small n jumps with p; near 0 and 1 it can be far
// from 95 %. Not a fault of this code: the numbers are those of docs/evaluation.md.
TEST(WilsonCoverage, IsOffForFewPhotosAndRareHits) {
  const double rare = WilsonCoverage(20, 0.01);
  EXPECT_GT(rare, 96);
  EXPECT_LT(WilsonCoverage(20, 0.0085), 94);
}

// Errors like a real method's: a tenth of the mass in each of street, city, region ..., spread evenly on a log axis.
// A finite population drawn from with replacement, so that its accuracy, median and mean are known exactly.
std::vector<double> Population(Random& random) {
  std::vector<double> errors;
  for (int i = 0; i < 20000; ++i) errors.push_back(std::exp(random.Uniform(std::log(0.05), std::log(20000))));
  return errors;
}

struct Truth {
  std::vector<double> accuracy;
  double median = 0, mean = 0, geoscore = 0;
};

Truth TruthWithErrors(const std::vector<double>& errors) {
  Truth truth;
  const auto n = static_cast<double>(errors.size());
  for (const double threshold : kThresholds) {
    truth.accuracy.push_back(
        100 * static_cast<double>(std::ranges::count_if(errors, [&](double e) { return e < threshold; })) / n);
  }
  truth.median = Median(errors);
  for (const double error : errors) {
    truth.mean += error / n;
    truth.geoscore += GeoScore(error) / n;
  }
  return truth;
}

void ExpectNominal(const Coverage& coverage, const std::string& what) {
  const double percent = coverage.Report(what);
  EXPECT_GE(percent, 94) << what;
  EXPECT_LE(percent, 96) << what;
}

constexpr int kPhotos = 1000, kRounds = 199;

TEST(BootstrapCoverageSlow, HoldsTheTruth) {
  Random random(0);
  const auto population = Population(random);
  const Truth truth = TruthWithErrors(population);
  Coverage accuracy[5], median, mean, geoscore;
  std::vector<double> errors(kPhotos);
  for (int set = 0; set < kBootstrapSets; ++set) {
    for (double& error : errors) error = population[random.Below(population.size())];
    const auto intervals = Bootstrap(errors, 0, kRounds, static_cast<std::uint64_t>(set), kThresholds);
    for (std::size_t t = 0; t < 5; ++t) accuracy[t].Add(intervals.accuracy[t], truth.accuracy[t]);
    median.Add(*intervals.median_km, truth.median);
    mean.Add(*intervals.mean_km, truth.mean);
    geoscore.Add(intervals.geoscore, truth.geoscore);
  }
  for (std::size_t t = 0; t < 5; ++t) {
    ExpectNominal(accuracy[t], "bootstrap, accuracy below " + FormatDouble(kThresholds[t]) + " km, n = 1000");
  }
  ExpectNominal(median, "bootstrap, median error, n = 1000");
  ExpectNominal(mean, "bootstrap, mean error, n = 1000");
  ExpectNominal(geoscore, "bootstrap, GeoScore, n = 1000");
}

// Percentile intervals are narrow for small sets, most of all those of means of skewed errors: the numbers of
// docs/evaluation.md.
TEST(BootstrapCoverage, IsNarrowForFewPhotos) {
  Random random(0);
  const auto population = Population(random);
  const Truth truth = TruthWithErrors(population);
  Coverage accuracy, mean, geoscore;
  std::vector<double> errors(50);
  for (int set = 0; set < 2000; ++set) {
    for (double& error : errors) error = population[random.Below(population.size())];
    const auto intervals = Bootstrap(errors, 0, kRounds, static_cast<std::uint64_t>(set), kThresholds);
    accuracy.Add(intervals.accuracy[0], truth.accuracy[0]);
    mean.Add(*intervals.mean_km, truth.mean);
    geoscore.Add(intervals.geoscore, truth.geoscore);
  }
  EXPECT_GT(accuracy.Report("bootstrap, accuracy below 1 km, n = 50"), 90);
  EXPECT_LT(mean.Report("bootstrap, mean error, n = 50"), 94);
  EXPECT_GT(geoscore.Report("bootstrap, GeoScore, n = 50"), 90);
}

TEST(BootstrapCoverageSlow, HoldsTheTrueDifference) {
  Random random(0);
  // Two methods that give the same answer to 7 photos in 10; where they differ, b is worse by a factor.
  const auto a_population = Population(random);
  auto b_population = a_population;
  for (double& error : b_population) {
    if (random.Chance(0.3)) error = std::min(20000.0, error * random.Uniform(0.2, 10));
  }
  const Truth a_truth = TruthWithErrors(a_population), b_truth = TruthWithErrors(b_population);
  Coverage accuracy[5], median, mean, geoscore;
  std::vector<double> a(kPhotos), b(kPhotos);
  for (int set = 0; set < kBootstrapSets; ++set) {
    for (std::size_t i = 0; i < kPhotos; ++i) {
      const auto photo = random.Below(a_population.size());
      a[i] = a_population[photo];
      b[i] = b_population[photo];
    }
    const auto difference = PairedBootstrap({a}, {b}, kThresholds, kRounds, static_cast<std::uint64_t>(set));
    for (std::size_t t = 0; t < 5; ++t) {
      accuracy[t].Add(difference.accuracy[t].ci95, a_truth.accuracy[t] - b_truth.accuracy[t]);
    }
    median.Add(difference.median_km.ci95, a_truth.median - b_truth.median);
    mean.Add(difference.mean_km.ci95, a_truth.mean - b_truth.mean);
    geoscore.Add(difference.geoscore.ci95, a_truth.geoscore - b_truth.geoscore);
  }
  for (std::size_t t = 0; t < 5; ++t) {
    ExpectNominal(accuracy[t], "paired bootstrap, accuracy below " + FormatDouble(kThresholds[t]) + " km, n = 1000");
  }
  // Medians of methods that mostly agree rest on the same few photos: their difference is often exactly 0, and its
  // interval too wide rather than too narrow.
  const double percent = median.Report("paired bootstrap, median error, n = 1000");
  EXPECT_GE(percent, 94);
  EXPECT_LE(percent, 99);
  ExpectNominal(mean, "paired bootstrap, mean error, n = 1000");
  ExpectNominal(geoscore, "paired bootstrap, GeoScore, n = 1000");
}

}  // namespace
}  // namespace dualgeo
