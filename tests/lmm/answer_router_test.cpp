#include "lmm/answer_router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/random.h"
#include "lmm/choose.h"
#include "refine/posterior_fit.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct RoutedPhoto {
  std::vector<Candidate> similar;
  LatLon answer, truth;
};

// Where the list agrees it is right, and the model's answer is a guess; where it does not, the model is.
std::vector<RoutedPhoto> RoutedPhotos(int count, std::uint64_t seed) {
  Random random(seed);
  const auto any = [&] { return LatLon{random.Uniform(-60, 60), random.Uniform(-170, 170)}; };
  std::vector<RoutedPhoto> photos;
  for (int n = 0; n < count; ++n) {
    const bool agrees = random.Chance(0.5);
    RoutedPhoto photo{{}, any(), any()};
    if (!agrees) photo.answer = {photo.truth.lat + 0.001, photo.truth.lon};
    for (int i = 0; i < 8; ++i) {
      Candidate c;
      c.rank = i + 1;
      c.location = agrees && i % 2 == 0 ? LatLon{photo.truth.lat + 0.001 * random.Normal(), photo.truth.lon} : any();
      photo.similar.push_back(c);
    }
    photos.push_back(std::move(photo));
  }
  return photos;
}

PosteriorParameters RoutedParameters(const std::vector<RoutedPhoto>& photos) {
  std::vector<FitExample> examples;
  for (const auto& photo : photos) examples.push_back({"", photo.similar, {photo.answer}, photo.truth});
  return FitPosterior(examples, {});
}

TEST(AnswerRouter, TakesWhoIsRight) {
  const auto training = RoutedPhotos(200, 1), others = RoutedPhotos(200, 2);
  const PosteriorParameters parameters = RoutedParameters(training);
  const BayesJoin join({}, parameters);
  std::vector<RouterCase> cases;
  std::vector<LatLon> truths;
  for (const auto& photo : training) {
    cases.push_back(LookAt(join, photo.similar, std::vector{photo.answer}));
    truths.push_back(photo.truth);
  }
  const AnswerRouterParameters router = FitAnswerRouter(cases, truths);
  int right = 0, list = 0, answer = 0;
  for (const auto& photo : others) {
    const RouterCase found = LookAt(join, photo.similar, std::vector{photo.answer});
    const auto within = [&](AnswerRoute route) {
      return GreatCircleKm(found.options[static_cast<std::size_t>(route)].location, photo.truth) < 1 ? 1 : 0;
    };
    right += within(ChooseRoute(router, found.features));
    list += within(AnswerRoute::kList);
    answer += within(AnswerRoute::kAnswer);
  }
  EXPECT_GT(right, 190);
  EXPECT_LT(list, 130);
  EXPECT_LT(answer, 130);
}

TEST(AnswerRouter, IsARuleOfChoice) {
  const TemporaryFolder folder;
  const auto photos = RoutedPhotos(200, 1);
  PosteriorParameters parameters = RoutedParameters(photos);
  RerankOptions rerank;
  rerank.parameters = (folder / "p.yaml").string();
  WritePosteriorParameters(rerank.parameters, parameters);
  EXPECT_THAT(RefusalOf([&] { AnswerJoinFor("router", rerank); }),
              AllOf(HasSubstr("needs parameters with a router"), HasSubstr("rerank fit --answers")));

  const BayesJoin join({}, parameters);
  std::vector<RouterCase> cases;
  std::vector<LatLon> truths;
  for (const auto& photo : photos) {
    cases.push_back(LookAt(join, photo.similar, std::vector{photo.answer}));
    truths.push_back(photo.truth);
  }
  parameters.router = FitAnswerRouter(cases, truths);
  WritePosteriorParameters(rerank.parameters, parameters);
  LmmOptions options;
  options.choose = "router";
  const Chooser chooser(options, {{}, AnswerJoinFor("router", rerank)});
  for (std::size_t i = 0; i < 20; ++i) {
    LmmAnswer answer;
    answer.location = photos[i].answer;
    const CandidateList list{"q", photos[i].similar, std::nullopt};
    const Prediction prediction = chooser.Choose(list, std::vector{answer});
    EXPECT_EQ(prediction.method, "lmm/router");
    EXPECT_EQ(prediction.id, "q");
    const AnswerRoute route = ChooseRoute(parameters.router, cases[i].features);
    EXPECT_EQ(prediction.model, ToString(route));
    const LatLon expected = cases[i].options[static_cast<std::size_t>(route)].location;
    EXPECT_LT(GreatCircleKm(*prediction.location, expected), 0.001);
    EXPECT_GT(prediction.confidence_km.value(), 0);
    // Without candidates there is nothing to route: the join, which is the model's answer.
    const Prediction alone = chooser.Choose({"q", {}, std::nullopt}, std::vector{answer});
    EXPECT_EQ(alone.model, "join");
    EXPECT_LT(GreatCircleKm(*alone.location, photos[i].answer), 0.001);
  }
}

}  // namespace
}  // namespace dualgeo
