// Re-ranking scored on photographers that its parameters have never seen.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/predictions.h"
#include "refine/posterior_fit.h"
#include "refine/rerank_options.h"

namespace dualgeo {

// Lists, and perhaps an LMM's answers, with the truth.
struct RerankStudy {
  PhotoTable truth;
  std::vector<CandidateList> lists;
  std::unordered_map<std::string, std::vector<LatLon>> answers;  // by photo; only those with a location

  // One example for each photo of the truth, in its order: without candidates where there is no list. with_answers:
  // else all are left out.
  std::vector<FitExample> Examples(int top_k, bool with_answers) const;
};

// Throws InputError when the truth shares no photo with the lists.
void CheckStudy(const RerankStudy& study);

// Keeps the photos of the truth that have both a list and an answer.
RerankStudy WithAnswers(const RerankStudy& study);

// Cross-validation over AuthorFolds: for each fold parameters fitted on the others, and the examples of its own.
void ForEachFold(
    const RerankStudy& study, const std::vector<FitExample>& examples, const FitOptions& fit, int folds,
    std::uint64_t seed,
    const std::function<void(const PosteriorParameters& parameters, const std::vector<std::size_t>& held_out)>& score);

// By row of the truth; nothing for a photo without candidates or answers.
using Estimates = std::vector<std::optional<PlaceEstimate>>;

// By given parameters: bayes, or the answer of another method with the confidence that the parameters give it. Answers
// take part when with_answers, which only bayes can.
Estimates EstimateAll(const RerankStudy& study, const RerankOptions& options, const PosteriorParameters& parameters,
                      bool with_answers);

// The same, each fold of photographers (AuthorFolds) by parameters fitted on the others.
Estimates EstimateHeldOut(const RerankStudy& study, const RerankOptions& options, const FitOptions& fit, int folds,
                          std::uint64_t seed, bool with_answers);

std::vector<Prediction> ToPredictions(const RerankStudy& study, const Estimates& estimates, const std::string& method);

}  // namespace dualgeo
