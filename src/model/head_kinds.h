// What each file of a head defines.
#pragma once

#include <memory>

#include "dualgeo/model/head.h"
#include "dualgeo/model/kinds.h"

namespace dualgeo {

#define DECLARE(name, make) std::shared_ptr<HeadImpl> make(const ModelOptions& model, const LossOptions& loss);
DUALGEO_HEADS(DECLARE)
#undef DECLARE

}  // namespace dualgeo
