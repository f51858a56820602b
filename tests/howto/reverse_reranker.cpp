// A made-up re-ranker: the last candidate first.
#include <algorithm>

#include "rerankers.h"

namespace dualgeo {
namespace {

class ReverseReranker : public Reranker {
 public:
  std::optional<PlaceEstimate> Reorder(std::vector<Candidate>& similar, const PlacePosterior&) const override {
    std::ranges::reverse(similar);
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<Reranker> MakeReverseReranker(const RerankOptions&) { return std::make_unique<ReverseReranker>(); }

}  // namespace dualgeo
