#include "dualgeo/refine/place_posterior.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "lmm/answer_join.h"
#include "refine/posterior_fit.h"
#include "refine/reranker.h"
#include "refine/spherical_gaussian.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

std::vector<Candidate> Similar(const std::vector<LatLon>& places) {
  std::vector<Candidate> candidates;
  for (std::size_t i = 0; i < places.size(); ++i) {
    Candidate c;
    c.rank = static_cast<int>(i) + 1;
    c.gallery_id = std::to_string(i + 1);
    c.location = places[i];
    candidates.push_back(c);
  }
  return candidates;
}

CandidateList RerankPlaces(const RerankOptions& options, const std::vector<LatLon>& places) {
  return Rerank(options, {{"q", Similar(places), std::nullopt}}, 1).at(0);
}

// East by km on a parallel, north by km.
LatLon Moved(LatLon from, double east_km, double north_km) {
  const double degree = kEarthRadiusKm * std::numbers::pi / 180;
  LatLon to{from.lat + north_km / degree, from.lon + east_km / degree / std::cos(from.lat * std::numbers::pi / 180)};
  if (to.lon > 180) to.lon -= 360;
  if (to.lon < -180) to.lon += 360;
  return to;
}

TEST(PlacePosterior, ProbabilitiesAreProbabilities) {
  Random random(3);
  PlacePosterior::Distribution distribution;
  for (int round = 0; round < 200; ++round) {
    std::vector<LatLon> places(1 + random.Below(30));
    for (auto& place : places) place = {random.Uniform(-90, 90), random.Uniform(-180, 180)};
    const auto candidates = Similar(places);
    const PlacePosterior& posterior = DefaultPosterior();
    posterior.Condition({candidates, {}}, distribution);
    double sum = distribution.nowhere;
    for (const float w : distribution.weights) sum += w;
    EXPECT_NEAR(sum, 1, 1e-5);
    EXPECT_GT(distribution.nowhere, 0);
    const PlaceEstimate estimate = posterior.Estimate(distribution, places[0]);
    EXPECT_GT(estimate.confidence_km, 0);
    EXPECT_LE(estimate.confidence_km, 20100);
    double before = 0;
    for (const double p : estimate.within) {
      EXPECT_GE(p, before);
      EXPECT_LE(p, 1);
      before = p;
    }
  }
}

TEST(PlacePosterior, SumsTheMixture) {
  // One candidate: the stated probability is that of the mixture, by hand.
  const auto candidates = Similar({{48.85, 2.35}});
  PosteriorParameters parameters = DefaultPosteriorParameters();
  parameters.probability = {};  // as the mixture has it
  const PlacePosterior posterior(parameters);
  PlacePosterior::Distribution distribution;
  posterior.Condition({candidates, {}}, distribution);
  const LatLon answer{48.95, 2.5};
  const double km = GreatCircleKm(answer, {48.85, 2.35});
  const PlaceEstimate estimate = posterior.Estimate(distribution, answer);
  for (std::size_t t = 0; t < kAccuracyKm.size(); ++t) {
    double p = distribution.nowhere * std::pow(std::sin(kAccuracyKm[t] / kEarthRadiusKm / 2), 2);
    for (std::size_t j = 0; j < posterior.widths_km().size(); ++j) {
      p += distribution.weights[j] * SphericalGaussian(posterior.widths_km()[j]).ProbabilityWithin(km, kAccuracyKm[t]);
    }
    EXPECT_NEAR(estimate.within[t], p, 2e-3);
  }
}

TEST(PlacePosterior, AgreementMakesSure) {
  const auto sure = RerankPlaces({}, std::vector<LatLon>(20, LatLon{48.85, 2.35}));
  std::vector<LatLon> spread;
  for (int i = 0; i < 20; ++i) spread.push_back({-60.0 + 6 * i, -170.0 + 17 * i});
  const auto unsure = RerankPlaces({}, spread);
  EXPECT_LT(sure.estimate->confidence_km, 10);
  EXPECT_GT(unsure.estimate->confidence_km, 500);
  EXPECT_GT(sure.estimate->within[1], 3 * unsure.estimate->within[1]);
}

// The same constellation anywhere on Earth gets the same order and, moved along, the same answer.
TEST(PlacePosterior, DateLineAndPolesAreNothingSpecial) {
  const std::vector<std::pair<double, double>> offsets = {{5, 0}, {-3, 2}, {0, 0.4}, {0.3, -0.2}, {40, -50}, {900, 0}};
  const auto at = [&](LatLon center) {
    std::vector<LatLon> places;
    for (const auto& [east, north] : offsets) places.push_back(Moved(center, east, north));
    return places;
  };
  for (const char* method : {"density", "multiscale", "bayes"}) {
    RerankOptions options;
    options.method = method;
    const auto here = RerankPlaces(options, at({0, 10}));
    const auto there = RerankPlaces(options, at({0, 180}));
    ASSERT_EQ(here.candidates.size(), there.candidates.size());
    for (std::size_t i = 0; i < here.candidates.size(); ++i) {
      EXPECT_EQ(here.candidates[i].gallery_id, there.candidates[i].gallery_id) << method;
      EXPECT_NEAR(*here.candidates[i].rerank_score, *there.candidates[i].rerank_score, 1e-4) << method;
    }
    EXPECT_NEAR(GreatCircleKm(here.estimate->location, {0, 10}), GreatCircleKm(there.estimate->location, {0, 180}),
                0.01)
        << method;
    EXPECT_NEAR(here.estimate->confidence_km / there.estimate->confidence_km, 1, 1e-3) << method;

    // Round the pole: three within 15 km of it on different meridians, and two far away on one.
    const auto pole = RerankPlaces(options, {{10, 30}, {89.9, 0}, {89.9, 120}, {89.9, -120}, {12, 30}});
    EXPECT_GT(pole.candidates[0].location.lat, 89) << method;
    EXPECT_GT(pole.estimate->location.lat, 89) << method;
    EXPECT_TRUE(IsValid(pole.estimate->location)) << method;
    // Antipodes have no mean; the answer still exists.
    const auto antipodes = RerankPlaces(options, {{90, 0}, {-90, 0}});
    EXPECT_TRUE(IsValid(antipodes.estimate->location)) << method;
    EXPECT_EQ(antipodes.candidates[0].gallery_id, "1") << method;
  }
}

TEST(PlacePosterior, AnswersBetweenCandidatesWhenThatIsLikelier) {
  // Four corners of a square of 1.2 km: its middle is within 1 km of all, no corner of the opposite one.
  const LatLon middle{40, -3};
  const std::vector<LatLon> corners = {Moved(middle, 0.6, 0.6), Moved(middle, -0.6, 0.6), Moved(middle, -0.6, -0.6),
                                       Moved(middle, 0.6, -0.6)};
  RerankOptions options;
  const auto point = RerankPlaces(options, corners);
  EXPECT_LT(GreatCircleKm(point.estimate->location, middle), 0.3);
  options.answer = "candidate";
  const auto candidate = RerankPlaces(options, corners);
  EXPECT_EQ(candidate.estimate->location, candidate.candidates[0].location);
  // Candidates stay what was retrieved, in either case.
  EXPECT_EQ(point.candidates, candidate.candidates);
  EXPECT_GE(point.estimate->within[0], candidate.estimate->within[0]);
}

TEST(PlacePosterior, TheMetricMovesTheAnswer) {
  // A pair at one spot against six strewn over a region 300 km away: the pair for 1 km, the region for 750 km.
  const LatLon pair{45, 5}, region{45, 13};
  std::vector<LatLon> places = {pair, pair};
  for (const auto& [east, north] :
       std::vector<std::pair<double, double>>{{90, 0}, {-90, 10}, {0, 110}, {20, -100}, {60, 60}, {-70, -60}}) {
    places.push_back(Moved(region, east, north));
  }
  const auto answer = [&](const char* metric, double km) {
    RerankOptions options;
    options.metric = metric;
    options.threshold_km = km;
    return RerankPlaces(options, places).estimate->location;
  };
  EXPECT_LT(GreatCircleKm(answer("threshold", 1), pair), 1);
  EXPECT_LT(GreatCircleKm(answer("threshold", 200), region), 150);
  EXPECT_LT(GreatCircleKm(answer("geoscore", 1), region), 250);
  // Half of the training photos are wrong by some 200 km: that is the distance to come below.
  EXPECT_EQ(answer("median_km", 1), answer("threshold", DefaultPosteriorParameters().median_km));
}

TEST(PlacePosterior, ReRankingTwiceIsReRankingOnce) {
  Random random(4);
  std::vector<LatLon> places(20);
  for (auto& place : places) place = {random.Uniform(40, 50), random.Uniform(0, 20)};
  for (const auto& method : RerankerNames()) {
    if (method == "mlp") continue;  // needs a fitted network: evidence_test.cpp
    if (method == "none") continue;
    RerankOptions dbscan, options;
    dbscan.method = "dbscan";
    options.method = method;
    const auto once = RerankPlaces(options, places);
    const auto twice = Rerank(options, {RerankPlaces(dbscan, places)}, 1).at(0);
    if (method != "dbscan") {
      EXPECT_EQ(once.estimate->location, twice.estimate->location) << method;
    }
    EXPECT_EQ(Rerank(options, {once}, 1).at(0).candidates[0].gallery_id, once.candidates[0].gallery_id) << method;
  }
}

TEST(PlacePosterior, AnAnswerThatAgreesMovesTheList) {
  const std::vector<LatLon> places = {{35, 139}, {48.85, 2.35}, {-33, 151}, {40.7, -74}};
  const BayesJoin join{RerankOptions{}};
  const auto candidates = Similar(places);
  const std::vector<LatLon> answers = {{48.86, 2.30}};
  const auto both = join.Join(candidates, answers);
  ASSERT_TRUE(both);
  EXPECT_LT(GreatCircleKm(both->location, {48.85, 2.35}), 5);
  EXPECT_LT(both->confidence_km, join.Join(candidates, {})->confidence_km);
  // An answer alone is an answer; nothing at all is none.
  EXPECT_LT(GreatCircleKm(join.Join({}, answers)->location, answers[0]), 0.01);
  EXPECT_EQ(join.Join({}, {}), std::nullopt);
  // Samples that repeat are one answer's worth.
  const auto repeated = join.Join({}, std::vector<LatLon>(3, answers[0]));
  EXPECT_LT(GreatCircleKm(repeated->location, answers[0]), 0.01);

  CandidateList list{"q", candidates, std::nullopt};
  LmmAnswer answer;
  answer.query_id = "q";
  answer.location = answers[0];
  const Prediction prediction = MakeBayesAnswerJoin(RerankOptions{})(list, std::vector<LmmAnswer>{answer});
  EXPECT_EQ(prediction.id, "q");
  EXPECT_EQ(prediction.location, both->location);
  EXPECT_EQ(prediction.confidence_km, both->confidence_km);
}

TEST(PlacePosterior, ParametersWithoutAnswersRefuseThem) {
  PosteriorParameters parameters = DefaultPosteriorParameters();
  parameters.answers = parameters.list_with_answers = {};
  parameters.answer_widths_km.clear();
  const BayesJoin join(RerankOptions{}, parameters);
  EXPECT_THROW(join.Join({}, std::vector<LatLon>{{1, 2}}), InputError);
  EXPECT_THROW(PlacePosterior(parameters, PlacePosterior::Sources::kListAndAnswers), InputError);
}

TEST(PosteriorParameters, SurviveTheFile) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "p.yaml";
  WritePosteriorParameters(path, DefaultPosteriorParameters());
  EXPECT_EQ(ReadPosteriorParameters(path), DefaultPosteriorParameters());
  EXPECT_EQ(ReadPosteriorParameters(""), DefaultPosteriorParameters());
}

TEST(PosteriorParameters, MistakesNameFileAndKey) {
  const TemporaryFolder folder;
  const auto error_of = [&](const std::string& text) {
    try {
      ReadPosteriorParameters(folder.Write("bad.yaml", text));
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_THAT(error_of("widths_km: [1, 2]\nlist: {constant: [0]}\n"),
              AllOf(HasSubstr("bad.yaml"), HasSubstr("list.constant"), HasSubstr("2")));
  EXPECT_THAT(error_of("widths_km: [2, 1]\nlist: {constant: [0, 0]}\n"), HasSubstr("widths_km must rise"));
  EXPECT_THAT(error_of("width_km: [2, 1]\n"), AllOf(HasSubstr("bad.yaml"), HasSubstr("widths_km")));
  EXPECT_THAT(error_of("note: nothing\n"), HasSubstr("widths_km is empty"));
}

// Lists in which the first candidate, or any one with a better score, is right to 5 km, the others anywhere.
std::vector<FitExample> MadeExamples(int count, bool scores) {
  Random random(5);
  std::vector<FitExample> examples;
  for (int i = 0; i < count; ++i) {
    FitExample example;
    example.query_id = std::to_string(i);
    example.truth = {random.Uniform(-60, 60), random.Uniform(-180, 180)};
    std::vector<LatLon> places(6);
    for (auto& place : places) place = {random.Uniform(-60, 60), random.Uniform(-180, 180)};
    const std::size_t right = scores ? random.Below(places.size()) : 0;
    places[right] = Moved(example.truth, 5 * random.Normal(), 5 * random.Normal());
    example.similar = Similar(places);
    if (scores) {
      for (std::size_t k = 0; k < places.size(); ++k) {
        example.similar[k].score = (k == right ? 0.8 : 0.6) + 0.05 * random.Normal();
      }
    }
    examples.push_back(example);
  }
  return examples;
}

double ShareRight(const PosteriorParameters& parameters, const std::vector<FitExample>& examples) {
  const BayesJoin join(RerankOptions{}, parameters);
  int right = 0;
  for (const auto& example : examples) {
    right += GreatCircleKm(join.Join(example.similar, {})->location, example.truth) < 25 ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(examples.size());
}

TEST(FitPosterior, LearnsWidthAndGainsFromScores) {
  FitOptions options;
  options.widths_km = {1, 5, 100};
  const auto examples = MadeExamples(300, true);
  const PosteriorParameters fitted = FitPosterior(examples, options);
  EXPECT_FALSE(fitted.list.score.empty());
  EXPECT_NEAR(fitted.score.mean, 0.633, 0.01);
  auto blind = examples;
  for (auto& example : blind) {
    for (auto& candidate : example.similar) candidate.score.reset();
  }
  const PosteriorParameters without = FitPosterior(blind, options);
  EXPECT_TRUE(without.list.score.empty());
  EXPECT_GT(ShareRight(fitted, examples), 0.9);
  EXPECT_LT(ShareRight(without, blind), 0.4);
  // The same by choice.
  FitOptions ranks_only = options;
  ranks_only.evidence = {};
  const PosteriorParameters chosen = FitPosterior(examples, ranks_only);
  EXPECT_TRUE(chosen.list.score.empty());
  EXPECT_EQ(chosen.list.constant, without.list.constant);
  // Lists without scores are taken by parameters that know scores.
  EXPECT_GT(ShareRight(fitted, blind), 0.1);
}

TEST(FitPosterior, StatesProbabilitiesThatHold) {
  FitOptions options;
  options.widths_km = {1, 5, 100};
  const auto examples = MadeExamples(300, false);
  const PosteriorParameters fitted = FitPosterior(examples, options);
  const BayesJoin join(RerankOptions{}, fitted);
  double stated = 0, held = 0;
  for (const auto& example : examples) {
    const auto estimate = join.Join(example.similar, {});
    stated += estimate->within[1] / 300;
    held += GreatCircleKm(estimate->location, example.truth) < estimate->confidence_km ? 1.0 / 300 : 0;
  }
  EXPECT_NEAR(stated, ShareRight(fitted, examples), 0.1);
  EXPECT_NEAR(held, 0.5, 0.02);
}

TEST(FitPosterior, NothingToFitIsAnError) {
  EXPECT_THROW(FitPosterior({}, {}), InputError);
  FitExample empty;
  empty.truth = {1, 2};
  EXPECT_THROW(FitPosterior({empty}, {}), InputError);
  FitOptions options;
  options.penalty = -1;
  EXPECT_THROW(FitPosterior(MadeExamples(3, false), options), InputError);
}

TEST(FitPosterior, TheFingerprintIsOfTheSet) {
  EXPECT_EQ(TrainingFingerprint({"a", "b"}), TrainingFingerprint({"b", "a"}));
  EXPECT_NE(TrainingFingerprint({"a", "b"}), TrainingFingerprint({"a", "c"}));
}

// Whatever a table holds as score, there is one answer on Earth and probabilities are probabilities.
TEST(PlacePosterior, ScoresOfAnySizeAreSurvived) {
  PosteriorParameters parameters = DefaultPosteriorParameters();
  parameters.list.score = {1, 1, 1, 1};
  parameters.list.score_gap = {0.5, 0.5, 0.5, 0.5};
  parameters.list.gps_score = {1e6, -1e6, 1e6, 1};
  parameters.list.gps_score_gap = {-1e6, 1e6, 0, 1};
  const double infinity = std::numeric_limits<double>::infinity();
  const PlacePosterior posterior(parameters);
  PlacePosterior::Distribution distribution;
  for (const double score : {1e50, -1e50, 1e308, -1e308, infinity, -infinity, std::nan(""), 1e-300, 0.0}) {
    auto candidates = Similar({{10, 20}, {10.1, 20.1}, {-40, 100}});
    candidates[1].score = score;
    candidates[1].gps_score = score;
    candidates[2].score = 0.5;
    candidates[0].gps_score = -score;
    posterior.Condition({candidates, {}}, distribution);
    double sum = distribution.nowhere;
    for (const float w : distribution.weights) sum += w;
    EXPECT_NEAR(sum, 1, 1e-5) << score;
    const auto choice = posterior.Best(distribution, posterior.ExpectedScores(distribution), false);
    EXPECT_TRUE(IsValid(choice.estimate.location)) << score;
    EXPECT_TRUE(std::isfinite(choice.estimate.confidence_km)) << score;
  }
}

TEST(PlacePosterior, AbsurdParametersAreRefused) {
  TemporaryFolder folder;
  for (const double value : {1e7, -1e300, std::nan(""), std::numeric_limits<double>::infinity()}) {
    PosteriorParameters parameters = DefaultPosteriorParameters();
    parameters.list.log_rank[2] = value;
    try {
      PlacePosterior posterior(parameters);
      ADD_FAILURE() << value;
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr("list.log_rank holds"));
    }
  }
  WritePosteriorParameters(folder / "p.yaml", DefaultPosteriorParameters());
  std::string text = ReadFile(folder / "p.yaml");
  text.replace(text.find("-0.2448"), 7, "1e50");
  folder.Write("p.yaml", text);
  try {
    ReadPosteriorParameters(folder / "p.yaml");
    ADD_FAILURE();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("p.yaml:"));
    EXPECT_THAT(error.what(), HasSubstr("list.log_rank"));
    EXPECT_THAT(error.what(), HasSubstr("from -1e+06 to 1e+06"));
  }
}

TEST(PlacePosterior, ScoresThatCannotBeSimilaritiesAreNotFitted) {
  std::vector<FitExample> examples(3);
  for (int i = 0; i < 3; ++i) {
    auto& example = examples[static_cast<std::size_t>(i)];
    example.query_id = std::to_string(i);
    example.similar = Similar({{10, 20}, {30, 40}});
    example.similar[0].score = 1e50;
    example.similar[1].score = 1;
    example.truth = {10, 20};
  }
  EXPECT_THROW(FitPosterior(examples, {}), InputError);
}

}  // namespace
}  // namespace dualgeo
