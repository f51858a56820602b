// The finder `cells` of a config: its partitions, the model's head and the prototypes, loaded once.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "dualgeo/gallery/embed_job.h"
#include "dualgeo/gallery/prototypes.h"
#include "gallery/cell_search.h"
#include "pipeline/experiment.h"

namespace dualgeo {

// Cells are found by where the training photos are.
bool NeedsPhotos(const ExperimentOptions& options);

class CellSearch {
 public:
  // prototypes: their file, of search.refine prototypes alone. Throws InputError.
  CellSearch(const ExperimentOptions& options, const std::filesystem::path& checkpoint,
             const std::filesystem::path& prototypes);

  // A list of search.top_k cells for each photo.
  std::vector<CandidateList> Find(const FeatureSet& queries) const;

 private:
  SearchOptions search_;
  int threads_;
  CellFinder finder_;
  PlaceScorer scorer_;
  std::optional<Prototypes> prototypes_;
};

}  // namespace dualgeo
