#include <cstdio>

#include "commands.h"
#include "dualgeo/util/error.h"
#include "networks.h"
#include "pipeline/run_info.h"

namespace dualgeo::tools {

void AddDoctor(CLI::App& root) {
  auto* command = root.add_subcommand("doctor", "say what this machine and this build can do");
  command->callback(WithNetworks([] {
    int problems = 0;
    for (const auto& line : Examine()) {
      std::printf("%-18s %s%s\n", line.subject.c_str(), line.problem ? "PROBLEM: " : "", line.finding.c_str());
      problems += line.problem ? 1 : 0;
    }
    if (problems > 0) throw Error("doctor found " + std::to_string(problems) + " problem(s), see above");
  }));
}

}  // namespace dualgeo::tools
