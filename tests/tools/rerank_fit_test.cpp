#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "dualgeo/gallery/candidates.h"
#include "tests/tools/run_binary.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

// 40 photos by 8 photographers; the second and third candidate agree near the truth.
class RerankFit : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ostringstream truth, lists, answers;
    truth << "IMG_ID,LAT,LON,AUTHOR\n";
    lists << "query_id,rank,gallery_id,lat,lon\n";
    answers << "IMG_ID,LAT,LON\n";
    for (int i = 0; i < 40; ++i) {
      const double lat = -40 + 2 * i, lon = 3 * i;
      truth << "p" << i << "," << lat << "," << lon << ",a" << i % 8 << "\n";
      lists << "p" << i << ",1,g1," << -lat / 2 << "," << lon - 100 << "\np" << i << ",2,g2," << lat + 0.05 << ","
            << lon << "\np" << i << ",3,g3," << lat << "," << lon + 0.01 << "\n";
      answers << "p" << i << "," << lat + 0.2 << "," << lon << "\n";
    }
    truth_ = folder_.Write("truth.csv", truth.str()).string();
    lists_ = folder_.Write("lists.csv", lists.str()).string();
    answers_ = folder_.Write("answers.csv", answers.str()).string();
  }

  TemporaryFolder folder_;
  std::string truth_, lists_, answers_;
};

TEST_F(RerankFit, FitsReportsAndReranks) {
  const std::string yaml = (folder_ / "p.yaml").string();
  const auto fit = RunBinary({"rerank", "fit", "--candidates", lists_, "--truth", truth_, "--answers", answers_,
                              "--out", yaml, "--folds", "2"});
  ASSERT_EQ(fit.exit_code, 0) << fit.err;
  EXPECT_THAT(fit.out, HasSubstr("fitted on the other folds"));
  EXPECT_THAT(fit.out, HasSubstr("truth within it %"));
  EXPECT_THAT(fit.out, HasSubstr("| 100 % | 40 |"));
  const auto rerank =
      RunBinary({"rerank", "--candidates", lists_, "--out", (folder_ / "b.csv").string(), "--parameters", yaml});
  ASSERT_EQ(rerank.exit_code, 0) << rerank.err;
  for (const auto& list : ReadCandidates(folder_ / "b.csv")) {
    ASSERT_TRUE(list.estimate);
    EXPECT_NE(list.candidates[0].gallery_id, "g1");
  }
}

TEST_F(RerankFit, SweepsWithAndWithoutAnswers) {
  const auto sweep = RunBinary({"rerank", "sweep", "--candidates", lists_, "--truth", truth_, "--folds", "2",
                                "--methods", "dbscan,density", "--eps-km", "5,50", "--top-k", "3"});
  ASSERT_EQ(sweep.exit_code, 0) << sweep.err;
  EXPECT_THAT(sweep.out, HasSubstr("* same data"));
  EXPECT_THAT(sweep.out, HasSubstr("settings chosen on the other folds"));
  const auto joined = RunBinary(
      {"rerank", "sweep", "--candidates", lists_, "--truth", truth_, "--folds", "2", "--answers", answers_, "--json"});
  ASSERT_EQ(joined.exit_code, 0) << joined.err;
  EXPECT_THAT(joined.out, HasSubstr("\"method\": \"lmm\""));
}

// Radii, areas, the router and the network: fitted, written, used.
TEST_F(RerankFit, WhatItLearnsIsUsed) {
  const std::string yaml = (folder_ / "p.yaml").string(), reranked = (folder_ / "b.csv").string(),
                    map = (folder_ / "areas.geojson").string(), predictions = (folder_ / "p.csv").string();
  const auto fit = RunBinary({"rerank", "fit", "--candidates", lists_, "--truth", truth_, "--answers", answers_,
                              "--out", yaml, "--folds", "2", "--method", "mlp"});
  ASSERT_EQ(fit.exit_code, 0) << fit.err;
  EXPECT_THAT(fit.out, HasSubstr("Recall vs Area"));
  EXPECT_THAT(fit.out, HasSubstr("two-way oracle"));
  EXPECT_THAT(fit.out, HasSubstr("| mlp | fitted on the other folds"));
  const auto regions = RunBinary({"rerank", "regions", "--candidates", lists_, "--truth", truth_, "--parameters", yaml,
                                  "--rule", "photo", "--splits", "3", "--out", yaml + "2"});
  ASSERT_EQ(regions.exit_code, 0) << regions.err;
  EXPECT_THAT(regions.err, HasSubstr("fitted on these very photos"));
  EXPECT_THAT(regions.out, HasSubstr("40 photos of 8 photographers"));
  for (const char* method : {"bayes", "mlp"}) {
    const auto rerank = RunBinary({"rerank", "--candidates", lists_, "--out", reranked, "--parameters", yaml + "2",
                                   "--method", method, "--geojson", map});
    ASSERT_EQ(rerank.exit_code, 0) << rerank.err;
    const auto lists = ReadCandidates(reranked);
    ASSERT_TRUE(lists.at(0).estimate->areas) << method;
    EXPECT_TRUE(lists[0].estimate->areas->most_radius_km);
  }
  EXPECT_THAT(ReadFile(map), HasSubstr("FeatureCollection"));
  ASSERT_EQ(RunBinary({"predict", "--candidates", reranked, "--out", predictions}).exit_code, 0);
  EXPECT_THAT(ReadFile(predictions), HasSubstr("area_50_km2,area_90_km2,radius_50_km,radius_90_km\n"));
  const auto scores = RunBinary({"evaluate", "--predictions", predictions, "--truth", truth_});
  EXPECT_THAT(scores.out, HasSubstr("| radius_90_km |"));
  const auto routed = RunBinary({"predict", "--candidates", lists_, "--answers", answers_, "--choose", "router",
                                 "--set", "rerank.parameters=" + yaml, "--out", predictions});
  ASSERT_EQ(routed.exit_code, 0) << routed.err;
  EXPECT_THAT(ReadFile(predictions), HasSubstr("lmm/router"));
  const auto bad = RunBinary({"rerank", "regions", "--candidates", lists_, "--truth", truth_, "--rule", "all"});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.err, HasSubstr("--rule 'all' is not one of draw, photographer, photo"));
}

TEST_F(RerankFit, ScoresByNamesOfPlaces) {
  const std::string towns =
      folder_.Write("towns.csv", "name,lat,lon,country_code,admin1\nA,0,60,AA,1\nB,30,105,BB,2\n").string();
  const auto scores = RunBinary({"evaluate", "--candidates", lists_, "--truth", truth_, "--places", towns});
  ASSERT_EQ(scores.exit_code, 0) << scores.err;
  EXPECT_THAT(scores.out, HasSubstr("| region "));
  const auto missing = RunBinary({"evaluate", "--candidates", lists_, "--truth", truth_, "--places", truth_});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("no column name or city"));
}

// The run's config as it is: what it says of intervals is no mistake here.
TEST_F(RerankFit, TakesTheConfigOfARun) {
  const std::string config =
      folder_.Write("c.yaml", "rerank: {method: bayes, top_k: 3}\nevaluate: {interval: bootstrap}\n").string();
  const auto sweep = RunBinary({"rerank", "sweep", "--candidates", lists_, "--truth", truth_, "--folds", "2",
                                "--methods", "none", "--config", config});
  EXPECT_EQ(sweep.exit_code, 0) << sweep.err;
  EXPECT_THAT(sweep.out, HasSubstr("top 3"));
}

TEST_F(RerankFit, MistakesAreOneLine) {
  const auto columns = RunBinary({"rerank", "fit", "--candidates", lists_, "--truth", truth_, "--truth-columns",
                                  "IMG_ID", "--out", (folder_ / "p.yaml").string()});
  EXPECT_EQ(columns.exit_code, 2);
  EXPECT_THAT(columns.err, HasSubstr("--truth-columns 'IMG_ID'"));
  const auto folds = RunBinary({"rerank", "fit", "--candidates", lists_, "--truth", truth_, "--folds", "9", "--out",
                                (folder_ / "p.yaml").string()});
  EXPECT_EQ(folds.exit_code, 2);
  EXPECT_THAT(folds.err, HasSubstr("8 photographers cannot make 9 folds"));
  const auto out = RunBinary({"rerank", "--candidates", lists_});
  EXPECT_EQ(out.exit_code, 2);
  EXPECT_THAT(out.err, HasSubstr("--out is required"));
}

}  // namespace
}  // namespace dualgeo
