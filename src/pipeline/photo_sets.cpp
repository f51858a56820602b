#include "dualgeo/pipeline/photo_sets.h"

#include <algorithm>

#include "dualgeo/data/split.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

// As the config names it; masks are asked for only where the model sees them and no step makes them.
PhotoSet Configured(const ExperimentOptions& options, const PhotoSetOptions& set, const std::string& key,
                    const std::string& name) {
  const bool segmented = HasStep(options, "segment");
  set.Require(key, options.model.has_segmentation() && !segmented);
  PhotoSet result{name, set.csv, set.images, set.masks, set.columns};
  if (!options.model.has_segmentation()) {
    result.masks.clear();
  } else if (segmented) {
    result.masks = RunPaths(options).masks(name);
  }
  return result;
}

}  // namespace

RunPaths::RunPaths(const std::filesystem::path& run_dir, const RunLayout& layout) : root(run_dir) {
  const auto own = [&](const std::string& folder) { return folder.empty() ? run_dir : std::filesystem::path(folder); };
  world_dir = own(layout.world);
  tables_dir = own(layout.tables);
  segmenter_dir = own(layout.segmenter);
  masks_dir = own(layout.masks);
  model_dir = own(layout.model);
  features_dir = own(layout.features);
  gallery_dir = own(layout.gallery);
  lists_dir = own(layout.lists);
}

bool HasStep(const ExperimentOptions& options, const std::string& step) {
  return std::ranges::find(options.pipeline.steps, step) != options.pipeline.steps.end();
}

RerankOptions RerankOf(const ExperimentOptions& options, const RunPaths& paths) {
  RerankOptions rerank = options.rerank;
  if (HasStep(options, "fit_rerank")) rerank.parameters = paths.rerank_parameters().string();
  return rerank;
}

PhotoSet TrainSet(const ExperimentOptions& options) {
  PhotoSet set = Configured(options, options.data.train, "data.train", "train");
  if (options.data.holdout.fraction > 0) {
    set.csv = RunPaths(options).table("train");
    set.columns = {};
  }
  return set;
}

PhotoSet SegmenterSet(const ExperimentOptions& options) {
  const bool own = !options.data.segmenter.csv.empty();
  const PhotoSetOptions& set = own ? options.data.segmenter : options.data.train;
  set.Require(own ? "data.segmenter" : "data.train", true);
  return {"segmenter", set.csv, set.images, set.masks, set.columns};
}

std::optional<PhotoSet> ValidationSet(const ExperimentOptions& options, const PhotoSet& trained) {
  const ValidationOptions& own = options.data.validation;
  if (own.csv.empty()) return std::nullopt;
  PhotoSet set{"validation", own.csv, trained.images, trained.masks, own.columns};
  if (!own.images.empty()) set.images = own.images;
  if (!own.masks.empty() && !trained.masks.empty()) set.masks = own.masks;
  return set;
}

std::vector<PhotoSet> BenchmarkSets(const ExperimentOptions& options) {
  std::vector<PhotoSet> sets;
  for (const auto& [name, set] : options.data.benchmarks) {
    // Names become folders of the run.
    const bool plain = !name.empty() && name.front() != '.' && name.find('/') == std::string::npos;
    static const std::vector<std::string> taken = {"train", kHoldout,     "tables",  "masks",     "segmenter",
                                                   "steps", "checkpoint", "gallery", "untrained", "features"};
    if (!plain || std::ranges::find(taken, name) != taken.end()) {
      throw InputError("data.benchmarks: '" + name + "' cannot be a benchmark's name: it becomes a folder of the run");
    }
    sets.push_back(Configured(options, set, "data.benchmarks." + name, name));
  }
  if (options.data.holdout.fraction > 0) {
    PhotoSet set = Configured(options, options.data.train, "data.train", kHoldout);
    set.csv = RunPaths(options).table(kHoldout);
    set.columns = {};
    sets.push_back(std::move(set));
  }
  return sets;
}

void WriteHoldout(const ExperimentOptions& options) {
  const PhotoTable table = ReadPhotoTable(options.data.train.csv, options.data.train.columns);
  const PhotoSplit split = SplitByAuthor(table, options.data.holdout.fraction,
                                         DeriveSeed(static_cast<std::uint64_t>(options.runtime.seed), "holdout"));
  const RunPaths paths(options);
  WritePhotoTable(paths.table("train"), split.train.rows);
  WritePhotoTable(paths.table(kHoldout), split.validation.rows);
}

}  // namespace dualgeo
