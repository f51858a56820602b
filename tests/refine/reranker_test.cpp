#include "refine/reranker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "tests/support/shared_data.h"

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

CandidateList RankedListOf(const std::vector<LatLon>& places, const std::vector<LatLon>& dissimilar = {}) {
  CandidateList list{"q", {}};
  for (std::size_t i = 0; i < places.size(); ++i) {
    Candidate c;
    c.rank = static_cast<int>(i) + 1;
    c.gallery_id = "g" + std::to_string(i + 1);
    c.location = places[i];
    list.candidates.push_back(c);
  }
  for (std::size_t i = 0; i < dissimilar.size(); ++i) {
    Candidate c;
    c.rank = static_cast<int>(i) + 1;
    c.gallery_id = "d" + std::to_string(i + 1);
    c.location = dissimilar[i];
    c.similar = false;
    list.candidates.push_back(c);
  }
  return list;
}

std::vector<std::string> Order(const CandidateList& list) {
  std::vector<std::string> ids;
  for (const auto& candidate : list.candidates) ids.push_back(candidate.gallery_id);
  return ids;
}

RerankOptions Dbscan() {
  RerankOptions options;
  options.method = "dbscan";
  return options;
}

CandidateList RerankOne(const RerankOptions& options, const CandidateList& list) {
  return Rerank(options, {list}, 1).at(0);
}

TEST(Rerank, DbscanPutsTheLargestClusterFirst) {
  // Tokyo, then three around Paris (the middle one nearest to their centre), then nowhere.
  const auto list = RerankOne(Dbscan(), RankedListOf({{35.7, 139.7}, {48.9, 2.1}, {48.9, 2.3}, {48.9, 2.5}, {0, 0}}));
  EXPECT_EQ(list.candidates[0].gallery_id, "g3");
  EXPECT_EQ(list.candidates[0].rank, 1);
  EXPECT_EQ(list.candidates[0].retrieval_rank, 3);
  EXPECT_EQ(list.candidates[0].cluster, 0);
  EXPECT_NEAR(*list.candidates[0].rerank_score, 0, 0.1);
  EXPECT_EQ(list.candidates[3].gallery_id, "g5");
  EXPECT_EQ(list.candidates[4].gallery_id, "g1");
  EXPECT_EQ(list.candidates[4].cluster, -1);
  EXPECT_EQ(list.candidates[4].rank, 5);
}

TEST(Rerank, OfEquallyLargeClustersTheBetterRankedWins) {
  const auto list = RerankOne(Dbscan(), RankedListOf({{0, 50}, {10, 10}, {20, 20}, {20.1, 20}, {10.1, 10}}));
  EXPECT_THAT(Order(list), ElementsAre(::testing::AnyOf("g2", "g5"), ::testing::AnyOf("g2", "g5"), "g3", "g4", "g1"));
}

TEST(Rerank, AllNoiseUsesEveryCandidate) {
  RerankOptions options = Dbscan();
  options.center = "arithmetic_mean";
  const auto list = RerankOne(options, RankedListOf({{0, 0}, {0, 10}, {0, 21}}));
  EXPECT_EQ(list.candidates[0].gallery_id, "g2");
  EXPECT_EQ(list.candidates[0].cluster, -1);
}

TEST(Rerank, DateLineAndPolesForEveryCenterButTheReleasedOne) {
  for (const auto& center : CenterRuleNames()) {
    RerankOptions options = Dbscan();
    options.center = center;
    const auto fiji =
        RerankOne(options, RankedListOf({{-10, 85}, {-17, 179.9}, {-17, -179.9}, {-17, 180}, {-17.05, 179.95}}));
    const auto pole = RerankOne(options, RankedListOf({{10, 30}, {89.9, 0}, {89.9, 120}, {89.9, -120}, {90, 5}}));
    if (center == "arithmetic_mean") {
      // The mean longitude of Fiji's candidates is 90: one in the Indian Ocean becomes the nearest.
      EXPECT_EQ(fiji.candidates[0].gallery_id, "g1");
      continue;
    }
    EXPECT_EQ(fiji.candidates[4].gallery_id, "g1") << center;
    EXPECT_LT(-*fiji.candidates[0].rerank_score, 20) << center;
    EXPECT_EQ(pole.candidates[0].gallery_id, "g5") << center;
    EXPECT_EQ(pole.candidates[4].gallery_id, "g1") << center;
  }
}

TEST(Rerank, ShortListsAreDefined) {
  for (const auto& method : RerankerNames()) {
    if (method == "mlp") continue;  // needs a fitted network: evidence_test.cpp
    RerankOptions options;
    options.method = method;
    EXPECT_TRUE(RerankOne(options, RankedListOf({})).candidates.empty());
    EXPECT_THAT(Order(RerankOne(options, RankedListOf({{1, 2}}))), ElementsAre("g1"));
    EXPECT_THAT(Order(RerankOne(options, RankedListOf({{1, 2}, {1, 2}, {1, 2}}))), ElementsAre("g1", "g2", "g3"));
    EXPECT_THAT(Order(RerankOne(options, RankedListOf({}, {{3, 4}}))), ElementsAre("d1"));
  }
}

TEST(Rerank, NoneKeepsTheOrder) {
  RerankOptions options;
  options.method = "none";
  const auto list = RerankOne(options, RankedListOf({{35.7, 139.7}, {48.9, 2.1}, {48.9, 2.3}}));
  EXPECT_THAT(Order(list), ElementsAre("g1", "g2", "g3"));
  EXPECT_EQ(list.candidates[1].retrieval_rank, 2);
  EXPECT_EQ(list.candidates[1].rerank_score, std::nullopt);
}

TEST(Rerank, DissimilarCandidatesFollowUnchanged) {
  const auto before = RankedListOf({{35.7, 139.7}, {48.9, 2.1}, {48.9, 2.3}}, {{-30, -60}, {70, 20}});
  const auto after = RerankOne(Dbscan(), before);
  ASSERT_EQ(after.candidates.size(), 5U);
  EXPECT_EQ(after.candidates[3], before.candidates[3]);
  EXPECT_EQ(after.candidates[4], before.candidates[4]);
}

TEST(Rerank, TopKDropsTheRest) {
  RerankOptions options = Dbscan();
  options.top_k = 2;
  const auto list = RerankOne(options, RankedListOf({{35.7, 139.7}, {0, 0}, {48.9, 2.3}, {48.9, 2.3}}, {{70, 20}}));
  ASSERT_EQ(list.candidates.size(), 3U);
  EXPECT_EQ(list.candidates[2].gallery_id, "d1");
}

TEST(Rerank, TwiceKeepsTheFirstRetrievalRank) {
  const auto once = RerankOne(Dbscan(), RankedListOf({{35.7, 139.7}, {48.9, 2.1}, {48.9, 2.3}}));
  RerankOptions options;
  options.method = "none";
  const auto twice = RerankOne(options, once);
  EXPECT_EQ(Order(once), Order(twice));
  EXPECT_EQ(twice.candidates[2].retrieval_rank, 1);
}

TEST(Rerank, ThreadsDoNotShow) {
  Random random(10);
  std::vector<CandidateList> lists;
  for (int i = 0; i < 2000; ++i) {
    std::vector<LatLon> places;
    for (auto n = random.Below(21); n > 0; --n) places.push_back({random.Uniform(40, 45), random.Uniform(0, 5)});
    lists.push_back(RankedListOf(places));
  }
  EXPECT_EQ(Rerank(Dbscan(), lists, 1), Rerank(Dbscan(), lists, 4));
}

TEST(Rerank, OptionsAreChecked) {
  const auto error_of = [](const RerankOptions& options) -> std::string {
    try {
      MakeReranker(options);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  RerankOptions options;
  options.method = "magic";
  EXPECT_THAT(error_of(options), HasSubstr("rerank.method = magic: expects one of none, dbscan"));
  options = {};
  options.center = "middle";
  EXPECT_THAT(error_of(options), HasSubstr("rerank.center = middle"));
  options = {};
  options.eps_km = -1;
  EXPECT_THAT(error_of(options), HasSubstr("rerank.eps_km = -1"));
  options.eps_km = std::nan("");
  EXPECT_THAT(error_of(options), HasSubstr("rerank.eps_km = nan"));
  options = {};
  options.min_samples = 0;
  EXPECT_THAT(error_of(options), HasSubstr("rerank.min_samples = 0"));
  options = {};
  options.top_k = 0;
  EXPECT_THAT(error_of(options), HasSubstr("rerank.top_k = 0"));
}

// Scores of rank 1 in percent at 1, 25, 200, 750, 2500 km.
std::vector<double> Accuracies(const std::vector<CandidateList>& lists, const PhotoTable& truth) {
  std::map<std::string, LatLon> place;
  for (const auto& row : truth.rows) place[row.id] = *row.location;
  std::vector<double> percent;
  for (const double km : {1.0, 25.0, 200.0, 750.0, 2500.0}) {
    int within = 0;
    for (const auto& list : lists) {
      within += GreatCircleKm(list.candidates.at(0).location, place.at(list.query_id)) < km ? 1 : 0;
    }
    percent.push_back(100.0 * within / static_cast<double>(truth.rows.size()));
  }
  return percent;
}

TEST(Rerank, ReleasedRuleScoresAsPublishedOnRealLists) {
  SHARED_PATH_OR_SKIP(folder, "data/retrieval");
  const auto lists = ReadCandidates(folder / "g3_im2gps3k_candidates_dev.csv");
  const PhotoTable truth = ReadPhotoTable(folder / "im2gps3k_truth_dev.csv");
  RerankOptions options = Dbscan();
  options.eps_km = 50;
  options.min_samples = 2;
  options.top_k = 20;
  options.center = "arithmetic_mean";
  const std::vector<double> before = {13.24, 34.00, 44.48, 59.38, 75.72};
  const std::vector<double> after = {13.52, 38.90, 49.93, 64.28, 78.55};
  EXPECT_THAT(Accuracies(lists, truth), ::testing::Pointwise(::testing::DoubleNear(0.005), before));
  EXPECT_THAT(Accuracies(Rerank(options, lists), truth), ::testing::Pointwise(::testing::DoubleNear(0.005), after));
}

}  // namespace
}  // namespace dualgeo
