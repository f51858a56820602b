#include "eval/cluster_statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "eval/statistics.h"
#include "tests/support/shared_data.h"

namespace dualgeo {
namespace {

// Sizes 3, 1, 2, 4, 2; numbers that are not used are passed over.
const std::vector<std::uint32_t> kClusters = {0, 0, 0, 9, 2, 2, 7, 7, 7, 7, 5, 5};

// NumPy 2.4 and SciPy 1.17, by the formulas of scripts/bench/cluster_intervals.py.
TEST(ClusterStatistics, AreThoseOfNumPy) {
  const std::vector<double> values = {1, 2, 4, 7, 3, 3, 0, 1, 2, 9, 5, 6};
  const ClusterMean mean = MeanOverClusters(values, kClusters);
  EXPECT_EQ(mean.count, 12U);
  EXPECT_NEAR(mean.mean, 43.0 / 12, 1e-12);
  EXPECT_NEAR(mean.correlation, -0.138243342470365, 1e-12);
  EXPECT_NEAR(mean.design_effect, 0.7465538721376641, 1e-12);
  EXPECT_NEAR(mean.standard_error, 0.6476916855932424, 1e-12);
  EXPECT_NEAR(mean.degrees, 144.0 / 34 - 1, 1e-12);
  EXPECT_NEAR(MeanInterval(mean)->low, 1.6043545297548816, 1e-9);
  EXPECT_NEAR(MeanInterval(mean)->high, 5.562312136911785, 1e-9);

  const std::vector<double> hits = {1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 1, 1};
  const ClusterMean share = MeanOverClusters(hits, kClusters);
  EXPECT_NEAR(share.correlation, 0.8620711056021385, 1e-12);
  EXPECT_NEAR(share.design_effect, 2.580463693603921, 1e-12);
  EXPECT_NEAR(share.standard_error, 0.23186129535438857, 1e-12);
  EXPECT_NEAR(SharePercentInterval(share).low, 9.149623877094254, 1e-7);
  EXPECT_NEAR(SharePercentInterval(share).high, 90.85037612290574, 1e-7);
}

TEST(ClusterStatistics, PhotosOfTheirOwnAreIndependent) {
  std::vector<double> hits(2000, 0.0);
  std::vector<std::uint32_t> clusters(hits.size());
  for (std::uint32_t i = 0; i < hits.size(); ++i) {
    hits[i] = i < 300 ? 1 : 0;
    clusters[i] = i;
  }
  const ClusterMean share = MeanOverClusters(hits, clusters);
  EXPECT_EQ(share.design_effect, 1);
  const Interval wilson = WilsonPercent(300, 2000), over = SharePercentInterval(share);
  EXPECT_NEAR(over.low, wilson.low, 0.01);
  EXPECT_NEAR(over.high, wilson.high, 0.01);
}

TEST(ClusterStatistics, WhatCannotBeSeenIsNotTakenForGranted) {
  // No hit: the correlation cannot be seen. Ten clusters of ten: D = 1 + 0.1 * 9, t(9) = 2.262, 100 / 1.9 photos.
  std::vector<double> hits(100, 0.0);
  std::vector<std::uint32_t> clusters;
  for (std::uint32_t i = 0; i < 100; ++i) clusters.push_back(i / 10);
  const ClusterMean none = MeanOverClusters(hits, clusters);
  EXPECT_NEAR(none.design_effect, 1.9, 1e-12);
  EXPECT_EQ(none.standard_error, 0);
  EXPECT_EQ(SharePercentInterval(none).low, 0);
  EXPECT_NEAR(SharePercentInterval(none).high, 100 * 5.11733 / (100 / 1.9 + 5.11733), 1e-3);
  // A hundred photos of one photographer, or all but one: nothing is known of others.
  std::vector<std::uint32_t> one(100, 3);
  for (int i = 0; i < 50; ++i) hits[static_cast<std::size_t>(i)] = 1;
  for (int i = 0; i < 2; ++i) {
    const ClusterMean mean = MeanOverClusters(hits, one);
    EXPECT_FALSE(mean.HasInterval());
    EXPECT_FALSE(MeanInterval(mean));
    EXPECT_FALSE(MedianInterval(hits, one));
    EXPECT_EQ(SharePercentInterval(mean).low, 0);
    EXPECT_EQ(SharePercentInterval(mean).high, 100);
    one[7] = 1;
  }
  // Each photographer all right or all wrong: as many photos as photographers.
  for (std::size_t i = 0; i < 100; ++i) hits[i] = i / 10 % 2 == 0 ? 1 : 0;
  EXPECT_NEAR(MeanOverClusters(hits, clusters).EffectiveCount(), 10, 1e-9);
}

TEST(ClusterStatistics, MediansEndAtQuantilesOfTheErrors) {
  std::vector<double> errors;
  std::vector<std::uint32_t> clusters;
  for (std::uint32_t i = 0; i < 900; ++i) {
    errors.push_back(i);
    clusters.push_back(i % 100);
  }
  const auto interval = MedianInterval(errors, clusters);
  ASSERT_TRUE(interval);
  // Spread evenly over the clusters: at least half of independent photos' variance is taken, D = 0.5.
  const double half = 900 * 1.9842 * std::sqrt(0.25 / 1800);
  EXPECT_NEAR(interval->low, 449.5 - half, 1);
  EXPECT_NEAR(interval->high, 449.5 + half, 1);
}

TEST(ClusterStatistics, GroupsGetIntervalsAndDesignEffects) {
  const std::vector<std::optional<double>> errors = {0.5, 0.5, 30.0, std::nullopt};
  GroupAccuracy group = Accuracies({0.5, 0.5, 30.0}, 4, {1, 25});
  SetClusterIntervals(group, errors, std::vector<std::uint32_t>{0, 0, 1, 2});
  ASSERT_TRUE(group.accuracy[0].design_effect);
  EXPECT_NEAR(*group.accuracy[0].design_effect, 1.5, 1e-12);  // the greatest that sizes 2, 1, 1 have
  EXPECT_LT(group.accuracy[0].ci95.low, 10);
}

// Nine of twenty photographers differ, six one way: of the 2^9 patterns 2 (1 + 9 + 36) are farther off, and 2 * 84 as
// far.
TEST(ClusterStatistics, TiesOfTheHitTestCountHalfWhereSignsAreDrawn) {
  std::vector<double> hits(400, 0.0);
  PhotoClusters clusters{"AUTHOR", {}, 20};
  for (std::size_t i = 0; i < 400; ++i) {
    clusters.of_photo.push_back(static_cast<std::uint32_t>(i / 20));
    hits[i] = i / 20 < 6 ? 1 : i / 20 < 9 ? -1 : 0;
  }
  // All signs are tried: the exact test, whose equal sums count whole.
  EXPECT_NEAR(ClusterHitTest(hits, clusters, 10000, 0), (92 + 168.0) / 512, 1e-12);
  EXPECT_NEAR(ClusterHitTest(hits, clusters, 400, 0), (92 + 0.5 * 168) / 512, 0.1);  // random patterns
  EXPECT_EQ(ClusterHitTest(std::vector<double>(400, 0.0), clusters, 10000, 0), 1);
}

// Rank 1 of a published system's lists for 1450 photos of 101 photographers. Resampled photographers give standard
// errors of 2.21, 2.66, 2.31, 2.19 and 1.77 points and the percentiles below; these are close to them, and a little
// wider, since they hold the truth more often.
TEST(ClusterStatistics, RealListsOverPhotographers) {
  SHARED_PATH_OR_SKIP(folder, "data/retrieval");
  const PhotoTable truth = ReadPhotoTable(folder / "im2gps3k_truth_dev.csv");
  const Evaluation e = Evaluate(truth, RankOne(ReadCandidates(folder / "g3_im2gps3k_candidates_dev.csv")), {});
  ASSERT_TRUE(e.subject.clusters);
  EXPECT_EQ(e.subject.clusters->count, 101U);
  const double errors[] = {2.21, 2.66, 2.31, 2.19, 1.77};
  const Interval percentiles[] = {{9.5, 18.0}, {28.8, 39.3}, {40.1, 49.0}, {55.2, 63.7}, {72.3, 79.4}};
  for (std::size_t t = 0; t < 5; ++t) {
    const Accuracy& accuracy = e.all.accuracy[t];
    const double p = accuracy.percent;
    const double error = std::sqrt(p * (100 - p) / 1450 * *accuracy.design_effect);
    std::printf("%5.0f km %.2f %% standard error %.2f, [%.1f, %.1f], design effect %.2f\n", accuracy.threshold_km, p,
                error, accuracy.ci95.low, accuracy.ci95.high, *accuracy.design_effect);
    EXPECT_NEAR(error, errors[t], 0.15);
    EXPECT_NEAR(accuracy.ci95.low, percentiles[t].low, 0.7);
    EXPECT_NEAR(accuracy.ci95.high, percentiles[t].high, 0.7);
  }
}

}  // namespace
}  // namespace dualgeo
