// Several processes over LibTorch's c10d.
#pragma once

#include <memory>

#include "runtime/processes.h"

namespace dualgeo {

std::unique_ptr<Processes> ConnectC10d(const ProcessPlace& place, LostRank lost);

}  // namespace dualgeo
