// Leaves the order as it is: the baseline that every re-ranker is compared with.
#include "rerankers.h"

namespace dualgeo {
namespace {

class NoneReranker : public Reranker {
 public:
  std::optional<PlaceEstimate> Reorder(std::vector<Candidate>& similar, const PlacePosterior&) const override {
    // An earlier re-ranking's marks say nothing about this order.
    for (auto& candidate : similar) {
      candidate.cluster.reset();
      candidate.rerank_score.reset();
    }
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<Reranker> MakeNoneReranker(const RerankOptions&) { return std::make_unique<NoneReranker>(); }

}  // namespace dualgeo
