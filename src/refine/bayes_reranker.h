// Re-ranking by expected score under the posterior over places.
#pragma once

#include <memory>

#include "dualgeo/refine/reranker.h"

namespace dualgeo {

// Sorts by expected score (rerank_score, in [0, 1]) and answers with the best point (PlacePosterior::Best). The point
// need not be a candidate: it is the list's estimate, which `predict --method top1` takes; the candidates stay the ones
// that were retrieved, the best of them first.
std::unique_ptr<Reranker> MakeBayesReranker(const RerankOptions& options);

}  // namespace dualgeo
