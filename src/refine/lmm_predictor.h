// Predictor lmm: ask (or take answers from a table), choose, fall back.
#pragma once

#include <memory>
#include <vector>

#include "dualgeo/refine/predictor.h"

namespace dualgeo {

// Throws InputError: method lmm works on all photos at once.
std::unique_ptr<Predictor> MakeLmmPredictor(const PredictOptions& options);

std::vector<Prediction> PredictWithLmm(const LmmOptions& options, const std::vector<CandidateList>& lists,
                                       const PredictInputs& inputs, PredictReport* report);

}  // namespace dualgeo
