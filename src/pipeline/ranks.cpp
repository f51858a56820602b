#include "pipeline/ranks.h"

#include "runtime/processes.h"

namespace dualgeo {

void RunOnAllRanks(const ProcessPlace& place, const std::function<void()>& body,
                   std::function<void(const std::string& line)> lost) {
  Processes& all = StartProcesses(place, std::move(lost));
  try {
    body();
    all.Finish();
  } catch (const std::exception& error) {
    const std::string what = error.what();
    all.Fail(what.substr(0, what.find('\n')));
    throw;
  }
}

}  // namespace dualgeo
