// Predictor lmm: ask (or take answers from a table), choose, fall back.
#pragma once

#include <vector>

#include "lmm/predictor.h"

namespace dualgeo {

std::vector<Prediction> PredictWithLmm(const LmmOptions& options, const std::vector<CandidateList>& lists,
                                       const PredictInputs& inputs, PredictReport* report);

}  // namespace dualgeo
