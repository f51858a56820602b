// Do intervals over photographers hold the truth in 95 % of cases, and do tests over them reject at 5 % what is true?
// Simulated sets with the real numbers of photos of IM2GPS3k's photographers. The tables of docs/evaluation.md are what
// these tests print; scripts/bench/cluster_intervals.py has the methods that were not taken. Seeds are 0, not chosen;
// of 4,000 sets a share of 95 % has a standard error of 0.34 points.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <numeric>

#include "dualgeo/util/random.h"
#include "eval/cluster_statistics.h"
#include "eval/statistics.h"
#include "io/csv.h"

namespace dualgeo {
namespace {

// 2,000 of 500 photographers, which take as long as 4,000 of fewer.
int ClusterSets(std::size_t photographers) {
  const char* sets = std::getenv("DUALGEO_CLUSTER_SETS");
  return sets != nullptr ? std::atoi(sets) : photographers < 500 ? 4000 : 2000;
}

// Photos of each photographer: all of IM2GPS3k (198), its 1450 development photos (101), evenly drawn from all (20,
// 50), or all twice and 104 evenly drawn (500).
std::vector<std::uint32_t> PhotographerSizes(std::size_t photographers) {
  const CsvTable csv =
      CsvTable::Read(std::filesystem::path(DUALGEO_SOURCE_DIR) / "tests/data/im2gps3k_photographers.csv");
  std::vector<std::uint32_t> all, dev;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    all.push_back(static_cast<std::uint32_t>(csv.Number(row, csv.Require("photos"))));
    if (!csv.Cell(row, csv.Require("dev")).empty()) {
      dev.push_back(static_cast<std::uint32_t>(csv.Number(row, csv.Require("dev"))));
    }
  }
  if (photographers == dev.size()) return dev;
  std::vector<std::uint32_t> sizes;
  while (photographers - sizes.size() >= all.size()) sizes.insert(sizes.end(), all.begin(), all.end());
  const std::size_t rest = photographers - sizes.size();
  for (std::size_t i = 0; i < rest; ++i) sizes.push_back(all[(2 * i + 1) * all.size() / (2 * rest)]);
  return sizes;
}

std::vector<std::uint32_t> OfPhotos(const std::vector<std::uint32_t>& sizes) {
  std::vector<std::uint32_t> of;
  for (std::uint32_t g = 0; g < sizes.size(); ++g) of.insert(of.end(), sizes[g], g);
  return of;
}

// Beta-binomial hits by Polya's urn: `share` right on average, the photos of one photographer correlated.
void DrawHits(const std::vector<std::uint32_t>& sizes, double share, double correlation, Random& random,
              std::vector<double>& hits) {
  hits.clear();
  const double prior = correlation == 0 ? 0 : 1 / correlation - 1;
  for (const std::uint32_t size : sizes) {
    double right = 0;
    for (std::uint32_t i = 0; i < size; ++i) {
      const double p = correlation == 0 ? share : (share * prior + right) / (prior + i);
      hits.push_back(random.Chance(p) ? 1 : 0);
      right += hits.back();
    }
  }
}

constexpr double kShares[] = {0.03, 0.1, 0.17, 0.34, 0.5, 0.75, 0.9};
constexpr double kCorrelations[] = {0, 0.05, 0.1, 0.2, 0.3};

class ClusterCoverageSlow : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ClusterCoverageSlow, AccuraciesHoldTheTruth) {
  const auto sizes = PhotographerSizes(GetParam());
  const auto of = OfPhotos(sizes);
  const int sets = ClusterSets(GetParam());
  std::vector<double> hits;
  for (const double correlation : kCorrelations) {
    std::printf("G %zu, correlation %.2f:", GetParam(), correlation);
    for (const double share : kShares) {
      Random random(0);
      int held = 0;
      for (int set = 0; set < sets; ++set) {
        DrawHits(sizes, share, correlation, random, hits);
        const Interval interval = SharePercentInterval(MeanOverClusters(hits, of));
        held += interval.low <= 100 * share && 100 * share <= interval.high ? 1 : 0;
      }
      const double percent = 100.0 * held / sets;
      std::printf(" %5.1f", percent);
      // Few hits of few photographers that go together: no method that was tried holds.
      const bool rare = share < 0.1 && correlation > 0.1;
      const bool few = GetParam() < 50;
      EXPECT_GE(percent, rare                 ? 89
                         : few || share < 0.1 ? 93
                                              : 93.5)
          << "share " << share << ", correlation " << correlation;
      EXPECT_LE(percent, few ? 97.5 : 96.5) << "share " << share << ", correlation " << correlation;
    }
    std::printf("\n");
  }
}

// Errors between 0.05 and 20000 km, even on a logarithmic axis, whose normal scores are correlated.
class ErrorSets {
 public:
  ErrorSets(std::size_t photographers, double correlation)
      : sizes_(PhotographerSizes(photographers)), correlation_(correlation) {}

  std::vector<std::uint32_t> clusters() const { return OfPhotos(sizes_); }

  void Draw(Random& random, std::vector<double>& errors) const {
    errors.clear();
    const double common = std::sqrt(correlation_), own = std::sqrt(1 - correlation_);
    for (const std::uint32_t size : sizes_) {
      const double photographer = common * random.Normal();
      for (std::uint32_t i = 0; i < size; ++i) {
        const double score = photographer + own * random.Normal();
        errors.push_back(kNearest * std::exp(0.5 * std::erfc(-score / std::sqrt(2.0)) * kRange));
      }
    }
  }
  static double Median() { return kNearest * std::exp(kRange / 2); }
  static double Mean() { return kNearest * (std::exp(kRange) - 1) / kRange; }
  static double MeanGeoScore() {
    constexpr int kSteps = 100000;
    double sum = 0;
    for (int i = 0; i < kSteps; ++i) sum += GeoScore(kNearest * std::exp((i + 0.5) / kSteps * kRange));
    return sum / kSteps;
  }

 private:
  static constexpr double kNearest = 0.05;
  static inline const double kRange = std::log(20000 / kNearest);
  std::vector<std::uint32_t> sizes_;
  double correlation_;
};

struct HeldCount {
  int held = 0;
  void Add(const Interval& interval, double truth) { held += interval.low <= truth && truth <= interval.high ? 1 : 0; }
};

TEST_P(ClusterCoverageSlow, MediansMeansAndDifferencesHoldTheTruth) {
  const int sets = std::max(1, ClusterSets(GetParam()) / (GetParam() > 200 ? 8 : 4));
  const double geoscore = ErrorSets::MeanGeoScore();
  for (const double correlation : {0.0, 0.1, 0.3}) {
    const ErrorSets population(GetParam(), correlation);
    PhotoClusters clusters{"AUTHOR", population.clusters(), static_cast<std::uint32_t>(GetParam())};
    HeldCount median, mean, score, d_accuracy, d_mean, d_score, d_median;
    std::vector<double> a, b, scores;
    Random random(0);
    for (int set = 0; set < sets; ++set) {
      population.Draw(random, a);
      population.Draw(random, b);
      for (std::size_t i = 0; i < a.size(); ++i) b[i] = random.Chance(0.5) ? a[i] : b[i];
      scores.resize(a.size());
      std::ranges::transform(a, scores.begin(), GeoScore);
      median.Add(*MedianInterval(a, clusters.of_photo), ErrorSets::Median());
      mean.Add(*MeanInterval(MeanOverClusters(a, clusters.of_photo)), ErrorSets::Mean());
      score.Add(*MeanInterval(MeanOverClusters(scores, clusters.of_photo)), geoscore);
      const int rounds = GetParam() > 100 ? 1 : 199;  // which only the median needs
      const auto difference =
          PairedBootstrap({a}, {b}, std::vector<double>{25}, rounds, static_cast<std::uint64_t>(set), &clusters);
      d_accuracy.Add(difference.accuracy[0].ci95, 0);
      d_mean.Add(difference.mean_km.ci95, 0);
      d_score.Add(difference.geoscore.ci95, 0);
      if (rounds > 1) d_median.Add(difference.median_km.ci95, 0);
    }
    const auto percent = [&](const HeldCount& count) { return 100.0 * count.held / sets; };
    std::printf(
        "G %3zu, correlation %.1f: median %.1f, mean %.1f, GeoScore %.1f; difference of accuracy %.1f, mean %.1f, "
        "GeoScore %.1f, median (bootstrap) %.1f, of %d sets\n",
        GetParam(), correlation, percent(median), percent(mean), percent(score), percent(d_accuracy), percent(d_mean),
        percent(d_score), percent(d_median), sets);
    for (const HeldCount& count : {median, mean, score, d_accuracy, d_mean, d_score}) {
      EXPECT_GE(percent(count), 91.5);
      EXPECT_LE(percent(count), 98.5);
    }
  }
}

// Two methods that are equally good: which of them gets a photographer's photos is even, and 6 photos in 10 get the
// same answer of both where their shares agree.
TEST_P(ClusterCoverageSlow, TestsKeepTheirLevel) {
  const auto sizes = PhotographerSizes(GetParam());
  PhotoClusters clusters{"AUTHOR", OfPhotos(sizes), static_cast<std::uint32_t>(GetParam())};
  const int sets = std::max(1, ClusterSets(GetParam()) / 2);
  constexpr int kRounds = 199;
  for (const double correlation : {0.0, 0.1, 0.3}) {
    std::printf("G %3zu, correlation %.1f:", GetParam(), correlation);
    for (const double share : {0.03, 0.1, 0.34, 0.5, 0.9}) {
      Random random(0);
      std::vector<double> a, b;
      int half = 0, whole = 0, photos = 0;
      for (int set = 0; set < sets; ++set) {
        DrawHits(sizes, share, correlation, random, a);
        DrawHits(sizes, share, correlation, random, b);
        std::int64_t only_a = 0, only_b = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
          a[i] = random.Chance(0.6) ? 0 : a[i] - b[i];
          only_a += a[i] > 0 ? 1 : 0;
          only_b += a[i] < 0 ? 1 : 0;
        }
        const auto seed = static_cast<std::uint64_t>(set);
        half += ClusterHitTest(a, clusters, kRounds, seed) <= 0.05 ? 1 : 0;
        whole += PermutationTest(ClusterSums(a, clusters), kRounds, seed).p_value <= 0.05 ? 1 : 0;
        photos += McNemarExact(only_a, only_b) <= 0.05 ? 1 : 0;
      }
      const auto percent = [&](int count) { return 100.0 * count / sets; };
      std::printf(" %.1f (%.1f, McNemar %.1f)", percent(half), percent(whole), percent(photos));
      EXPECT_LE(percent(half), 7);
      if (share < 0.1 || GetParam() < 50) continue;
      EXPECT_GE(percent(half), 3);
      if (correlation == 0.3) {
        EXPECT_GT(percent(photos), 8);
      }
    }
    std::printf(" %% of %d sets\n", sets);
  }
}

INSTANTIATE_TEST_SUITE_P(Photographers, ClusterCoverageSlow, ::testing::Values(20, 50, 101, 198, 500));

// Of sets this small only gross errors show.
TEST(ClusterCoverage, IsNominalForADevelopmentSet) {
  const auto sizes = PhotographerSizes(101);
  const auto of = OfPhotos(sizes);
  EXPECT_EQ(of.size(), 1450U);
  Random random(0);
  std::vector<double> hits;
  int held = 0, photos = 0;
  for (int set = 0; set < 1000; ++set) {
    DrawHits(sizes, 0.34, 0.1, random, hits);
    const ClusterMean share = MeanOverClusters(hits, of);
    const Interval over = SharePercentInterval(share);
    const Interval wilson = WilsonPercent(std::llround(share.mean * 1450), 1450);
    held += over.low <= 34 && 34 <= over.high ? 1 : 0;
    photos += wilson.low <= 34 && 34 <= wilson.high ? 1 : 0;
  }
  EXPECT_NEAR(held, 950, 20);
  EXPECT_LT(photos, 700);  // what intervals over photos hold
}

}  // namespace
}  // namespace dualgeo
