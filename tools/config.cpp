#include <cstdio>

#include "commands.h"
#include "config_flags.h"

namespace dualgeo::tools {

void AddConfig(CLI::App& root) {
  auto* command = root.add_subcommand("config", "print the resolved config, or document every key");
  auto flags = std::make_shared<ConfigFlags>();
  auto document = std::make_shared<bool>(false);
  flags->Add(*command);
  command->add_flag("--document", *document, "print the reference of every key (docs/config.md) instead");
  command->callback([flags, document] {
    const std::string text = *document ? DocumentExperiment() : DumpExperiment(flags->Resolve());
    std::fputs(text.c_str(), stdout);
  });
}

}  // namespace dualgeo::tools
