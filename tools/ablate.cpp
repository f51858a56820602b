// dualgeo ablate: rows of settings, times seeds, in one table.

#include <memory>

#include "commands.h"
#include "networks.h"
#include "pipeline/ablation.h"
#include "study_flags.h"

namespace dualgeo::tools {

void AddAblate(CLI::App& root) {
  const auto flags = std::make_shared<StudyCommandFlags>();
  auto* command = root.add_subcommand("ablate", "compare variants of a config over several seeds");
  flags->Add(*command, "ablation", ": base, seeds, rows or axes");
  command->callback(
      WithNetworks([flags] { flags->Run(DocumentAblation, ReadAblationFile, RunAblation, FormatAblation); }));
}

}  // namespace dualgeo::tools
