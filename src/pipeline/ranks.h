// A command that several processes do together (runtime/processes.h). Light: no LibTorch here.
#pragma once

#include <functional>
#include <string>

#include "runtime/process_place.h"

namespace dualgeo {

// Connects the processes, does `body`, and waits for all; what a rank throws, the others are told. lost: ends this
// process, with a line, where another rank is gone and `body` would not find out. place: of several.
void RunOnAllRanks(const ProcessPlace& place, const std::function<void()>& body,
                   std::function<void(const std::string& line)> lost);

}  // namespace dualgeo
