#include "dualgeo/util/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace dualgeo {
namespace {

TEST(Random, SeedsOfDifferentPurposesDiffer) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t a = 0; a < 100; ++a) {
    seeds.insert(DeriveSeed(1, "shuffle", a));
    seeds.insert(DeriveSeed(1, "augment", a));
    seeds.insert(DeriveSeed(2, "augment", a));
    seeds.insert(DeriveSeed(1, "augment", 0, a + 1));
  }
  EXPECT_EQ(seeds.size(), 400U);
  EXPECT_EQ(DeriveSeed(1, "shuffle", 3), DeriveSeed(1, "shuffle", 3));
}

// Fixed, so that a change of the generator (and with it of every result) is noticed.
TEST(Random, TheStreamIsFixed) {
  Random random(0);
  EXPECT_EQ(random.Next(), 11091344671253066420ULL);
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  Random random(7);
  constexpr int kDraws = 200000;
  double sum = 0;
  double normal = 0;
  double normal2 = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.Uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    const double n = random.Normal();
    normal += n;
    normal2 += n * n;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);
  EXPECT_NEAR(normal / kDraws, 0, 0.01);
  EXPECT_NEAR(normal2 / kDraws, 1, 0.02);
}

TEST(Random, BelowIsFairAndShuffleKeepsAll) {
  Random random(3);
  std::vector<int> counts(3);
  for (int i = 0; i < 30000; ++i) ++counts[random.Below(3)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
  std::vector<int> values(50);
  std::iota(values.begin(), values.end(), 0);
  auto shuffled = values;
  random.Shuffle(shuffled);
  EXPECT_NE(shuffled, values);
  std::ranges::sort(shuffled);
  EXPECT_EQ(shuffled, values);
}

}  // namespace
}  // namespace dualgeo
