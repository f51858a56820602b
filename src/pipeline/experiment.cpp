#include "dualgeo/pipeline/experiment.h"

#include <algorithm>

#include "dualgeo/config/config.h"
#include "dualgeo/util/error.h"
#include "stages/stage_table.h"

namespace dualgeo {

const std::vector<std::string>& RunStepNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> asked;
    for (const StageName& stage : kStageNames) {
      if (stage.asked == Asked::kByName) asked.emplace_back(stage.name);
    }
    return asked;
  }();
  return names;
}

void ExperimentOptions::Validate() {
  runtime.Validate();
  if (run_dir.empty()) throw InputError("run_dir is empty: it must name a folder");
  if (HasStep(*this, "train_segmenter") && model.segmenter.weights) {
    throw InputError("run.steps holds train_segmenter, and model.segmenter.weights is set as well: choose one");
  }
  if (search.exclude_similarity_above && !gallery.normalize) {
    throw InputError("search.exclude_similarity_above goes by cosines, and gallery.normalize is false");
  }
  if (search.finder == "cells") {
    if (!model.has_head("cells")) {
      throw InputError("search.finder: cells needs the head cells, which is not among model.heads");
    }
    if (search.negatives > 0 || search.exclude_same_author || search.exclude_within_km > 0 ||
        search.exclude_similarity_above) {
      throw InputError("search.finder: cells knows no negatives and excludes nothing; these are of a gallery");
    }
    if (HasStep(*this, "fit_rerank")) {
      throw InputError("run.steps holds fit_rerank, which needs a gallery, and search.finder is cells: choose one");
    }
  }
  if (HasStep(*this, "fit_rerank") && !rerank.parameters.empty()) {
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

bool HasStep(const ExperimentOptions& options, const std::string& step) {
  return std::ranges::find(options.run.steps, step) != options.run.steps.end();
}

std::string DocumentExperiment() {
  ExperimentOptions defaults;
  return "# Every config key\n\n"
         "Made by `dualgeo config --document`; do not edit. A file may begin with `extends: other.yaml`; "
         "`--set key.path=value` wins over files. Paths are relative to the working directory.\n\n" +
         DocumentConfig(OptionTree(defaults));
}

}  // namespace dualgeo
