// Kernel densities of the list at its own candidates.
#pragma once

#include <memory>

#include "dualgeo/refine/reranker.h"

namespace dualgeo {

// Vo, Jacobs, Hays 2017, "Revisiting IM2GPS in the deep learning era": the density of the neighbours under a Gaussian
// kernel of width density_km, and its greatest value among them is the answer. rerank_score is the weighted sum of the
// kernels; weight auto is equal, as in the paper's [L]kNN rule; weight score with score_power m is its exponent m.
std::unique_ptr<Reranker> MakeDensityReranker(const RerankOptions& options);

// The sum of such densities (each kernel 1 at its centre) over widths_km; weight auto is rank.
std::unique_ptr<Reranker> MakeMultiscaleReranker(const RerankOptions& options);

}  // namespace dualgeo
