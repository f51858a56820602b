#include "eval/significance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "dualgeo/util/random.h"
#include "eval/statistics.h"

namespace dualgeo {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

using Errors = std::vector<double>;

TEST(McNemar, KnownValues) {
  // SciPy 1.10.1: scipy.stats.binomtest(a, a + b, 0.5).pvalue; the last summed in Python's exact integers.
  EXPECT_EQ(McNemarExact(0, 0), 1);
  EXPECT_EQ(McNemarExact(7, 7), 1);
  EXPECT_NEAR(McNemarExact(0, 5), 0.0625, 1e-12);
  EXPECT_NEAR(McNemarExact(1, 9), 0.021484375, 1e-12);
  EXPECT_NEAR(McNemarExact(9, 1), 0.021484375, 1e-12);
  EXPECT_NEAR(McNemarExact(4, 5), 1, 1e-12);
  EXPECT_NEAR(McNemarExact(18, 36), 0.01983432672806828, 1e-12);
  EXPECT_NEAR(McNemarExact(121, 59) / 4.4344492637551645e-06, 1, 1e-9);
  EXPECT_NEAR(McNemarExact(1000, 1100) / 0.030720707864242486, 1, 1e-9);
  EXPECT_NEAR(McNemarExact(0, 900) / 2.3661043723335494e-271, 1, 1e-9);
}

TEST(McNemar, CountsAreStrict) {
  const Errors a = {0.5, 1, 3, kNoAnswer}, b = {1, 0.5, 3, 0.2};
  const Discordant count = CountDiscordant(a, b, 1);
  EXPECT_EQ(count.only_a, 1);
  EXPECT_EQ(count.only_b, 2);
  EXPECT_THROW(CountDiscordant(a, Errors{1}, 1), std::invalid_argument);
}

TEST(Permutation, KnownValues) {
  // SciPy 1.10.1: scipy.stats.permutation_test((x, y), mean of x - y, permutation_type="samples", n_resamples=inf).
  const Errors x = {5, 120, 33, 800, 2, 61, 9, 410, 15, 77}, y = {9, 100, 50, 900, 1, 88, 30, 500, 14, 140};
  const Permutation exact = PermutationTest(DistanceDifferences(x, y), 10000, 0);
  EXPECT_TRUE(exact.exact);
  EXPECT_NEAR(exact.mean_difference, -30, 1e-12);
  EXPECT_NEAR(exact.p_value, 0.04296875, 1e-12);
  Errors logs;
  for (std::size_t i = 0; i < x.size(); ++i) logs.push_back(std::log1p(x[i]) - std::log1p(y[i]));
  EXPECT_NEAR(PermutationTest(logs, 1024, 0).p_value, 0.08203125, 1e-12);
  // At random, the same within four standard errors.
  const Permutation random = PermutationTest(DistanceDifferences(x, y), 1023, 0);
  EXPECT_FALSE(random.exact);
  EXPECT_NEAR(random.p_value, 0.04296875, 4 * std::sqrt(0.043 * 0.957 / 1023));
}

TEST(Permutation, NothingToTell) {
  EXPECT_EQ(PermutationTest(Errors{0, 0, 0}, 100, 0).p_value, 1);
  EXPECT_EQ(PermutationTest(Errors{1, -1}, 100, 0).p_value, 1);
  EXPECT_EQ(PermutationTest(Errors(2000, 1.0), 999, 0).p_value, 0.001);  // never below 1 / (rounds + 1)
  EXPECT_THROW(PermutationTest(Errors{}, 100, 0), std::invalid_argument);
}

TEST(Permutation, NoAnswerIsAsFarAsCanBe) {
  EXPECT_THAT(DistanceDifferences(Errors{kNoAnswer, 3, kNoAnswer}, Errors{1, kNoAnswer, kNoAnswer}),
              ElementsAre(kFarthestKm - 1, 3 - kFarthestKm, 0));
}

TEST(Permutation, UniformWhereThereIsNoDifference) {
  Random random(5);
  int below_5 = 0, below_50 = 0;
  constexpr int kSets = 2000;
  for (int set = 0; set < kSets; ++set) {
    Errors differences;
    for (int i = 0; i < 40; ++i) differences.push_back(random.Normal());
    const double p = PermutationTest(differences, 199, static_cast<std::uint64_t>(set)).p_value;
    below_5 += p <= 0.05 ? 1 : 0;
    below_50 += p <= 0.5 ? 1 : 0;
  }
  EXPECT_NEAR(below_5, 0.05 * kSets, 30);  // three standard errors
  EXPECT_NEAR(below_50, 0.5 * kSets, 67);
}

TEST(Holm, KnownValues) {
  // Worked out by hand from Holm 1979; R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives the same.
  EXPECT_THAT(HolmCorrect(Errors{0.01, 0.04, 0.03, 0.005}), Pointwise(DoubleNear(1e-12), {0.03, 0.06, 0.06, 0.02}));
  EXPECT_THAT(HolmCorrect(Errors{0.2, 0.001, 0.04, 0.04, 0.9}),
              Pointwise(DoubleNear(1e-12), {0.4, 0.005, 0.16, 0.16, 0.9}));
  EXPECT_THAT(HolmCorrect(Errors{0.6, 0.7}), ElementsAre(1, 1));
  EXPECT_TRUE(HolmCorrect(Errors{}).empty());
  EXPECT_THROW(HolmCorrect(Errors{0.1, std::nan("")}), std::invalid_argument);
}

TEST(PairedT, KnownValues) {
  // SciPy 1.10.1: scipy.stats.ttest_rel(x, y) and its confidence_interval(0.95).
  const PairedT five = PairedTTest(Errors{12.1, 14.3, 13.8, 15.2, 11.9}, Errors{11.0, 13.9, 14.1, 13.6, 11.2});
  EXPECT_EQ(five.pairs, 5);
  EXPECT_NEAR(five.mean_difference, 0.7, 1e-12);
  EXPECT_NEAR(*five.deviation, 0.7176350047203656, 1e-12);
  EXPECT_NEAR(*five.t, 2.1811193349741482, 1e-10);
  EXPECT_NEAR(*five.p_value, 0.09462605092946723, 1e-10);
  EXPECT_NEAR(five.ci95->low, -0.19106154921206764, 1e-10);
  EXPECT_NEAR(five.ci95->high, 1.5910615492120685, 1e-10);
  const PairedT three = PairedTTest(Errors{41.2, 42.0, 40.7}, Errors{40.1, 41.6, 40.3});
  EXPECT_NEAR(*three.t, 2.714285714285725, 1e-10);
  EXPECT_NEAR(*three.p_value, 0.11315594678225971, 1e-10);
  EXPECT_NEAR(three.ci95->low, -0.3706189703126278, 1e-10);
}

TEST(PairedT, NoTestWithoutDeviation) {
  const PairedT one = PairedTTest(Errors{2}, Errors{1});
  EXPECT_EQ(one.mean_difference, 1);
  EXPECT_FALSE(one.deviation || one.p_value || one.ci95);
  const PairedT equal = PairedTTest(Errors{0.3, 0.6, 0.9}, Errors{0.2, 0.5, 0.8});
  EXPECT_NEAR(equal.mean_difference, 0.1, 1e-12);
  EXPECT_FALSE(equal.p_value.has_value());
  EXPECT_THROW(PairedTTest(Errors{1, 2}, Errors{1}), std::invalid_argument);
}

TEST(MeanDeviation, OfASample) {
  const MeanDeviation three = MeanAndDeviation(Errors{2, 4, 9});
  EXPECT_EQ(three.mean, 5);
  EXPECT_NEAR(*three.deviation, std::sqrt(13), 1e-12);
  EXPECT_FALSE(MeanAndDeviation(Errors{2}).deviation.has_value());
}

// Right within 1 km with probability p; errors of 0.5 and 10 km.
Errors Coin(int n, double p, Random& random) {
  Errors errors;
  for (int i = 0; i < n; ++i) errors.push_back(random.Chance(p) ? 0.5 : 10);
  return errors;
}

TEST(PairedBootstrap, AgreesWithTheNormalApproximation) {
  Random random(2);
  const Errors a = Coin(3000, 0.5, random), b = Coin(3000, 0.45, random);
  const double threshold[] = {1};
  const PairedDifferences difference = PairedBootstrap({a}, {b}, threshold, 4000, 0);
  const Discordant count = CountDiscordant(a, b, 1);
  const double n = 3000, d = static_cast<double>(count.only_a - count.only_b) / n;
  const double half = 196 * std::sqrt((static_cast<double>(count.only_a + count.only_b) / n - d * d) / n);
  EXPECT_NEAR(difference.accuracy[0].value, 100 * d, 1e-9);
  EXPECT_NEAR(difference.accuracy[0].ci95.low, 100 * d - half, 0.25);
  EXPECT_NEAR(difference.accuracy[0].ci95.high, 100 * d + half, 0.25);
  EXPECT_NEAR(difference.mean_km.value, -9.5 * d, 1e-9);
  EXPECT_NEAR(difference.geoscore.value, d * (GeoScore(0.5) - GeoScore(10)), 1e-9);
}

TEST(PairedBootstrap, TheSameMethodDoesNotDiffer) {
  Random random(3);
  Errors a = Coin(50, 0.5, random);
  a[7] = kNoAnswer;
  const double threshold[] = {1, 20};
  const PairedDifferences none = PairedBootstrap({a}, {a}, threshold, 200, 0);
  for (const Difference& difference :
       {none.accuracy[0], none.accuracy[1], none.median_km, none.mean_km, none.geoscore}) {
    EXPECT_EQ(difference.value, 0);
    EXPECT_EQ(difference.ci95.low, 0);
    EXPECT_EQ(difference.ci95.high, 0);
  }
  // Nobody answers: there is no median, and no difference of medians.
  const Errors nothing(10, kNoAnswer);
  EXPECT_EQ(PairedBootstrap({nothing}, {nothing}, threshold, 50, 0).median_km.value, 0);
  EXPECT_EQ(PairedBootstrap({nothing}, {Errors(10, 1.0)}, threshold, 50, 0).median_km.value, kNoAnswer);
}

TEST(PairedBootstrap, RunsAreAveraged) {
  const double threshold[] = {1};
  const std::vector<Errors> a = {{0.5, 0.5, 9}, {0.5, 9, 9}}, b = {{9, 9, 9}, {9, 9, 0.5}};
  const PairedDifferences difference = PairedBootstrap(a, b, threshold, 100, 0);
  EXPECT_NEAR(difference.accuracy[0].value, 50 - 100 / 6.0, 1e-9);
  EXPECT_NEAR(difference.median_km.value, (0.5 + 9) / 2 - 9, 1e-12);
  EXPECT_THROW(PairedBootstrap({{1, 2}}, {{1}}, threshold, 10, 0), std::invalid_argument);
  EXPECT_THROW(PairedBootstrap({}, {{1}}, threshold, 10, 0), std::invalid_argument);
}

TEST(PairedBootstrap, TenThousandRoundsOfABenchmarkTakeSeconds) {
  Random random(12);
  Errors a, b;
  for (int i = 0; i < 3000; ++i) a.push_back(random.Uniform(0, 10000)), b.push_back(random.Uniform(0, 10000));
  const double thresholds[] = {1, 25, 200, 750, 2500};
  const auto start = std::chrono::steady_clock::now();
  PairedBootstrap({a}, {b}, thresholds, 10000, 0);
  PermutationTest(DistanceDifferences(a, b), 10000, 0);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("paired bootstrap and permutation test of 3000 photos, 10000 rounds each: %.2f s\n", seconds);
  EXPECT_LT(seconds, 10);  // wide, because other tests share the machine
}

}  // namespace
}  // namespace dualgeo
