#include "eval/rerank_sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "lmm/answers.h"
#include "refine/reranker.h"
#include "tests/support/shared_data.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

RerankStudy MadeStudy() {
  RerankStudy study;
  Random random(1);
  for (int i = 0; i < 60; ++i) {
    PhotoRow row;
    row.id = "p" + std::to_string(i);
    row.author = "a" + std::to_string(i % 12);
    row.location = LatLon{random.Uniform(-50, 50), random.Uniform(-170, 170)};
    CandidateList list{row.id, {}, std::nullopt};
    for (int k = 1; k <= 8; ++k) {
      Candidate c;
      c.rank = k;
      c.gallery_id = std::to_string(k);
      c.location = k % 2 == 0 ? LatLon{row.location->lat + 0.002 * random.Normal(), row.location->lon}
                              : LatLon{random.Uniform(-80, 80), random.Uniform(-180, 180)};
      list.candidates.push_back(c);
    }
    study.truth.rows.push_back(row);
    if (i != 7) study.lists.push_back(list);  // one photo found nothing
    if (i % 2 == 0) study.answers[row.id] = {{row.location->lat + 0.1, row.location->lon}};
  }
  return study;
}

TEST(RerankSweep, MarksWhatWasChosenOnItsTestData) {
  SweepOptions options;
  options.eps_km = {1, 50};
  options.min_samples = {2};
  options.top_k = {4, 8};
  options.density_km = {4};
  options.rerank.top_k = 8;
  options.fit.top_k = 8;
  options.folds = 3;
  options.evaluate.bootstrap = 0;
  const auto rows = SweepRerankers(MadeStudy(), options);
  std::map<Choice, int> count;
  std::set<std::string> methods;
  for (const auto& row : rows) {
    ++count[row.choice];
    methods.insert(row.method);
    EXPECT_EQ(row.evaluation.count, 60);
    EXPECT_LE(row.evaluation.answered, 59);  // the photo without candidates is a miss in every row
  }
  EXPECT_EQ(methods.size(), RerankerNames().size());
  EXPECT_EQ(count[Choice::kSameData], 5);    // the best of five grids
  EXPECT_EQ(count[Choice::kOtherFolds], 8);  // the same chosen on other folds, bayes twice and mlp
  EXPECT_TRUE(rows[0].comparison.empty());
  EXPECT_EQ(rows[1].comparison.size(), 5U);
  const std::string table = FormatSweep(rows);
  EXPECT_THAT(table, HasSubstr("* same data"));
  EXPECT_THAT(table, HasSubstr("settings chosen on the other folds"));
  EXPECT_THAT(SweepJson(rows, ThisProvenance("", 0)), HasSubstr("\"chosen_on\": \"other photographers\""));
}

TEST(RerankSweep, ComparesWithAnswers) {
  SweepOptions options;
  options.folds = 3;
  options.evaluate.bootstrap = 0;
  const auto rows = CompareWithAnswers(MadeStudy(), options);
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0].method, "lmm");
  EXPECT_EQ(rows[0].evaluation.count, 30);  // photos with a list and an answer
  EXPECT_EQ(rows[4].evaluation.answered, 30);
}

TEST(RerankSweep, MistakesAreNamed) {
  SweepOptions options;
  options.methods = {"magic"};
  EXPECT_THROW(SweepRerankers(MadeStudy(), options), InputError);
  options.methods = {};
  options.eps_km = {-1};
  EXPECT_THROW(SweepRerankers(MadeStudy(), options), InputError);
  RerankStudy none = MadeStudy();
  none.lists.clear();
  EXPECT_THROW(SweepRerankers(none, {}), InputError);
}

TEST(HeldOut, ParametersNeverSeeTheirTestPhotographers) {
  // The estimate of a photographer's photos does not change with the truth of those photos.
  RerankStudy study = MadeStudy();
  RerankOptions options;
  FitOptions fit;
  fit.max_iterations = 30;
  const auto before = EstimateHeldOut(study, options, fit, 3, 0, false);
  for (auto& row : study.truth.rows) {
    if (row.author == "a3") row.location = LatLon{-80, 0};
  }
  const auto after = EstimateHeldOut(study, options, fit, 3, 0, false);
  bool others_changed = false;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (study.truth.rows[i].author == "a3") {
      EXPECT_EQ(before[i], after[i]);
    } else {
      others_changed = others_changed || before[i] != after[i];
    }
  }
  EXPECT_TRUE(others_changed);
}

RerankStudy RealStudy(const std::filesystem::path& data) {
  RerankStudy study;
  study.truth = ReadPhotoTable(data / "retrieval/im2gps3k_truth_dev.csv");
  study.lists = ReadCandidates(data / "retrieval/g3_im2gps3k_candidates_dev.csv");
  AnswerColumns columns;
  columns.lat = "LAT_pred";
  columns.lon = "LON_pred";
  for (auto& [id, group] : GroupAnswers(ReadAnswers(data / "predictions/gemini2flash_im2gps3k.csv", columns))) {
    for (const auto& answer : group) {
      if (answer.location) study.answers[id].push_back(*answer.location);
    }
  }
  return study;
}

TEST(RerankOnRealLists, BayesBeatsDbscanOnOtherPhotographersSlow) {
  SHARED_PATH_OR_SKIP(data, "data");
  SweepOptions options;
  options.methods = {"multiscale", "bayes"};
  options.top_k = {20};
  options.evaluate.bootstrap = 0;
  options.evaluate.distance = "great_circle";
  const auto rows = SweepRerankers(RealStudy(data), options);
  const SweepRow& dbscan = rows[0];
  const SweepRow& vote = rows[1];
  const SweepRow& bayes = rows[2];
  ASSERT_EQ(vote.method, "multiscale");
  ASSERT_EQ(bayes.choice, Choice::kOtherFolds);
  const double paper[] = {13.52, 38.90, 49.93, 64.28, 78.55}, yardstick[] = {16.69, 39.45, 51.03, 65.59, 79.93};
  for (std::size_t t = 0; t < 5; ++t) {
    EXPECT_NEAR(dbscan.evaluation.all.accuracy[t].percent, paper[t], 0.005);
    EXPECT_NEAR(vote.evaluation.all.accuracy[t].percent, yardstick[t], 0.005);
    EXPECT_GT(bayes.evaluation.all.accuracy[t].percent, paper[t]);
  }
  EXPECT_GE(bayes.evaluation.all.accuracy[0].percent, paper[0] + 3);
  EXPECT_LT(bayes.comparison[0].p_value, 0.01);
  EXPECT_GE(bayes.mean_accuracy, vote.mean_accuracy);
}

TEST(RerankOnRealLists, AnswersAddToTheListSlow) {
  SHARED_PATH_OR_SKIP(data, "data");
  SweepOptions options;
  options.evaluate.bootstrap = 0;
  options.evaluate.distance = "great_circle";
  const auto rows = CompareWithAnswers(RealStudy(data), options);
  ASSERT_EQ(rows[0].evaluation.count, 1316);
  const auto& joined = rows[4].evaluation.all.accuracy;
  EXPECT_GE(joined[0].percent, 17.3);
  for (std::size_t t = 0; t < 5; ++t) EXPECT_GE(joined[t].percent, rows[0].evaluation.all.accuracy[t].percent - 0.2);
}

}  // namespace
}  // namespace dualgeo
