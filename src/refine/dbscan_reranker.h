// DualGeo's re-ranking: candidates by distance to the centre of the largest cluster.
#pragma once

#include <memory>

#include "dualgeo/refine/reranker.h"

namespace dualgeo {

// Clusters all candidates (Dbscan) and takes one cluster by cluster_choice: size, most members; weight, greatest sum of
// CandidateWeights (auto: rank); best_rank, the one that holds the best-ranked candidate that is not noise. The first
// in the list wins ties; when every candidate is noise, all are taken together.
//
// order center: by great-circle distance to the cluster's centre; rerank_score is minus that distance in km. order
// rank: the cluster's members by rank, then the others by rank; rerank_score is 1 / rank, plus 1 for members.
std::unique_ptr<Reranker> MakeDbscanReranker(const RerankOptions& options);

}  // namespace dualgeo
