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
                                 const std::vector<std::string>& overrides, const std::vector<ConfigFlag>& flags) {
  ExperimentOptions options;
  ResolveConfig(OptionTree(options), files, overrides, flags);
  options.evaluate.seed = options.runtime.seed;
  return options;
}

// A tree holds pointers into the options it describes, so the const functions below describe a copy.
std::string DumpExperiment(const ExperimentOptions& options) {
  ExperimentOptions copy = options;
  return DumpConfig(OptionTree(copy));
}

bool JoinsAnswers(const ExperimentOptions& options) {
  const std::string& choose = options.predict.lmm.choose;
  return options.predict.method == "lmm" && (choose == "bayes" || choose == "auto");
}

namespace {

struct Rule {
  enum Kind {
    kComputes,  // with given weights
    kTrains,    // what affects the weights counts, too, and the files that it starts from
    kReads,     // files that the config names
  } kind;
  std::vector<std::string> sections;
  std::vector<std::string> without = {};  // of these sections
};

Rule RuleOf(const ExperimentOptions& options, const std::string& step) {
  static const std::map<std::string, Rule> rules = {
      {"world", {Rule::kReads, {"world"}}},
      {"holdout", {Rule::kComputes, {"seed", "data.holdout"}}},
      {"train_segmenter",
       {Rule::kTrains,
        {"seed", "precision", "data.validation.fraction", "data.augment", "data.loader", "model.segmenter",
         "train_segmenter"}}},
      {"segment", {Rule::kComputes, {"precision", "data.loader", "model.segmenter"}}},
      // Masks come from files: of the segmenter only the classes matter.
      {"train",
       {Rule::kTrains,
        {"seed", "precision", "data.validation.fraction", "data.augment", "data.loader", "model",
         "model.segmenter.num_labels", "loss", "train"},
        {"model.segmenter"}}},
      {"embed",
       {Rule::kComputes, {"precision", "data.loader", "model", "model.segmenter.num_labels"}, {"model.segmenter"}}},
      {"gallery", {Rule::kComputes, {"seed", "gallery"}}},
      {"fit_rerank",
       {Rule::kComputes,
        {"seed", "precision", "data.validation.fraction", "search", "rerank.top_k", "rerank.evidence"}}},
      {"search", {Rule::kComputes, {"search"}}},
      {"rerank", {Rule::kComputes, {"rerank"}}},
      {"predict", {Rule::kReads, {"predict"}, {"predict.lmm"}}},
      {"evaluate", {Rule::kComputes, {"seed", "evaluate", "rerank.method", "predict.method"}}},
  };
  const auto found = rules.find(step);
  if (found == rules.end()) throw Error("no step '" + step + "'");
  Rule rule = found->second;
  // Attention over the batch: what is embedded together matters.
  if (step == "embed" && options.model.fusion.scope == "batch") rule.sections.emplace_back("embed");
  if (step == "predict" && options.predict.method == "lmm") rule.without.clear();
  if (step == "predict" && JoinsAnswers(options)) rule.sections.emplace_back("rerank");
  return rule;
}

bool Within(const std::string& key, const std::vector<std::string>& sections) {
  return std::ranges::any_of(sections, [&](const std::string& section) {
    return key == section || (key.starts_with(section) && key[section.size()] == '.');
  });
}

// A field that is named by itself beats an exclusion.
bool Reads(const Rule& rule, const std::string& key) {
  if (std::ranges::find(rule.sections, key) != rule.sections.end()) return true;
  return Within(key, rule.sections) && !Within(key, rule.without);
}

}  // namespace

StepFields FieldsOf(const ExperimentOptions& options, const std::string& step) {
  const Rule rule = RuleOf(options, step);
  StepFields fields;
  ExperimentOptions copy = options;
  ForEachField(OptionTree(copy), "", [&](const std::string& key, const OptionNode& node) {
    if (!Reads(rule, key)) return;
    const std::string value = ValueText(node);
    const bool counts =
        node.affects == Affects::kResult || (node.affects == Affects::kTraining && rule.kind == Rule::kTrains);
    if (counts) {
      fields.result[key] = value;
      return;
    }
    fields.others[key] = value;
    if (node.affects == Affects::kContent && rule.kind != Rule::kComputes) {
      // A name that is no file (prompt: geo) counts as the name that it is.
      if (std::filesystem::exists(value)) {
        fields.files[key] = value;
      } else if (!value.empty() && value != "null") {
        fields.result[key] = value;
      }
    }
  });
  for (const char* key : {"device", "threads"}) {
    ForEachField(OptionTree(copy), "", [&](const std::string& name, const OptionNode& node) {
      if (name == key) fields.others[name] = ValueText(node);
    });
  }
  ExperimentOptions defaults;
  ForEachField(OptionTree(defaults), "", [&](const std::string& key, const OptionNode& node) {
    if (fields.result.contains(key)) fields.defaults[key] = ValueText(node);
  });
  return fields;
}

std::string FieldsText(const StepFields& fields) {
  std::string text;
  for (const auto& [key, value] : fields.result) text += key + ": " + value + "\n";
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
