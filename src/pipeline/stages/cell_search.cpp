#include "cell_search.h"

#include <algorithm>

#include "pipeline/stages.h"
#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

CellFinder FinderOf(const ExperimentOptions& options) {
  std::vector<Partition> partitions;
  for (const std::string& file : ModelOf(options).cells.partitions) partitions.push_back(Partition::Read(file));
  std::vector<LatLon> photos;
  if (NeedsPhotos(options)) {
    const PhotoSet train = TrainSet(options);
    for (const auto& row : ReadPhotoTable(train.csv, train.columns).rows) photos.push_back(*row.location);
  }
  return {std::move(partitions), options.search.cells_rule, photos, options.search.cells_answer};
}

}  // namespace

bool NeedsPhotos(const ExperimentOptions& options) {
  return options.search.cells_rule == "sum" || options.search.cells_answer == "member";
}

CellSearch::CellSearch(const ExperimentOptions& options, const fs::path& checkpoint, const fs::path& prototypes)
    : search_(options.search),
      threads_(options.runtime.threads),
      finder_(FinderOf(options)),
      scorer_(ModelFromConfig(options, checkpoint)) {
  if (UsesPrototypes(options)) prototypes_ = Prototypes::Read(prototypes);
}

std::vector<CandidateList> CellSearch::Find(const FeatureSet& queries) const {
  const std::vector<Matrix> scores = scorer_.Score(queries, search_.cells_softmax == "joint");
  if (!prototypes_) return finder_.Find(queries.ids, scores, search_.top_k);
  auto lists = prototypes_->Refine(finder_.Find(queries.ids, scores, std::max(search_.top_k, search_.prototypes.cells)),
                                   queries, search_.prototypes, threads_);
  for (CandidateList& list : lists) {
    list.candidates.resize(std::min(list.candidates.size(), static_cast<std::size_t>(search_.top_k)));
  }
  return lists;
}

}  // namespace dualgeo
