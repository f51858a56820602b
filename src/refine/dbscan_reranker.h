// DualGeo's re-ranking: candidates by distance to the centre of the largest cluster.
#pragma once

#include <memory>

#include "dualgeo/refine/reranker.h"

namespace dualgeo {

// Clusters all candidates (Dbscan), takes the one with most members, noise aside (the earliest in rank on ties, so the
// better-ranked cluster wins), or all candidates when every one is noise, and sorts by great-circle distance to its
// centre (by former rank on ties). rerank_score is minus that distance in km.
std::unique_ptr<Reranker> MakeDbscanReranker(const RerankOptions& options);

}  // namespace dualgeo
