#include "pipeline/claim.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

// One run in which the first `right` of 1000 photos are near.
std::vector<double> ClaimPhotos(int right) {
  std::vector<double> errors(1000, 5000.0);
  std::fill(errors.begin(), errors.begin() + right, 0.1);
  return errors;
}

ClaimEvidence Evidence(const std::string& name, std::vector<int> dual, std::vector<int> image) {
  ClaimEvidence e;
  e.condition = name;
  for (std::size_t i = 0; i < dual.size(); ++i) {
    e.dual.push_back(ClaimPhotos(dual[i]));
    e.image.push_back(ClaimPhotos(image[i]));
    e.seeds.push_back(static_cast<int>(i));
  }
  return e;
}

ClaimRule Rule() {
  ClaimRule rule;
  rule.rounds = 2000;
  return rule;
}

TEST(Claim, SupportedContradictedUndecided) {
  const auto verdicts = JudgeClaim(
      {Evidence("gain", {400, 410, 420}, {250, 250, 250}), Evidence("same", {250, 250, 250}, {250, 250, 250}),
       Evidence("worse", {100, 100, 100}, {250, 250, 250}), Evidence("little", {253, 252, 254}, {250, 250, 250})},
      Rule());
  ASSERT_EQ(verdicts.size(), 4U);
  EXPECT_EQ(verdicts[0].verdict, "supported");
  EXPECT_NEAR(verdicts[0].margin.value, 16.0, 1e-9);
  EXPECT_NEAR(verdicts[0].dual, 41.0, 1e-9);
  EXPECT_THAT(verdicts[0].reason, HasSubstr("margin +16.0 ["));
  EXPECT_EQ(verdicts[1].verdict, "contradicted");
  EXPECT_THAT(verdicts[1].reason, HasSubstr("falls to the level of the image alone"));
  EXPECT_EQ(verdicts[2].verdict, "contradicted");
  EXPECT_THAT(verdicts[2].reason, HasSubstr("falls below the image alone"));
  // Four photos differ, all one way: exact p = 2 / 2^4. The interval ends at 0.3 + 0.369 points, which is negligible by
  // the rule, so that only the smaller `negligible` below leaves it open.
  EXPECT_NEAR(verdicts[3].p_value, 0.125, 1e-12);
  EXPECT_EQ(verdicts[3].verdict, "contradicted");
  ClaimRule strict = Rule();
  strict.negligible = 0.5;
  EXPECT_EQ(JudgeClaim({Evidence("little", {253, 252, 254}, {250, 250, 250})}, strict)[0].verdict, "undecided");
  EXPECT_NEAR(verdicts[3].margin.value, 0.3, 1e-9);
}

TEST(Claim, AMarginThatOneSeedDoesNotShareIsUndecided) {
  const auto verdicts = JudgeClaim({Evidence("one seed", {400, 400, 249}, {250, 250, 250})}, Rule());
  EXPECT_EQ(verdicts[0].verdict, "undecided");
  EXPECT_THAT(verdicts[0].reason, HasSubstr("not above 0 for every seed"));
}

TEST(Claim, HolmCountsTheConditions) {
  // Six photos of one sign: exact p = 2 / 2^6 = 0.03125 alone, 0.0625 among two.
  const auto one = JudgeClaim({Evidence("a", {56}, {50})}, Rule());
  EXPECT_NEAR(one[0].p_value, 0.03125, 1e-12);
  EXPECT_EQ(one[0].verdict, "supported");
  const auto two = JudgeClaim({Evidence("a", {56}, {50}), Evidence("b", {56}, {50})}, Rule());
  EXPECT_NEAR(two[0].holm, 0.0625, 1e-12);
  EXPECT_EQ(two[0].verdict, "undecided");
}

// 20 photographers of 50 photos each. The 150 photos that the dual view adds are three photographers': of their eight
// patterns of signs none is farther off and two are as far.
TEST(Claim, PhotographersAreFewerThanPhotos) {
  PhotoClusters clusters{"AUTHOR", {}, 20};
  for (std::uint32_t i = 0; i < 1000; ++i) clusters.of_photo.push_back(i / 50);
  ClaimEvidence gain = Evidence("gain", {400}, {250}), same = Evidence("same", {250}, {250});
  EXPECT_EQ(JudgeClaim({gain}, Rule())[0].verdict, "supported");
  EXPECT_EQ(JudgeClaim({same}, Rule())[0].verdict, "contradicted");
  gain.clusters = same.clusters = clusters;
  const auto verdict = JudgeClaim({gain}, Rule())[0];
  EXPECT_EQ(verdict.verdict, "undecided");
  EXPECT_NEAR(verdict.p_value, 2.0 / 8, 1e-12);
  EXPECT_LT(verdict.margin.ci95.low, 0);
  // Where nothing differs: 369 / n, n being 1000 / (1 + 0.1 * 49) independent photos.
  const auto none = JudgeClaim({same}, Rule())[0];
  EXPECT_EQ(none.verdict, "undecided");
  EXPECT_NEAR(none.margin.ci95.high, 0.369 * 5.9, 1e-9);
}

TEST(Claim, FewPhotosContradictNothing) {
  ClaimEvidence e = Evidence("few", {1}, {1});
  e.dual[0].resize(9);
  e.image[0].resize(9);
  EXPECT_EQ(JudgeClaim({e}, Rule())[0].verdict, "undecided");
}

TEST(Claim, AnErrorAtTheDistanceIsAMiss) {
  ClaimEvidence e = Evidence("edge", {0}, {0});
  e.dual[0].assign(1000, 25.0);
  e.image[0].assign(1000, 24.999);
  const auto verdicts = JudgeClaim({e}, Rule());
  EXPECT_EQ(verdicts[0].dual, 0);
  EXPECT_EQ(verdicts[0].image, 100);
}

}  // namespace
}  // namespace dualgeo
