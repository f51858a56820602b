// --config FILE (repeatable), --set key.path=value (repeatable), and flags that stand for keys of the config: the same
// for every command. What a flag means, takes and is by default says the option tree alone.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/option_values.h"
#include "pipeline/experiment.h"
#include "pipeline/run_paths.h"
#include "util/output_path.h"

namespace dualgeo::tools {

// For CheckOutputs.
inline std::vector<InputPath> AllInputs(std::initializer_list<std::vector<InputPath>> parts) {
  std::vector<InputPath> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// The files that a config names: weights, tables, prompts, parameters. (Its folders are the commands' to think of: one
// may well be what is made.)
inline std::vector<InputPath> FilesNamedBy(ExperimentOptions options) {
  std::vector<InputPath> files;
  ForEachField(OptionTree(options), "", [&](const std::string& key, const OptionNode& node) {
    std::error_code ignored;
    const std::string file = node.affects == Affects::kContent ? ValueText(node) : "";
    if (!file.empty() && std::filesystem::is_regular_file(file, ignored)) files.push_back({key, file});
  });
  return files;
}

// The same of a run's own config; that there is none, or a damaged one, is its reader's to say.
inline std::vector<InputPath> FilesOfRun(const std::filesystem::path& run_dir) {
  try {
    return FilesNamedBy(ReadKeptExperiment(RunPaths(run_dir).config()));
  } catch (const std::exception&) {
    return {};
  }
}

// "rerank.eps_km" -> "--eps-km"
inline std::string FlagOf(const std::string& key) {
  std::string flag = "--" + key.substr(key.rfind('.') + 1);
  std::ranges::replace(flag, '_', '-');
  return flag;
}

// What a flag says of itself where the field's own words do not do.
struct FlagWords {
  std::string before = "";  // the field's help ("lmm: ")
  std::string help = "";    // instead of the field's
};

// Flags for fields of one option tree, and what they were given.
class FieldFlags {
 public:
  void Add(CLI::App& command, const OptionGroup& options, const std::string& key, const FlagWords& words = {}) {
    const std::string flag = FlagOf(key);
    OptionNode field = FindField(options, key);
    if (!words.help.empty()) field.help = words.help;
    const std::string help = words.before + DescribeField(field);
    const auto take = [this, flag, key](const std::string& value) { given_.push_back({flag, key, value}); };
    if (std::holds_alternative<bool*>(field.value)) {
      command.add_flag_callback(
          flag, [take] { take("true"); }, help);
      return;
    }
    CLI::Option* option = command.add_option_function<std::string>(flag, take, help);
    std::string standard = ValueText(field);
    if (standard.starts_with('[')) {  // a list, as it is given: 1,25,200
      standard = standard.substr(1, standard.size() - 2);
      std::erase(standard, ' ');
    }
    if (!standard.empty() && standard != "null") option->default_str(standard);
  }

  const std::vector<ConfigFlag>& given() const { return given_; }
  bool Given(const std::string& key) const {
    return std::ranges::any_of(given_, [&](const ConfigFlag& flag) { return flag.key == key; });
  }

 private:
  std::vector<ConfigFlag> given_;
};

class ConfigFlags {
 public:
  void Add(CLI::App& command) {
    command.add_option("--config", files_, "experiment file, repeatable; later ones win; none: the built-in defaults")
        ->allow_extra_args(false);
    command.add_option("--set", overrides_, "key.path=value, wins over the files")->allow_extra_args(false);
  }
  // A flag for one key, which wins over --set.
  void Field(CLI::App& command, const std::string& key, const FlagWords& words = {}) {
    ExperimentOptions defaults;
    fields_.Add(command, OptionTree(defaults), key, words);
  }
  // A flag for each key right below `section`.
  void Section(CLI::App& command, const std::string& section, const std::vector<std::string>& without = {}) {
    ExperimentOptions defaults;
    const OptionGroup tree = OptionTree(defaults);
    ForEachField(tree, "", [&](const std::string& key, const OptionNode&) {
      if (!key.starts_with(section + ".") || key.find('.', section.size() + 1) != std::string::npos) return;
      if (std::ranges::find(without, key.substr(section.size() + 1)) == without.end()) fields_.Add(command, tree, key);
    });
  }
  bool Given(const std::string& key) const { return fields_.Given(key); }
  // Throws InputError with file, line and key, or the flag.
  ExperimentOptions Resolve() const { return ReadExperiment(files_, overrides_, fields_.given()); }

  std::vector<InputPath> Inputs() const {
    std::vector<InputPath> inputs;
    for (const auto& given : files_) {
      for (const auto& file : FilesOfConfig(given)) inputs.push_back({"--config", file});
    }
    return inputs;
  }
  // And the files that the config names.
  std::vector<InputPath> Inputs(const ExperimentOptions& options) const {
    return AllInputs({Inputs(), FilesNamedBy(options)});
  }

 private:
  std::vector<std::filesystem::path> files_;
  std::vector<std::string> overrides_;
  FieldFlags fields_;
};

}  // namespace dualgeo::tools
