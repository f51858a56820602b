// An LMM's answers and the retrieval list in one posterior: each answer is a weighted candidate with its own fitted
// weight and widths, and moves the weights of the candidates near it.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/place_posterior.h"
#include "lmm/answers.h"
#include "refine/rerank_options.h"

namespace dualgeo {

// The bayes rule for a list, with or without answers.
class BayesJoin {
 public:
  // Reads options.parameters; options.metric, threshold_km, answer and top_k as in re-ranking. Throws InputError.
  explicit BayesJoin(const RerankOptions& options);
  BayesJoin(const RerankOptions& options, const PosteriorParameters& parameters);

  // The place with the greatest expected score; nothing when there are neither candidates nor answers. `similar` in
  // order of rank; the first top_k take part. Throws InputError for answers when the parameters were fitted without.
  // With its areas where options.areas are asked for.
  std::optional<PlaceEstimate> Join(std::span<const Candidate> similar, std::span<const LatLon> answers) const;
  // The candidates that take part.
  std::span<const Candidate> TopOf(std::span<const Candidate> similar) const {
    return similar.first(std::min(similar.size(), top_k_));
  }
  // What Join goes by. Throws as it does.
  const PlacePosterior& PosteriorFor(std::span<const LatLon> answers) const;

 private:
  PlacePosterior list_;
  std::optional<PlacePosterior> joint_;  // where the parameters know answers
  std::size_t top_k_;
  bool only_places_, areas_;
};

// A list's similar candidates.
std::span<const Candidate> SimilarOf(const CandidateList& list);

// What predict.lmm.choose needs: the join for bayes, and for auto where the parameters know answers; the router's
// (lmm/answer_router.h) for router; else none. Throws InputError for bayes with parameters that know no answers.
AnswerJoin AnswerJoinFor(const std::string& choose, const RerankOptions& options);

// The same as a rule for `predict --method lmm` with choose: bayes. The prediction's method is "bayes".
AnswerJoin MakeBayesAnswerJoin(const RerankOptions& options);

}  // namespace dualgeo
