// The first similar candidate's coordinates.
#pragma once

#include <memory>

#include "dualgeo/refine/predictor.h"

namespace dualgeo {

std::unique_ptr<Predictor> MakeTop1Predictor(const PredictOptions& options);

}  // namespace dualgeo
