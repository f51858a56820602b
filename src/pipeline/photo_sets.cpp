#include "pipeline/photo_sets.h"

#include <algorithm>

#include "dualgeo/model/photo_input.h"
#include "dualgeo/util/error.h"
#include "stages/stage.h"

namespace dualgeo {
namespace {

// As the config names it; masks are asked for only where the model sees them and no step makes them.
PhotoSet Configured(const ExperimentOptions& options, const PhotoSetOptions& set, const std::string& key,
                    const std::string& name) {
  const bool segmented = HasStep(options, "segment");
  const bool wanted = WantsMasks(options.model);
  set.Require(key, wanted && !segmented);
  PhotoSet result{name, set.csv, set.images, set.masks, set.columns};
  if (!wanted) {
    result.masks.clear();
  } else if (segmented) {
    result.masks = RunPaths(options).masks(name);
  }
  return result;
}

// A benchmark's files would be mixed with those of a stage.
bool TakenByStage(const std::string& name) {
  return std::ranges::any_of(
      Stages(), [&](const Stage& stage) { return std::ranges::find(stage.makes, name) != stage.makes.end(); });
}

}  // namespace

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
    if (!plain || name == "train" || name == kHoldout || name == "steps" || TakenByStage(name)) {
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

}  // namespace dualgeo
