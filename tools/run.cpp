#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "commands.h"
#include "config_flags.h"
#include "eval/tables.h"
#include "networks.h"
#include "pipeline/run.h"
#include "pipeline/run_paths.h"
#include "ranks.h"

namespace dualgeo::tools {
namespace {

// After a finished run: what to look at, and what to ask it.
void SayWhatToOpen(const ExperimentOptions& options) {
  const RunPaths paths(options);
  std::error_code ignored;
  const auto report = std::filesystem::absolute(paths.root / "report.html", ignored);
  if (std::filesystem::exists(report, ignored)) spdlog::info("open {} in a browser", report.string());
  if (std::filesystem::exists(paths.gallery(), ignored)) {
    spdlog::info("ask about a photo: dualgeo locate PHOTO --run {}", paths.root.string());
  }
}

}  // namespace

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
    if (*json) {
      std::vector<Evaluation> evaluations;
      for (const auto& benchmark : scores) {
        evaluations.insert(evaluations.end(), benchmark.evaluations.begin(), benchmark.evaluations.end());
      }
      std::fputs(FormatTable(evaluations, TableFormat::kJson).c_str(), stdout);
    } else {
      std::fputs(FormatScores(scores).c_str(), stdout);
    }
    std::fflush(stdout);
    SayWhatToOpen(options);
  })));
}

}  // namespace dualgeo::tools
