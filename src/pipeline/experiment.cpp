#include "pipeline/experiment.h"

#include <algorithm>

#include "config/config.h"
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

namespace {

// Nothing of its own: no network, no gallery.
void ValidateRouter(const ExperimentOptions& options) {
  if (options.router.probabilities.empty()) {
    throw InputError("router.probabilities is empty, and search.finder is router: it must name a table");
  }
  if (options.router.models.size() < 2) {
    throw InputError("router.models: at least two classes with a run each are needed, search.finder being router");
  }
  for (const auto& [name, model] : options.router.models) {
    if (model.run.empty()) throw InputError("router.models." + name + ".run is empty: it must name a run's folder");
  }
  for (const char* step : {"train_segmenter", "segment", "train", "gallery", "fit_rerank", "untrained"}) {
    if (HasStep(options, step)) {
      throw InputError(std::string("run.steps holds ") + step +
                       ", and search.finder is router, which takes what other runs found: leave it out");
    }
  }
  if (options.search.gps_scores) throw InputError("search.gps_scores: a router has no model of its own to ask");
}

}  // namespace

void ExperimentOptions::Validate() {
  runtime.Validate();
  if (run_dir.empty()) throw InputError("run_dir is empty: it must name a folder");
  if (HasStep(*this, "train_segmenter") && model.segmenter.weights) {
    throw InputError("run.steps holds train_segmenter, and model.segmenter.weights is set as well: choose one");
  }
  if (model.image_encoder.weights == "segmenter" && model.image_encoder.type != "mit") {
    throw InputError("model.image_encoder.weights: segmenter is of model.image_encoder.type mit, and type is " +
                     model.image_encoder.type);
  }
  if (search.finder == "router") ValidateRouter(*this);
  if (search.exclude_similarity_above && !gallery.normalize) {
    throw InputError("search.exclude_similarity_above goes by cosines, and gallery.normalize is false");
  }
  if (search.finder == "cells") {
    if (search.cells_rule == "sum" && search.cells_answer == "centre") {
      throw InputError(
          "search.cells_answer: centre is of single cells, and search.cells_rule is sum: choose mean or member");
    }
    if (search.cells_rule == "sum" && search.refine == "prototypes") {
      throw InputError(
          "search.refine: prototypes are of single cells, and search.cells_rule is sum: choose last or product");
    }
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
  for (const auto& [own, partition] : partitions) {
    if (own.empty() || own.front() == '.' || own.find('/') != std::string::npos) {
      throw InputError("partitions: '" + own + "' cannot be a partition's name: it becomes a file of the run");
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

ExperimentOptions ReadKeptExperiment(const std::filesystem::path& file) {
  ExperimentOptions options;
  ReadDump(OptionTree(options), file);
  options.evaluate.seed = options.runtime.seed;
  return options;
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
