// What each file of an optimizer defines.
#pragma once

#include <memory>

#include "train/kinds.h"
#include "train/optimizer.h"

namespace dualgeo {

#define DECLARE(name, make) \
  std::unique_ptr<Optimizer> make(const torch::nn::Module& module, const TrainOptions& options);
DUALGEO_OPTIMIZERS(DECLARE)
#undef DECLARE

}  // namespace dualgeo
