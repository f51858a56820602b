#include "bayes_reranker.h"

#include "dualgeo/refine/place_posterior.h"

namespace dualgeo {
namespace {

class BayesReranker : public Reranker {
 public:
  explicit BayesReranker(const RerankOptions& options)
      : posterior_(ReadPosteriorParameters(options.parameters), PlacePosterior::Sources::kList, ParseLoss(options.metric), options.threshold_km),
        only_candidates_(options.answer == "candidate") {}

  std::optional<PlaceEstimate> Reorder(std::vector<Candidate>& similar) const override {
    thread_local PlacePosterior::Distribution distribution;
    posterior_.Condition({similar, {}}, distribution);
    std::vector<double> scores = posterior_.ExpectedScores(distribution);
    for (double& score : scores) score = RoundedScore(score);
    PlacePosterior::Choice choice = posterior_.Best(distribution, scores, only_candidates_);
    if (choice.place) choice.estimate.location = similar[*choice.place].location;
    for (std::size_t i = 0; i < similar.size(); ++i) {
      similar[i].cluster.reset();
      similar[i].rerank_score = scores[i];
    }
    SortByRerankScore(similar);
    return choice.estimate;
  }

 private:
  PlacePosterior posterior_;
  bool only_candidates_;
};

}  // namespace

std::unique_ptr<Reranker> MakeBayesReranker(const RerankOptions& options) {
  return std::make_unique<BayesReranker>(options);
}

}  // namespace dualgeo
