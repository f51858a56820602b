#include "lmm/answer_join.h"

#include <algorithm>
#include <memory>

#include "dualgeo/refine/posterior_area.h"
#include "dualgeo/util/error.h"
#include "lmm/answer_router.h"
#include "refine/reranker.h"

namespace dualgeo {
namespace {

constexpr const char* kFittedWithoutAnswers =
    "the re-ranking parameters were fitted without LMM answers and cannot weigh them; fit with --answers";

}  // namespace

BayesJoin::BayesJoin(const RerankOptions& options) : BayesJoin(options, ReadPosteriorParameters(options.parameters)) {}

BayesJoin::BayesJoin(const RerankOptions& options, const PosteriorParameters& parameters)
    : list_(parameters, PlacePosterior::Sources::kList, ParseLoss(options.metric), options.threshold_km),
      top_k_(static_cast<std::size_t>(options.top_k)),
      only_places_(options.answer == "candidate"),
      areas_(options.areas) {
  options.Validate();
  if (parameters.has_answers()) {
    joint_.emplace(parameters, PlacePosterior::Sources::kListAndAnswers, ParseLoss(options.metric),
                   options.threshold_km);
  }
}

const PlacePosterior& BayesJoin::PosteriorFor(std::span<const LatLon> answers) const {
  if (!answers.empty() && !joint_) {
    throw InputError(kFittedWithoutAnswers);
  }
  return answers.empty() ? list_ : *joint_;
}

std::optional<PlaceEstimate> BayesJoin::Join(std::span<const Candidate> similar,
                                             std::span<const LatLon> answers) const {
  similar = TopOf(similar);
  if (similar.empty() && answers.empty()) return std::nullopt;
  const PlacePosterior& posterior = PosteriorFor(answers);
  thread_local PlacePosterior::Distribution distribution;
  posterior.Condition({similar, answers}, distribution);
  std::vector<double> scores = posterior.ExpectedScores(distribution);
  for (double& score : scores) score = RoundedScore(score);
  PlacePosterior::Choice choice = posterior.Best(distribution, scores, only_places_);
  if (choice.place) {
    const std::size_t i = *choice.place;
    choice.estimate.location = i < similar.size() ? similar[i].location : answers[i - similar.size()];
  }
  if (areas_) {
    choice.estimate.areas =
        MeasureAreas(PosteriorCells(posterior, distribution), posterior.conformal(), choice.estimate.confidence_km);
  }
  return choice.estimate;
}

std::span<const Candidate> SimilarOf(const CandidateList& list) {
  const auto first_dissimilar = std::find_if(list.candidates.begin(), list.candidates.end(),
                                             [](const Candidate& candidate) { return !candidate.similar; });
  return {list.candidates.begin(), first_dissimilar};
}

AnswerJoin MakeBayesAnswerJoin(const RerankOptions& options) {
  const auto join = std::make_shared<const BayesJoin>(options);
  return [join](const CandidateList& list, std::span<const LmmAnswer> answers) {
    std::vector<LatLon> places;
    for (const LmmAnswer& answer : answers) {
      if (answer.location) places.push_back(*answer.location);
    }
    const auto estimate = join->Join(SimilarOf(list), places);
    Prediction prediction;
    prediction.id = list.query_id;
    prediction.method = "bayes";
    if (estimate) {
      prediction.location = estimate->location;
      prediction.confidence_km = estimate->confidence_km;
      prediction.areas = estimate->areas;
    } else {
      prediction.reason = "no candidates and no answers";
    }
    return prediction;
  };
}

AnswerJoin AnswerJoinFor(const std::string& choose, const RerankOptions& options) {
  if (choose == "router") return MakeRoutedAnswerJoin(options);
  if (choose != "bayes" && choose != "auto") return {};
  const bool knows_answers = ReadPosteriorParameters(options.parameters).has_answers();
  // Said before the first question is asked, and paid.
  if (choose == "bayes" && !knows_answers) throw InputError(options.parameters + ": " + kFittedWithoutAnswers);
  return knows_answers ? MakeBayesAnswerJoin(options) : AnswerJoin{};
}

}  // namespace dualgeo
