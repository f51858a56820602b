// dualgeo ablate: rows of settings, times seeds, in one table.

#include <cstdio>
#include <memory>

#include "commands.h"
#include "dualgeo/pipeline/ablation.h"
#include "dualgeo/util/output_path.h"
#include "networks.h"

namespace dualgeo::tools {

void AddAblate(CLI::App& root) {
  struct Flags {
    std::filesystem::path config;
    std::vector<std::string> overrides;
    std::string format = "markdown";
    bool keys = false;
  };
  auto flags = std::make_shared<Flags>();
  auto* command = root.add_subcommand("ablate", "compare variants of a config over several seeds");
  command->add_option("--config", flags->config, "ablation file (docs/ablation.md): base, seeds, rows or axes");
  command->add_option("--set", flags->overrides, "key=value of the ablation file's own keys, wins over it")
      ->allow_extra_args(false);
  command->add_option("--format", flags->format, "markdown, latex, csv or json")->capture_default_str();
  command->add_flag("--keys", flags->keys, "print the keys that an ablation file may have");
  command->callback(WithNetworks([flags] {
    if (flags->keys) {
      std::fputs(DocumentAblation().c_str(), stdout);
      return;
    }
    const TableFormat format = ParseTableFormat(flags->format);
    if (flags->config.empty()) throw CLI::RequiredError("--config");
    const Ablation ablation = ReadAblation(flags->config, flags->overrides);
    CheckOutputs({{"run_dir", ablation.options.run_dir, OutputKind::kFilledFolder}}, {{"--config", flags->config}});
    CheckOutputs({{"shared", ablation.options.shared, OutputKind::kFilledFolder}}, {{"--config", flags->config}});
    const AblationResult result = RunAblation(ablation);
    std::fputs(FormatAblation(result, format).c_str(), stdout);
  }));
}

}  // namespace dualgeo::tools
