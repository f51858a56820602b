// --config FILE (repeatable) and --set key.path=value (repeatable), the same for every command that needs a config.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/pipeline/experiment.h"
#include "dualgeo/util/output_path.h"

namespace dualgeo::tools {

// For CheckOutputs.
inline std::vector<InputPath> AllInputs(std::initializer_list<std::vector<InputPath>> parts) {
  std::vector<InputPath> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

class ConfigFlags {
 public:
  void Add(CLI::App& command) {
    command.add_option("--config", files_, "experiment file(s); later ones win; none: the built-in defaults");
    command.add_option("--set", overrides_, "key.path=value, wins over the files")->allow_extra_args(false);
  }
  // Throws InputError with file, line and key.
  ExperimentOptions Resolve() const { return ReadExperiment(files_, overrides_); }

  std::vector<InputPath> Inputs() const {
    std::vector<InputPath> inputs;
    for (const auto& file : files_) inputs.push_back({"--config", file});
    return inputs;
  }

 private:
  std::vector<std::filesystem::path> files_;
  std::vector<std::string> overrides_;
};

}  // namespace dualgeo::tools
