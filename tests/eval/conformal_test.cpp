#include "eval/conformal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "eval/held_out.h"
#include "eval/region_study.h"
#include "tests/support/shared_data.h"

namespace dualgeo {
namespace {

// Scores of photographers who differ: share `alike` of the variance of their logarithms is the photographer's.
ConformalScores Drawn(Random& random, std::uint32_t photographers, double alike, bool sizes_differ) {
  ConformalScores scores;
  scores.photographers = photographers;
  for (std::uint32_t k = 0; k < photographers; ++k) {
    const double own = std::sqrt(alike) * random.Normal();
    const std::uint64_t photos = sizes_differ ? 1 + random.Below(random.Chance(0.1) ? 100 : 10) : 1;
    for (std::uint64_t i = 0; i < photos; ++i) {
      scores.score.push_back(std::exp(2 * (own + std::sqrt(1 - alike) * random.Normal())));
      scores.photographer.push_back(k);
    }
  }
  return scores;
}

TEST(Conformal, OfOnePhotoEachIsTheSameByEveryRule) {
  Random random(2);
  const ConformalScores scores = Drawn(random, 49, 0, false);
  auto sorted = scores.score;
  std::ranges::sort(sorted);
  for (const auto& rule : ConformalRuleNames()) {
    EXPECT_EQ(ConformalFactor(scores, 0.9, rule), sorted[44]) << rule;  // ceil(0.9 * 50) = 45
    EXPECT_EQ(ConformalFactor(scores, 0.5, rule), sorted[24]) << rule;
  }
}

TEST(Conformal, PromisesNothingWithTooFewPhotographers) {
  Random random(2);
  const ConformalScores few = Drawn(random, 8, 0, false), enough = Drawn(random, 9, 0, false);
  for (const auto& rule : ConformalRuleNames()) {
    EXPECT_TRUE(std::isinf(ConformalFactor(few, 0.9, rule))) << rule;
    EXPECT_TRUE(std::isfinite(ConformalFactor(enough, 0.9, rule))) << rule;
  }
  EXPECT_THROW(ConformalFactor(few, 1, "draw"), std::invalid_argument);
  EXPECT_THROW(ConformalFactor(few, 0.5, "all"), std::invalid_argument);
}

TEST(Conformal, ByDrawsIsTheMedianOfDraws) {
  Random random(7);
  const ConformalScores scores = Drawn(random, 30, 0.3, true);
  std::vector<std::vector<double>> of(30);
  for (std::size_t i = 0; i < scores.score.size(); ++i) of[scores.photographer[i]].push_back(scores.score[i]);
  std::vector<double> factors;
  for (int draw = 0; draw < 4001; ++draw) {
    std::vector<double> drawn;
    for (const auto& own : of) drawn.push_back(own[random.Below(own.size())]);
    std::ranges::sort(drawn);
    factors.push_back(drawn[27]);  // ceil(0.9 * 31) = 28
  }
  std::ranges::sort(factors);
  const double factor = ConformalFactor(scores, 0.9, "draw");
  EXPECT_GE(factor, factors[1850]);
  EXPECT_LE(factor, factors[2150]);
}

// New photographers' photos are held as often as promised: over many calibrations, exactly for `photographer`.
TEST(Conformal, HoldsNewPhotographersPhotos) {
  Random random(5);
  for (const double alike : {0.0, 0.3}) {
    constexpr int kRounds = 400;
    double draw = 0, photographer = 0, photo = 0;
    for (int round = 0; round < kRounds; ++round) {
      const ConformalScores old = Drawn(random, 50, alike, true), fresh = Drawn(random, 100, alike, true);
      const auto held = [&](const char* rule) {
        const double factor = ConformalFactor(old, 0.9, rule);
        std::vector<double> within(100, 0), all(100, 0);
        for (std::size_t i = 0; i < fresh.score.size(); ++i) {
          within[fresh.photographer[i]] += fresh.score[i] <= factor ? 1 : 0;
          ++all[fresh.photographer[i]];
        }
        double sum = 0;
        for (std::size_t k = 0; k < 100; ++k) sum += within[k] / all[k];
        return sum / kRounds;
      };
      draw += held("draw");
      photographer += held("photographer");
      photo += held("photo");
    }
    EXPECT_NEAR(draw, 90, 1) << alike;
    EXPECT_GT(photographer, 90 - 0.3) << alike;
    EXPECT_LT(photographer, 90 + 100.0 / 51 + 0.3) << alike;
    EXPECT_NEAR(photo, 90, 1.5) << alike;
  }
}

TEST(Conformal, HalvesOfAWorldCoverTheOthers) {
  Random random(9);
  const ConformalScores scores = Drawn(random, 100, 0.1, true);
  const ConformalCoverage coverage = TryConformal(scores, 0.9, "draw", 200, 0);
  EXPECT_NEAR(coverage.photographers, 90, 1);
  EXPECT_NEAR(coverage.photos, 90, 2);
  EXPECT_EQ(coverage.splits, 200);
  EXPECT_EQ(TryConformal(scores, 0.9, "draw", 200, 0).photos, coverage.photos) << "the same seed, the same halves";
}

// 1450 real lists: the posterior's areas and the calibrated radius on photographers that no fit has seen.
TEST(ConformalSlow, RealListsHoldNinetyPercent) {
  SHARED_PATH_OR_SKIP(lists, "data/retrieval/g3_im2gps3k_candidates_dev.csv");
  SHARED_PATH_OR_SKIP(truth, "data/retrieval/im2gps3k_truth_dev.csv");
  RerankStudy study;
  study.truth = ReadPhotoTable(truth);
  study.lists = ReadCandidates(lists);
  const auto regions = RegionsHeldOut(study, {}, {}, 5, 0, false, DistanceKind::kGreatCircle);
  const RegionStudy result = StudyRegions(study, regions, "draw", 200, 0);
  EXPECT_EQ(result.photographers, 101U);
  EXPECT_EQ(result.answered, 1450);
  for (const auto& coverage : result.conformal) {
    if (coverage.rule != "draw") continue;
    // Half of the photographers' photos, but of the busy ones' more: 52.9 % of the photos at 50 %.
    EXPECT_NEAR(coverage.photos, 100 * coverage.share, coverage.share == 0.9 ? 1 : 4) << coverage.share;
    EXPECT_NEAR(coverage.photographers, 100 * coverage.share, 1) << coverage.share;
  }
  EXPECT_NEAR(result.coverage[0].held, 50, 6);
  EXPECT_NEAR(result.coverage[1].held, 90, 4);
  // A photographer's photos are alike: wider than the 5.1 points that 1450 independent ones would have.
  EXPECT_TRUE(result.OverPhotographers());
  EXPECT_GT(result.coverage[0].ci95.high - result.coverage[0].ci95.low, 6);
  EXPECT_GT(result.coverage[1].median_km2, 10 * result.coverage[0].median_km2);
  // Searching where the posterior is dense finds more than searching round the answer.
  for (const auto& row : result.recall) EXPECT_GE(row.area, row.disc - 3) << row.km2;
  EXPECT_EQ(result.selective.back().count, 1450);
  EXPECT_GT(result.selective.front().accuracy[1], result.selective.back().accuracy[1] + 20);
}

}  // namespace
}  // namespace dualgeo
