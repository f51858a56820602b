// Factors on the learning rate, parameter by parameter (see optimizer.h).
#pragma once

#include <string>
#include <vector>

#include "train/options.h"

namespace dualgeo {

// Of each of `names`, those of the parameters that are trained, in their order. Throws InputError as MakeOptimizer.
std::vector<double> LrFactors(const std::vector<std::string>& names, const TrainOptions& options);

}  // namespace dualgeo
