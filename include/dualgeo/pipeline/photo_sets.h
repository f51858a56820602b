// Which photos, masks and coordinates each step of a run works on, and where a run keeps its files.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/pipeline/experiment.h"

namespace dualgeo {

// A table of photos with the folders that belong to it.
struct PhotoSet {
  std::string name;  // "train", or the benchmark's name
  std::filesystem::path csv;
  std::filesystem::path images;
  std::filesystem::path masks;  // empty: none
  PhotoColumns columns;
};

// The files of a run: all below run_dir, but for the stages that options.layout puts elsewhere.
struct RunPaths {
  explicit RunPaths(const std::filesystem::path& run_dir) : RunPaths(run_dir, {}) {}
  explicit RunPaths(const ExperimentOptions& options) : RunPaths(options.run_dir, options.layout) {}

  std::filesystem::path config() const { return root / "config.yaml"; }
  std::filesystem::path info() const { return root / "run.json"; }
  std::filesystem::path table(const std::string& set) const { return tables_dir / "tables" / (set + ".csv"); }
  std::filesystem::path masks(const std::string& set) const { return masks_dir / "masks" / set; }
  std::filesystem::path segmenter() const { return segmenter_dir / "segmenter" / "best"; }
  std::filesystem::path checkpoint() const { return model_dir / "checkpoint" / "best"; }
  std::filesystem::path train_features() const { return features_dir / "features" / "train.safetensors"; }
  std::filesystem::path features(const std::string& set) const { return features_dir / set / "features.safetensors"; }
  std::filesystem::path rerank_parameters() const { return root / "rerank.yaml"; }
  std::filesystem::path gallery() const { return gallery_dir / "gallery"; }
  std::filesystem::path candidates(const std::string& set) const { return lists_dir / set / "candidates.csv"; }
  // What follows the search, one folder a benchmark: re-ranked lists, predictions, scores.
  std::filesystem::path of(const std::string& set, const std::string& file) const { return root / set / file; }
  // The same files for the untrained model.
  RunPaths untrained() const { return RunPaths(root / "untrained"); }

  std::filesystem::path root;
  std::filesystem::path world_dir, tables_dir, segmenter_dir, masks_dir, model_dir, features_dir, gallery_dir,
      lists_dir;

 private:
  RunPaths(const std::filesystem::path& run_dir, const RunLayout& layout);
};

inline constexpr const char* kHoldout = "holdout";

// The config's `rerank`, with the parameters that the run fits where it does.
RerankOptions RerankOf(const ExperimentOptions& options, const RunPaths& paths);

bool HasStep(const ExperimentOptions& options, const std::string& step);

// The photos to train on, which are also the gallery. Masks: predicted where the run has the step segment, else those
// that data.train names. Throws InputError when data.train.csv or images is not set, or masks are needed and none
// named.
PhotoSet TrainSet(const ExperimentOptions& options);

// data.segmenter, or data.train where it names no csv: with true masks. Throws InputError when something is not set.
PhotoSet SegmenterSet(const ExperimentOptions& options);

// data.validation where it names a table of its own; photos and masks that it does not name are those of `trained`.
// Nothing where a share of the training photos is held out.
std::optional<PhotoSet> ValidationSet(const ExperimentOptions& options, const PhotoSet& trained);

// data.benchmarks, and the holdout where there is one. Throws InputError as TrainSet.
std::vector<PhotoSet> BenchmarkSets(const ExperimentOptions& options);

// Splits data.train by author into RunPaths::table("train") and table("holdout").
void WriteHoldout(const ExperimentOptions& options);

}  // namespace dualgeo
