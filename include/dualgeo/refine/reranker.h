// Re-ranking: a new order for one query's candidates, from their coordinates, ranks and scores alone.
//
// A new re-ranker is one file that implements Reranker and one line in the table of reranker.cpp; it is then a value of
// rerank.method and of --method.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/rerank_options.h"

namespace dualgeo {

class Reranker {
 public:
  virtual ~Reranker() = default;

  // `similar`: the best top_k similar candidates by rank; sets their order, cluster and rerank_score. Ranks are
  // numbered by the caller. Never called with an empty list. Thread-safe.
  virtual void Reorder(std::vector<Candidate>& similar) const = 0;
};

// Throws InputError for options that are out of range or a method that does not exist.
std::unique_ptr<Reranker> MakeReranker(const RerankOptions& options);

// Each list with its first top_k similar candidates in their new order (rank 1.. anew, retrieval_rank the one before;
// kept from the first retrieval when a list is re-ranked twice), then its dissimilar candidates as they were.
CandidateList Rerank(const Reranker& reranker, CandidateList list, int top_k);
// All lists, on `threads` threads (0: all cores); the result does not depend on how many.
std::vector<CandidateList> Rerank(const RerankOptions& options, std::vector<CandidateList> lists, int threads = 0);

}  // namespace dualgeo
