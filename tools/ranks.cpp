#include "ranks.h"

#ifndef DUALGEO_LIGHT
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "pipeline/ranks.h"

namespace dualgeo::tools {
namespace {

// The thread that computes waits for a rank that will not come.
void EndWithout(const std::string& line) {
  std::fprintf(stderr, "dualgeo: %s\n", line.c_str());
  _exit(StopRequested() ? 130 : 1);
}

}  // namespace

void ShareAmongRanks(const std::function<void()>& body) {
  const ProcessPlace place = PlaceFromEnvironment();
  if (place.size == 1) {
    body();
    return;
  }
  if (place.rank > 0) {
    spdlog::set_level(spdlog::level::warn);
    spdlog::set_pattern("%^%l%$: rank " + std::to_string(place.rank) + ": %v");
    if (std::freopen("/dev/null", "w", stdout) == nullptr) throw Error("cannot open /dev/null");
  }
  RunOnAllRanks(place, body, EndWithout);
}

}  // namespace dualgeo::tools
#endif
