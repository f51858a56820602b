// Evidence beyond ranks and coordinates: columns of numbers, other galleries, and the network that learns from them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/random.h"
#include "refine/mlp_fit.h"
#include "refine/posterior_fit.h"
#include "refine/reranker.h"
#include "tests/refine/lists.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

LatLon AnyPlace(Random& random) { return {random.Uniform(-60, 60), random.Uniform(-180, 180)}; }

// Lists of ten scattered candidates, one of which is where the photo was taken, wherever in the list: the one with most
// `inliers`.
std::vector<FitExample> ListsWithInliers(int count, std::uint64_t seed) {
  Random random(seed);
  std::vector<FitExample> examples;
  for (int n = 0; n < count; ++n) {
    FitExample example;
    example.query_id = std::to_string(n);
    const std::size_t right = random.Below(10);
    std::vector<LatLon> places;
    for (int i = 0; i < 10; ++i) places.push_back(AnyPlace(random));
    example.truth = {places[right].lat + 0.001, places[right].lon};
    example.similar = ListOf(places).candidates;
    for (std::size_t i = 0; i < 10; ++i) {
      if (random.Chance(0.1)) continue;  // some have none
      example.similar[i].more["inliers"] = (i == right ? 60 : 15) + 8 * random.Normal();
    }
    examples.push_back(std::move(example));
  }
  return examples;
}

double AccuracyOf(const RerankOptions& options, const PosteriorParameters& parameters,
                  const std::vector<FitExample>& examples) {
  const TemporaryFolder folder;
  WritePosteriorParameters(folder / "p.yaml", parameters);
  RerankOptions own = options;
  own.parameters = (folder / "p.yaml").string();
  std::vector<CandidateList> lists;
  for (const auto& example : examples) lists.push_back({example.query_id, example.similar, std::nullopt});
  lists = Rerank(own, std::move(lists), 1);
  double right = 0;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    right += GreatCircleKm(lists[i].estimate->location, examples[i].truth) < 1 ? 1 : 0;
  }
  return right / static_cast<double>(lists.size());
}

TEST(Evidence, AnyColumnOfNumbersCounts) {
  const auto training = ListsWithInliers(300, 1), others = ListsWithInliers(200, 2);
  FitOptions without, with;
  with.evidence = {"score", "gps_score", "inliers"};
  const auto blind = FitPosterior(training, without), seeing = FitPosterior(training, with);
  EXPECT_TRUE(blind.columns.empty());
  EXPECT_THAT(seeing.MoreColumns(), ElementsAre("inliers"));
  EXPECT_GT(seeing.columns.at("inliers").scale.deviation, 5);
  EXPECT_LT(AccuracyOf({}, blind, others), 0.3);
  EXPECT_GT(AccuracyOf({}, seeing, others), 0.8);
  with.evidence = {"matches"};
  EXPECT_THAT(RefusalOf([&] { FitPosterior(training, with); }), HasSubstr("matches"));
}

TEST(Evidence, OfAnAnsweredListCountsToo) {
  auto training = ListsWithInliers(300, 1), others = ListsWithInliers(100, 2);
  Random random(4);
  for (auto* examples : {&training, &others}) {
    for (auto& example : *examples) example.answers = {AnyPlace(random)};  // which say nothing
  }
  FitOptions with;
  with.evidence = {"inliers"};
  const auto parameters = FitPosterior(training, with);
  EXPECT_EQ(parameters.columns.at("inliers").list_with_answers.size(), parameters.answer_widths_km.size());
  const PlacePosterior posterior(parameters, PlacePosterior::Sources::kListAndAnswers);
  PlacePosterior::Distribution distribution;
  int right = 0;
  for (const auto& example : others) {
    posterior.Condition({example.similar, example.answers}, distribution);
    const auto best = posterior.Best(distribution, posterior.ExpectedScores(distribution), false).estimate;
    right += GreatCircleKm(best.location, example.truth) < 1 ? 1 : 0;
  }
  EXPECT_GT(right, 75);
}

// Two galleries whose candidates alternate; where both have one at a place, it is right, and one gallery's own crowd
// is not.
std::vector<FitExample> ListsOfTwoGalleries(int count, std::uint64_t seed) {
  Random random(seed);
  std::vector<FitExample> examples;
  for (int n = 0; n < count; ++n) {
    FitExample example;
    example.query_id = std::to_string(n);
    example.truth = AnyPlace(random);
    const LatLon crowd = AnyPlace(random);
    const auto near = [&](LatLon place) { return LatLon{place.lat + 0.002 * random.Normal(), place.lon}; };
    std::vector<std::pair<LatLon, const char*>> places = {{near(example.truth), "a"}, {near(example.truth), "b"}};
    for (int i = 0; i < 2; ++i) places.emplace_back(near(crowd), "a");
    for (int i = 0; i < 6; ++i) places.emplace_back(AnyPlace(random), i % 2 == 0 ? "a" : "b");
    random.Shuffle(places);
    std::vector<LatLon> at;
    for (const auto& place : places) at.push_back(place.first);
    example.similar = ListOf(at).candidates;
    for (std::size_t i = 0; i < places.size(); ++i) example.similar[i].gallery = places[i].second;
    examples.push_back(std::move(example));
  }
  return examples;
}

TEST(Evidence, AgreementOfAnotherGalleryCounts) {
  const auto training = ListsOfTwoGalleries(300, 5), others = ListsOfTwoGalleries(200, 6);
  FitOptions without, with;
  with.evidence = {"score", "gps_score", "gallery"};
  const auto blind = FitPosterior(training, without), seeing = FitPosterior(training, with);
  EXPECT_TRUE(blind.list.other_gallery.empty());
  EXPECT_GT(seeing.list.other_gallery[0], 0.2);
  EXPECT_LT(AccuracyOf({}, blind, others), 0.75);
  EXPECT_GT(AccuracyOf({}, seeing, others), 0.9);
  // Lists of one gallery have nothing to learn it from.
  auto alone = training;
  for (auto& example : alone) {
    for (auto& candidate : example.similar) candidate.gallery.clear();
  }
  EXPECT_TRUE(FitPosterior(alone, with).list.other_gallery.empty());
}

TEST(Evidence, IsColumnsOfTheTable) {
  const TemporaryFolder folder;
  const auto file =
      folder.Write("c.csv", "query_id,rank,gallery_id,lat,lon,inliers,word\nq,1,a,1,2,12.5,x\nq,2,b,3,4,,y\n");
  const auto lists = ReadCandidates(file, {"inliers"});
  EXPECT_EQ(lists.at(0).candidates.at(0).more.at("inliers"), 12.5);
  EXPECT_TRUE(lists[0].candidates.at(1).more.empty());
  EXPECT_TRUE(ReadCandidates(file).at(0).candidates[0].more.empty());
  WriteCandidates(folder / "d.csv", lists);
  EXPECT_EQ(ReadCandidates(folder / "d.csv", {"inliers"}), lists);
  EXPECT_THAT(RefusalOf([&] { ReadCandidates(file, {"inlier"}); }), AllOf(HasSubstr("inlier"), HasSubstr("c.csv")));
  EXPECT_THAT(RefusalOf([&] { ReadCandidates(file, {"word"}); }), AllOf(HasSubstr("c.csv:2"), HasSubstr("x")));
  EXPECT_THAT(RefusalOf([] { CheckEvidence("rerank.evidence", {"rank"}); }), HasSubstr("'rank' is no evidence"));
  EXPECT_THAT(RefusalOf([] { CheckEvidence("rerank.evidence", {"n", "n"}); }), HasSubstr("twice"));
  EXPECT_THAT(EvidenceColumns({"score", "gps_score", "gallery", "n"}), ElementsAre("n"));
}

TEST(Mlp, LearnsWhatIsRight) {
  const auto training = ListsWithInliers(300, 1), others = ListsWithInliers(200, 2);
  FitOptions fit;
  fit.evidence = {"inliers"};
  fit.network = true;
  RerankOptions mlp;
  mlp.method = "mlp";
  const auto parameters = FitPosterior(training, fit);
  EXPECT_EQ(parameters.mlp.hidden, 16);
  EXPECT_GT(AccuracyOf(mlp, parameters, others), 0.8);
  EXPECT_EQ(FitPosterior(training, fit), parameters) << "the same numbers each time";
  fit.evidence.clear();
  EXPECT_LT(AccuracyOf(mlp, FitPosterior(training, fit), others), 0.3) << "nothing else tells";
}

TEST(Mlp, NeedsItsNetwork) {
  RerankOptions mlp;
  mlp.method = "mlp";
  const TemporaryFolder folder;
  PosteriorParameters parameters = DefaultPosteriorParameters();
  parameters.mlp = {};
  mlp.parameters = (folder / "p.yaml").string();
  WritePosteriorParameters(mlp.parameters, parameters);
  EXPECT_THAT(RefusalOf([&] {
                Rerank(mlp, {ListOf({{1, 2}})}, 1);
              }),
              AllOf(HasSubstr("rerank.method mlp"), HasSubstr("rerank fit --network")));
  std::vector<FitExample> alike(3);
  for (auto& example : alike) example.similar = ListOf({{1, 2}, {1, 2}}).candidates;
  EXPECT_THAT(RefusalOf([&] { FitMlp(alike, DefaultPosteriorParameters(), {}); }), HasSubstr("better than another"));
}

TEST(Evidence, ParametersReadBack) {
  const TemporaryFolder folder;
  FitOptions fit;
  fit.evidence = {"inliers"};
  fit.network = true;
  auto parameters = FitPosterior(ListsWithInliers(60, 1), fit);
  parameters.conformal = {1.2, 9.5, "draw", 60, 60};
  parameters.router = {{0.5}, {2}, {1, -1}, {0, 3}};
  WritePosteriorParameters(folder / "p.yaml", parameters);
  EXPECT_EQ(ReadPosteriorParameters(folder / "p.yaml"), parameters);
  parameters.mlp.weights.pop_back();
  EXPECT_THAT(RefusalOf([&] { parameters.Validate(); }), HasSubstr("mlp.weights"));
  parameters.mlp = {};
  parameters.router.list.pop_back();
  EXPECT_THAT(RefusalOf([&] { parameters.Validate(); }), HasSubstr("router.list"));
  parameters.router = {};
  parameters.columns["inliers"].list.pop_back();
  EXPECT_THAT(RefusalOf([&] { parameters.Validate(); }), HasSubstr("columns.inliers.list"));
}

}  // namespace
}  // namespace dualgeo
