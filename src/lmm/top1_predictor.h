// The answer of re-ranking, or the first candidate of a list that was not re-ranked.
#pragma once

#include <memory>

#include "lmm/predictor.h"

namespace dualgeo {

// The list's estimate with its confidence_km where there is one (it need not be a candidate's place), else the first
// similar candidate.
std::unique_ptr<Predictor> MakeTop1Predictor(const PredictOptions& options);

}  // namespace dualgeo
