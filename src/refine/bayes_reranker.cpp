// Re-ranking by expected score under the posterior over places.
#include "rerankers.h"

#include "dualgeo/refine/place_posterior.h"

namespace dualgeo {
namespace {

class BayesReranker : public Reranker {
 public:
  explicit BayesReranker(const RerankOptions& options) : only_candidates_(options.answer == "candidate") {
    const Loss loss = ParseLoss(options.metric);
    if (options.parameters.empty() && loss == Loss::kMeanAccuracy) return;
    own_.emplace(ReadPosteriorParameters(options.parameters), PlacePosterior::Sources::kList, loss,
                 options.threshold_km);
  }

  std::optional<PlaceEstimate> Reorder(std::vector<Candidate>& similar, const PlacePosterior&) const override {
    thread_local PlacePosterior::Distribution distribution;
    const PlacePosterior& posterior = own_ ? *own_ : DefaultPosterior();
    posterior.Condition({similar, {}}, distribution);
    std::vector<double> scores = posterior.ExpectedScores(distribution);
    for (double& score : scores) score = RoundedScore(score);
    PlacePosterior::Choice choice = posterior.Best(distribution, scores, only_candidates_);
    if (choice.place) choice.estimate.location = similar[*choice.place].location;
    for (std::size_t i = 0; i < similar.size(); ++i) {
      similar[i].cluster.reset();
      similar[i].rerank_score = scores[i];
    }
    SortByRerankScore(similar);
    return choice.estimate;
  }

 private:
  std::optional<PlacePosterior> own_;  // else the default
  bool only_candidates_;
};

}  // namespace

// Sorts by expected score (rerank_score, in [0, 1]) and answers with the best point (PlacePosterior::Best). The point
// need not be a candidate: it is the list's estimate, which `predict --method top1` takes; the candidates stay the ones
// that were retrieved, the best of them first.
std::unique_ptr<Reranker> MakeBayesReranker(const RerankOptions& options) {
  return std::make_unique<BayesReranker>(options);
}

}  // namespace dualgeo
