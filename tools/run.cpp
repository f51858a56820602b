#include <cstdio>

#include "commands.h"
#include "config_flags.h"
#include "dualgeo/eval/tables.h"
#include "dualgeo/pipeline/run.h"
#include "networks.h"
#include "ranks.h"

namespace dualgeo::tools {

void AddRun(CLI::App& root) {
  auto* command = root.add_subcommand("run", "walk the whole pipeline, skipping what is already done");
  auto flags = std::make_shared<ConfigFlags>();
  auto json = std::make_shared<bool>(false);
  flags->Add(*command);
  command->add_flag("--json", *json, "print the scores as JSON");
  command->callback(WithNetworks(OnAllRanks([flags, json] {
    const auto options = flags->Resolve();
    CheckOutputs({{"run_dir", options.run_dir, OutputKind::kFilledFolder}}, flags->Inputs());
    const auto scores = RunPipeline(options);
    if (!*json) {
      std::fputs(FormatScores(scores).c_str(), stdout);
      return;
    }
    std::vector<Evaluation> evaluations;
    for (const auto& benchmark : scores) {
      evaluations.insert(evaluations.end(), benchmark.evaluations.begin(), benchmark.evaluations.end());
    }
    std::fputs(FormatTable(evaluations, TableFormat::kJson).c_str(), stdout);
  })));
}

}  // namespace dualgeo::tools
