// A command that several processes do together (runtime/processes.h):
//
//   command->callback(WithNetworks(OnAllRanks([flags] { Train(flags->Resolve()); })));
//
// Ranks beside the first say only warnings, with their number, and print no results.
#pragma once

#include <functional>
#include <utility>

#include "networks.h"

namespace dualgeo::tools {

#ifdef DUALGEO_LIGHT
template <class Body>
Body OnAllRanks(Body body) {
  return body;
}
#else
void ShareAmongRanks(const std::function<void()>& body);

template <class Body>
auto OnAllRanks(Body body) {
  return [kept = std::move(body)] { ShareAmongRanks(kept); };
}
#endif

}  // namespace dualgeo::tools
