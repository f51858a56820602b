// Logs and progress go to stderr, results to stdout. Use spdlog::info / warn / error directly after SetupLogging().
#pragma once

#include <spdlog/spdlog.h>

namespace dualgeo {

// quiet: warnings and errors only; verbose: debug too.
void SetupLogging(bool quiet = false, bool verbose = false);

}  // namespace dualgeo
