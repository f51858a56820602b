#include "dualgeo/pipeline/experiment.h"

#include <algorithm>
#include <map>

#include "dualgeo/config/config.h"
#include "dualgeo/util/error.h"

namespace dualgeo {

const std::vector<std::string>& PipelineStepNames() {
  static const std::vector<std::string> names = {"world",   "train_segmenter", "segment",   "train",
                                                 "gallery", "fit_rerank",      "search",    "rerank",
                                                 "predict", "evaluate",        "untrained", "report"};
  return names;
}

void ExperimentOptions::Validate() {
  runtime.Validate();
  if (run_dir.empty()) throw InputError("run_dir is empty: it must name a folder");
  const bool trains_segmenter = std::ranges::find(pipeline.steps, "train_segmenter") != pipeline.steps.end();
  if (trains_segmenter && model.segmenter.weights) {
    throw InputError("run.steps holds train_segmenter, and model.segmenter.weights is set as well: choose one");
  }
  const bool fits = std::ranges::find(pipeline.steps, "fit_rerank") != pipeline.steps.end();
  if (fits && !rerank.parameters.empty()) {
    throw InputError("run.steps holds fit_rerank, and rerank.parameters is set as well: choose one");
  }
}

ExperimentOptions ReadExperiment(const std::vector<std::filesystem::path>& files,
                                 const std::vector<std::string>& overrides) {
  ExperimentOptions options;
  ResolveConfig(OptionTree(options), files, overrides);
  options.evaluate.seed = options.runtime.seed;
  return options;
}

// A tree holds pointers into the options it describes, so the const functions below describe a copy.
std::string DumpExperiment(const ExperimentOptions& options) {
  ExperimentOptions copy = options;
  return DumpConfig(OptionTree(copy));
}

std::string DumpSection(const ExperimentOptions& options, const std::string& path) {
  ExperimentOptions copy = options;
  OptionGroup group = OptionTree(copy);
  std::string rest = path;
  for (;;) {
    const auto dot = rest.find('.');
    const auto field = std::ranges::find(group.fields, rest.substr(0, dot), &OptionNode::name);
    if (field == group.fields.end()) throw Error("no config section '" + path + "'");
    if (dot == std::string::npos) return path + ":\n" + DumpConfig(OptionGroup{{*field}, {}});
    OptionGroup inner = std::get<OptionGroup>(field->value);
    group = std::move(inner);
    rest = rest.substr(dot + 1);
  }
}

std::string StepSettings(const ExperimentOptions& options, const std::string& step) {
  struct Rule {
    bool computes;  // depends on seed, device and precision
    std::vector<std::string> sections;
  };
  static const std::map<std::string, Rule> rules = {
      {"world", {false, {"world"}}},
      {"holdout", {true, {"data.holdout"}}},
      {"train_segmenter", {true, {"data.validation", "data.augment", "model.segmenter", "train_segmenter"}}},
      {"segment", {true, {"model.segmenter"}}},
      {"train", {true, {"data.validation", "data.augment", "model", "loss", "train"}}},
      {"embed", {true, {"model"}}},
      {"gallery", {true, {"gallery"}}},
      {"fit_rerank", {true, {"data.validation", "search", "rerank"}}},
      {"search", {false, {"search"}}},
      {"rerank", {false, {"rerank"}}},
      {"predict", {false, {"predict"}}},
      {"evaluate", {true, {"evaluate"}}},
  };
  const auto rule = rules.find(step);
  if (rule == rules.end()) throw Error("no step '" + step + "'");
  std::string text;
  if (rule->second.computes) {
    text = "seed: " + std::to_string(options.runtime.seed) + "\ndevice: " + options.runtime.device +
           "\nprecision: " + options.runtime.precision + "\n";
  }
  for (const auto& section : rule->second.sections) text += DumpSection(options, section);
  // Attention over the batch: what is embedded together matters.
  if (step == "embed" && options.model.fusion.scope == "batch") text += DumpSection(options, "embed");
  return text;
}

std::string DocumentExperiment() {
  ExperimentOptions defaults;
  return "# Every config key\n\n"
         "Made by `dualgeo config --document`; do not edit. A file may begin with `extends: other.yaml`; "
         "`--set key.path=value` wins over files. Paths are relative to the working directory.\n\n" +
         DocumentConfig(OptionTree(defaults));
}

}  // namespace dualgeo
