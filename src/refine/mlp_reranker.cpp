// Re-ranking by a small network that was fitted to pairs of candidates.
#include "rerankers.h"

#include "refine/mlp_fit.h"

namespace dualgeo {
namespace {

class MlpReranker : public Reranker {
 public:
  std::optional<PlaceEstimate> Reorder(std::vector<Candidate>& similar,
                                       const PlacePosterior& posterior) const override {
    const auto scores = MlpScores(posterior.parameters().mlp, MlpFeaturesOf(posterior, similar));
    for (std::size_t i = 0; i < similar.size(); ++i) {
      similar[i].cluster.reset();
      similar[i].rerank_score = RoundedScore(scores[i]);
    }
    SortByRerankScore(similar);
    return std::nullopt;
  }
};

}  // namespace

// Sorts by the network's number (rerank_score; only differences mean anything) and answers with the first candidate.
// The network is part of the parameters (refine/mlp_fit.h).
std::unique_ptr<Reranker> MakeMlpReranker(const RerankOptions&) { return std::make_unique<MlpReranker>(); }

}  // namespace dualgeo
