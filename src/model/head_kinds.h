// What each file of a head defines.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dualgeo/model/head.h"
#include "dualgeo/model/kinds.h"

namespace dualgeo {

#define DECLARE(name, make, columns)                                                  \
  std::shared_ptr<HeadImpl> make(const ModelOptions& model, const LossOptions& loss); \
  std::vector<std::string> columns(const ModelOptions& model);
DUALGEO_HEADS(DECLARE)
#undef DECLARE

// Of a head that learns from places alone.
std::vector<std::string> NoColumns(const ModelOptions& model);

}  // namespace dualgeo
