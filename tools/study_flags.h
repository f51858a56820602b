// What `ablate` and `robustness` have in common: a study's file, its own keys, the format of the tables.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "eval/text_table.h"
#include "util/output_path.h"

namespace dualgeo::tools {

struct StudyCommandFlags {
  std::filesystem::path config;
  std::vector<std::string> overrides;
  std::string format = "markdown";
  bool keys = false;

  // what: "ablation"
  void Add(CLI::App& command, const std::string& what, const std::string& contents = "") {
    command.add_option("--config", config, what + " file (docs/" + what + ".md)" + contents);
    command.add_option("--set", overrides, "key=value of the " + what + " file's own keys, wins over it")
        ->allow_extra_args(false);
    command.add_option("--format", format, "markdown, latex, csv or json")->capture_default_str();
    command.add_flag("--keys", keys, "print the keys that such a file may have");
  }

  // Reads the file, runs the study, prints its tables; or prints the keys.
  template <class Read, class RunStudy, class Format>
  void Run(std::string (*document)(), Read read, RunStudy run, Format print) const {
    if (keys) {
      std::fputs(document().c_str(), stdout);
      return;
    }
    const TableFormat table_format = ParseTableFormat(format);
    if (config.empty()) throw CLI::RequiredError("--config");
    const auto study = read(config, overrides);
    CheckOutputs({{"run_dir", study.options.run_dir, OutputKind::kFilledFolder}}, {{"--config", config}});
    CheckOutputs({{"shared", study.options.shared, OutputKind::kFilledFolder}}, {{"--config", config}});
    std::fputs(print(run(study), table_format).c_str(), stdout);
  }
};

}  // namespace dualgeo::tools
