// The re-rankers: one file each (NAME_reranker.cpp), and one line here.
#pragma once

#include <memory>

#include "refine/reranker.h"

// rerank.method, and what makes it.
#define DUALGEO_RERANKERS(KIND)              \
  KIND("none", MakeNoneReranker)             \
  KIND("dbscan", MakeDbscanReranker)         \
  KIND("density", MakeDensityReranker)       \
  KIND("multiscale", MakeMultiscaleReranker) \
  KIND("mean_shift", MakeMeanShiftReranker)  \
  KIND("kde", MakeKdeReranker)               \
  KIND("bayes", MakeBayesReranker)           \
  KIND("mlp", MakeMlpReranker)

namespace dualgeo {

#define DECLARE(name, make) std::unique_ptr<Reranker> make(const RerankOptions& options);
DUALGEO_RERANKERS(DECLARE)
#undef DECLARE

}  // namespace dualgeo
