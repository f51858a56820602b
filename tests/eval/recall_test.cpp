#include "eval/recall.h"

#include <gtest/gtest.h>

#include "eval/statistics.h"

namespace dualgeo {
namespace {

Candidate RankedAt(int rank, LatLon place, bool similar = true) {
  return Candidate{rank, "g", place, {}, "", similar, {}, {}, {}};
}

TEST(Recall, IsTheOracleAtEachDepth) {
  PhotoTable truth;
  for (const char* id : {"a", "b", "c", "d"}) truth.rows.push_back({id, LatLon{0, 0}, "", 0});
  const std::vector<CandidateList> lists = {
      {"a", {RankedAt(1, {0, 9}), RankedAt(2, {0, 5}), RankedAt(3, {0, 0}), RankedAt(4, {0, 3})}},
      {"b", {RankedAt(1, {0, 0}), RankedAt(1, {0, 0}, false)}},
      {"c", {}},
      {"x", {RankedAt(1, {0, 0}), RankedAt(2, {0, 0}), RankedAt(3, {0, 0}), RankedAt(4, {0, 0}), RankedAt(5, {0, 0})}}};
  EvaluateOptions options;
  options.distance = "great_circle";
  options.thresholds_km = {1, 600};
  options.oracle_k = {1, 2, 3, 100};
  const auto rows = Recall(lists, truth, options);
  ASSERT_EQ(rows.size(), 4U);  // 1, 2, 3 and the longest, 4
  EXPECT_EQ(rows[3].k, 4);
  const std::int64_t within_1[] = {1, 1, 2, 2}, within_600[] = {1, 2, 2, 2};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].recall.count, 4);
    EXPECT_EQ(rows[i].recall.accuracy[0].within, within_1[i]) << rows[i].k;
    EXPECT_EQ(rows[i].recall.accuracy[1].within, within_600[i]) << rows[i].k;
    // The oracle of the same depth, which is another piece of code.
    const auto oracle = Evaluate(truth, Oracle(lists, truth, rows[i].k, DistanceKind::kGreatCircle), options);
    EXPECT_EQ(oracle.all.accuracy[1].within, within_600[i]);
    EXPECT_NEAR(oracle.geoscore, rows[i].geoscore, 1e-9);
    EXPECT_NEAR(*oracle.median_km, *rows[i].median_km, 1e-9);
    EXPECT_NEAR(*oracle.mean_km, *rows[i].mean_km, 1e-9);
  }
}

TEST(Recall, OfNothing) {
  PhotoTable truth;
  truth.rows.push_back({"a", LatLon{0, 0}, "", 0});
  EXPECT_TRUE(Recall({}, truth, {}).empty());
  EXPECT_TRUE(Recall({{"a", {}}}, truth, {}).empty());
}

}  // namespace
}  // namespace dualgeo
