#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>

#include "commands.h"
#include "dualgeo/util/error.h"
#include "eval/comparison_table.h"
#include "score_flags.h"
#include "util/atomic_file.h"
#include "util/output_path.h"

namespace dualgeo::tools {
namespace {

namespace fs = std::filesystem;

struct CompareFlags {
  ScoreFlags score;
  std::vector<std::string> files, groups;
  std::string against;
  fs::path unmatched_out;
};

struct Input {
  std::string name;
  std::vector<fs::path> files;
};

// "NAME=FILE" or FILE, whose stem is its name; or its path, where stems are the same (runs/a/predictions.csv ...).
std::vector<Input> SingleFiles(const std::vector<std::string>& arguments) {
  std::vector<Input> inputs;
  std::map<std::string, int> stems;
  for (const auto& argument : arguments) {
    const auto equals = argument.find('=');
    if (equals != std::string::npos && equals > 0 && !fs::exists(argument)) {
      inputs.push_back({argument.substr(0, equals), {argument.substr(equals + 1)}});
    } else {
      inputs.push_back({"", {argument}});
      ++stems[fs::path(argument).stem().string()];
    }
  }
  for (auto& input : inputs) {
    if (!input.name.empty()) continue;
    const std::string stem = input.files[0].stem().string();
    input.name = stems[stem] == 1 ? stem : input.files[0].string();
  }
  return inputs;
}

// "NAME=a0.csv,a1.csv"
Input Group(const std::string& text) {
  const auto equals = text.find('=');
  Input input;
  if (equals != std::string::npos) {
    input.name = text.substr(0, equals);
    for (const auto& file : CLI::detail::split(text.substr(equals + 1), ',')) input.files.emplace_back(file);
  }
  bool bad = input.name.empty() || input.files.empty();
  for (const auto& file : input.files) bad = bad || file.empty();
  if (bad) throw InputError("--group '" + Printable(text) + "': expected NAME=FILE,FILE,...");
  return input;
}

void Run(const CompareFlags& flags) {
  const EvaluateOptions scoring = flags.score.Options();
  const TableFormat format = flags.score.Format();
  std::vector<Input> inputs = SingleFiles(flags.files);
  for (const auto& group : flags.groups) inputs.push_back(Group(group));
  if (inputs.size() < 2) throw InputError("compare: give two prediction files (or --group) or more");

  std::vector<InputPath> files = flags.score.config.Inputs(flags.score.config.Resolve());
  files.push_back({"--truth", flags.score.truth});
  for (const auto& input : inputs) {
    for (const auto& file : input.files) files.push_back({input.name, file});
  }
  CheckOutputs({{"--out", flags.score.out}, {"--unmatched-out", flags.unmatched_out}}, files);
  const PhotoTable truth = flags.score.ReadTruth();
  const auto clusters = ChooseClusters(scoring.cluster, truth);
  Provenance provenance = flags.score.MakeProvenance(scoring);
  std::vector<Method> methods;
  for (const auto& input : inputs) {
    Method method{input.name, {}};
    for (const auto& file : input.files) {
      EvaluationSubject subject;
      subject.method = input.name;
      subject.clusters = clusters;
      subject.predictions_file = file.string();
      const auto predictions = ReadPredictions(file, flags.score.ReadColumns());
      method.runs.push_back(Evaluate(truth, predictions, scoring, subject));
      for (const auto& warning : Warnings(method.runs.back())) spdlog::warn("compare: {}: {}", file.string(), warning);
      provenance.AddFile("predictions", file);
    }
    methods.push_back(std::move(method));
  }
  CompareOptions options;
  options.rounds = scoring.bootstrap;
  options.seed = scoring.seed;
  options.against = flags.against;
  const MethodComparison comparison = CompareMethods(std::move(methods), options);

  const std::string json = FormatComparison(comparison, TableFormat::kJson, &provenance);
  const std::string table = format == TableFormat::kJson ? json : FormatComparison(comparison, format);
  if (!flags.unmatched_out.empty()) WriteUnmatched(flags.unmatched_out, comparison);
  if (!flags.score.out.empty()) WriteFileAtomically(flags.score.out, json);
  std::fputs(table.c_str(), stdout);
}

}  // namespace

void AddCompare(CLI::App& root) {
  auto* command = root.add_subcommand("compare", "say which differences between methods on the same photos are real");
  const auto flags = std::make_shared<CompareFlags>();
  command->add_option("files", flags->files, "predictions CSVs, one a method: FILE or NAME=FILE");
  command->add_option("--group", flags->groups, "a method with several seeds: NAME=FILE,FILE,...")
      ->allow_extra_args(false);
  flags->score.Add(*command);
  flags->score.config.Section(*command, "evaluate", {"quantiles", "oracle_k"});
  command->add_option("--against", flags->against, "compare the others with this method [all pairs]");
  command->add_option("--unmatched-out", flags->unmatched_out, "CSV of the photos that not every file has");
  command->callback([flags] { Run(*flags); });
}

}  // namespace dualgeo::tools
