// Where a run keeps its files.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "pipeline/experiment.h"

namespace dualgeo {

inline constexpr const char* kHoldout = "holdout";  // a benchmark of its own

// The files of a run: all below run_dir, but for the folders that options.layout puts elsewhere.
struct RunPaths {
  explicit RunPaths(std::filesystem::path run_dir, RunLayout shared = {})
      : root(std::move(run_dir)), layout(std::move(shared)) {}
  explicit RunPaths(const ExperimentOptions& options) : RunPaths(options.run_dir, options.layout) {}

  // Where what a stage makes lies.
  std::filesystem::path In(const std::string& folder) const {
    const auto found = layout.find(folder);
    return found == layout.end() ? root : std::filesystem::path(found->second);
  }
  std::filesystem::path config() const { return root / "config.yaml"; }
  // Where the config is while what it speaks of is made anew.
  std::filesystem::path config_before() const { return root / "steps" / "config.yaml.before"; }
  std::filesystem::path info() const { return root / "run.json"; }
  std::filesystem::path table(const std::string& set) const { return In("tables") / "tables" / (set + ".csv"); }
  std::filesystem::path masks(const std::string& set) const { return In("masks") / "masks" / set; }
  std::filesystem::path partition(const std::string& name) const {
    return In("partitions") / "partitions" / (name + ".csv");
  }
  std::filesystem::path segmenter() const { return In("segmenter") / "segmenter" / "best"; }
  std::filesystem::path checkpoint() const { return In("model") / "checkpoint" / "best"; }
  std::filesystem::path train_features() const { return In("features") / "features" / "train.safetensors"; }
  std::filesystem::path features(const std::string& set) const { return In("features") / set / "features.safetensors"; }
  std::filesystem::path rerank_parameters() const { return root / "rerank.yaml"; }
  std::filesystem::path prototypes() const { return In("prototypes") / "prototypes.safetensors"; }
  std::filesystem::path gallery() const { return In("gallery") / "gallery"; }
  std::filesystem::path candidates(const std::string& set) const { return In("lists") / set / "candidates.csv"; }
  // What follows the search, one folder a benchmark: re-ranked lists, predictions, scores.
  std::filesystem::path of(const std::string& set, const std::string& file) const { return root / set / file; }
  // The same files for the untrained model.
  RunPaths untrained() const { return RunPaths(root / "untrained"); }

  std::filesystem::path root;
  RunLayout layout;
};

// The config's `model`, with the files of those partitions that the run makes, and of the segmenter's weights where the
// image encoder starts from them.
ModelOptions ModelOf(const ExperimentOptions& options);
// Does the model go by one of them?
bool MakesPartitions(const ExperimentOptions& options);
// Is model.image_encoder.weights `segmenter`?
bool StartsFromSegmenter(const ExperimentOptions& options);

// The segmenter that makes the run's masks: the weights that the config names, or those that it trains.
std::filesystem::path SegmenterWeights(const ExperimentOptions& options, const RunPaths& paths);

// The config's `rerank`, with the parameters that the run fits where it does.
RerankOptions RerankOf(const ExperimentOptions& options, const RunPaths& paths);

}  // namespace dualgeo
