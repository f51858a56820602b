#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "lmm/predictor.h"
#include "refine/reranker.h"
#include "tests/refine/lists.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Order(const RerankOptions& options, const CandidateList& list) {
  return IdsOf(Rerank(options, {list}, 1).at(0));
}

RerankOptions Method(const std::string& method) {
  RerankOptions options;
  options.method = method;
  return options;
}

// Noise first, two of rank 2 and 3, three of ranks 5 to 7.
const std::vector<LatLon> kTwoClusters = {{-30, 0}, {10, 10}, {10.1, 10}, {-50, 90}, {60, 60}, {60.1, 60}, {60.2, 60}};

TEST(DbscanChoice, SizeWeightOrBestRank) {
  RerankOptions options = Method("dbscan");
  options.cluster_choice = "size";
  EXPECT_EQ(Order(options, ListOf(kTwoClusters))[0], "6");
  options.cluster_choice = "best_rank";
  EXPECT_THAT(Order(options, ListOf(kTwoClusters))[0], ::testing::AnyOf("2", "3"));
  options.cluster_choice = "weight";
  EXPECT_EQ(Order(options, ListOf(kTwoClusters))[0], "6");  // rank_scale 15: three beat two
  options.rank_scale = 2;                                   // steep: the early two outweigh the late three
  EXPECT_THAT(Order(options, ListOf(kTwoClusters))[0], ::testing::AnyOf("2", "3"));
  options.weight = "score";  // and a score can turn it again
  EXPECT_EQ(Order(options, ListOf(kTwoClusters, {.9, .2, .2, .1, .5, .5, .5}))[0], "6");
}

TEST(DbscanChoice, OrderByRankPutsTheClusterFirstAsRetrieved) {
  RerankOptions options = Method("dbscan");
  options.order = "rank";
  EXPECT_THAT(Order(options, ListOf(kTwoClusters)), ElementsAre("5", "6", "7", "1", "2", "3", "4"));
  // All noise: nothing to prefer.
  EXPECT_THAT(Order(options, ListOf({{0, 0}, {0, 40}, {0, 80}})), ElementsAre("1", "2", "3"));
}

TEST(Density, IsTheKernelSum) {
  RerankOptions options = Method("density");
  options.density_km = 10;
  const LatLon a{0, 0}, b{0, 0.1}, c{50, 50};
  const auto list = Rerank(options, {ListOf({c, a, b})}, 1).at(0);
  EXPECT_EQ(list.candidates[0].gallery_id, "2");
  const double km = GreatCircleKm(a, b);
  EXPECT_NEAR(*list.candidates[0].rerank_score, 1 + std::exp(-km * km / 200), 2e-3);
  EXPECT_NEAR(*list.candidates[2].rerank_score, 1, 1e-6);
}

TEST(Density, ScoresWeighAndTheirAbsenceFallsBackToRank) {
  RerankOptions options = Method("density");
  options.weight = "score";
  const std::vector<LatLon> apart = {{0, 0}, {0, 50}, {0, 100}};
  EXPECT_THAT(Order(options, ListOf(apart, {.1, .9, .5})), ElementsAre("2", "3", "1"));
  EXPECT_THAT(Order(options, ListOf(apart, {-.1, -.9, .5})), ElementsAre("3", "1", "2"));  // below 0 counts 0
  EXPECT_THAT(Order(options, ListOf(apart)), ElementsAre("1", "2", "3"));
}

TEST(Multiscale, IsTheWeightedSumOverWidths) {
  const LatLon a{0, 0}, b{0.5, 0};
  const auto list = Rerank(Method("multiscale"), {ListOf({a, b})}, 1).at(0);
  const double km = GreatCircleKm(a, b);
  double kernel = 0;
  for (const double width : {1.0, 25.0, 200.0, 750.0}) kernel += std::exp(-0.5 * km * km / width / width);
  EXPECT_NEAR(*list.candidates[0].rerank_score, 4 * std::exp(-1 / 15.0) + kernel * std::exp(-2 / 15.0), 5e-3);
}

TEST(Rerank, EveryMethodSaysHowSureItIs) {
  for (const auto& method : RerankerNames()) {
    if (method == "mlp") continue;  // needs a fitted network: evidence_test.cpp
    const auto lists =
        Rerank(Method(method), {ListOf(kTwoClusters), ListOf({{1, 2}}), ListOf({}), ListOf({{5, 5}, {5, 5}})}, 1);
    for (const std::size_t i : {0U, 1U, 3U}) {
      ASSERT_TRUE(lists[i].estimate) << method;
      EXPECT_GT(lists[i].estimate->confidence_km, 0) << method;
      EXPECT_TRUE(IsValid(lists[i].estimate->location)) << method;
    }
    EXPECT_EQ(lists[1].estimate->location, (LatLon{1, 2})) << method;
    EXPECT_EQ(lists[3].estimate->location, (LatLon{5, 5})) << method;
    EXPECT_FALSE(lists[2].estimate) << method;
    const auto predictions = Predict(PredictOptions{"top1"}, lists);
    EXPECT_EQ(predictions[0].location, lists[0].estimate->location) << method;
    EXPECT_EQ(predictions[0].confidence_km, lists[0].estimate->confidence_km) << method;
    EXPECT_EQ(predictions[2].location, std::nullopt) << method;
    EXPECT_EQ(predictions[2].reason, "no candidates") << method;
  }
}

TEST(Rerank, EstimatesSurviveTheFile) {
  const TemporaryFolder folder;
  auto lists = Rerank(RerankOptions{}, {ListOf(kTwoClusters), ListOf({{1, 2}})}, 1);
  lists[1].query_id = "r";
  lists[0].candidates[2].gps_score = 0.25;
  WriteCandidates(folder.path() / "c.csv", lists);
  EXPECT_EQ(ReadCandidates(folder.path() / "c.csv"), lists);
}

TEST(Rerank, ADamagedEstimateIsNamed) {
  const TemporaryFolder folder;
  const std::string header =
      "query_id,rank,gallery_id,lat,lon,point_lat,point_lon,confidence_km,p_1km,p_25km,p_200km,p_750km,p_2500km\n";
  const auto error_of = [&](const std::string& text) {
    try {
      ReadCandidates(folder.Write("c.csv", text));
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(error_of(header + "q,1,g,1,2,1,2,3,0,0,0,0,0\n"), "none");
  EXPECT_THAT(error_of(header + "q,1,g,1,2,91,2,3,0,0,0,0,0\n"), HasSubstr("c.csv:2: point_lat, point_lon 91, 2"));
  EXPECT_THAT(error_of(header + "q,1,g,1,2,1,2,-3,0,0,0,0,0\n"), HasSubstr("confidence_km is -3"));
  EXPECT_THAT(error_of(header + "q,1,g,1,2,1,,3,0,0,0,0,0\n"), HasSubstr("point_lon is empty"));
  EXPECT_THAT(error_of(header + "q,1,g,nan,2,1,2,3,0,0,0,0,0\n"), HasSubstr("c.csv:2: lat is 'nan'"));
}

TEST(Rerank, NewOptionsAreChecked) {
  const auto error_of = [](auto change) {
    RerankOptions options;
    try {
      change(options);
      options.Validate();
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_THAT(error_of([](auto& o) { o.cluster_choice = "x"; }),
              HasSubstr("rerank.cluster_choice = x: expects one of size"));
  EXPECT_THAT(error_of([](auto& o) { o.order = "x"; }), HasSubstr("rerank.order"));
  EXPECT_THAT(error_of([](auto& o) { o.weight = "x"; }), HasSubstr("rerank.weight"));
  EXPECT_THAT(error_of([](auto& o) { o.metric = "x"; }), HasSubstr("rerank.metric = x: expects one of mean_accuracy"));
  EXPECT_THAT(error_of([](auto& o) { o.answer = "x"; }), HasSubstr("rerank.answer"));
  EXPECT_THAT(error_of([](auto& o) { o.widths_km = {}; }), HasSubstr("rerank.widths_km"));
  EXPECT_THAT(error_of([](auto& o) { o.widths_km = {0}; }), HasSubstr("rerank.widths_km = [0]"));
  EXPECT_THAT(error_of([](auto& o) { o.rank_scale = 0; }), HasSubstr("rerank.rank_scale = 0"));
  EXPECT_THAT(error_of([](auto& o) { o.threshold_km = NAN; }), HasSubstr("rerank.threshold_km = nan"));
  EXPECT_THAT(error_of([](auto& o) {
                o.parameters = "missing.yaml";
                MakeReranker(o);
              }),
              HasSubstr("missing.yaml"));
}

}  // namespace
}  // namespace dualgeo
