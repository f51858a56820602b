// Which photos, masks and coordinates each stage of a run works on.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/data/photo_table.h"
#include "pipeline/run_paths.h"

namespace dualgeo {

// A table of photos with the folders that belong to it.
struct PhotoSet {
  std::string name;  // "train", or the benchmark's name
  std::filesystem::path csv;
  std::filesystem::path images;
  std::filesystem::path masks;  // empty: none
  PhotoColumns columns;
};

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

}  // namespace dualgeo
