// Each photo's most similar gallery items.
#include "dualgeo/gallery/search.h"

#include "dualgeo/gallery/cell_search.h"
#include "dualgeo/gallery/parts.h"
#include "dualgeo/lmm/place_similarity.h"
#include "dualgeo/pipeline/stages.h"
#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// What finds cells: partitions, and the photos whose combinations of cells count.
void AddCells(const StageRun& run, std::vector<Artifact>& inputs) {
  for (const std::string& file : run.options.model.cells.partitions) {
    if (!run.options.partitions.contains(file)) inputs.push_back(FileArtifact(file, file));
  }
  AddPartitions(inputs, run.options);
  if (run.options.search.cells_rule != "sum") return;
  inputs.push_back(TableArtifact("training table", run.train.csv, run.train.columns, TablePart::kCells));
}

std::vector<CandidateList> FindCells(const ExperimentOptions& options, const fs::path& checkpoint,
                                     const FeatureSet& queries) {
  std::vector<Partition> partitions;
  for (const std::string& file : ModelOf(options).cells.partitions) partitions.push_back(Partition::Read(file));
  std::vector<LatLon> photos;
  if (options.search.cells_rule == "sum") {
    const PhotoSet train = TrainSet(options);
    for (const auto& row : ReadPhotoTable(train.csv, train.columns).rows) photos.push_back(*row.location);
  }
  const CellFinder finder(std::move(partitions), options.search.cells_rule, photos);
  const bool joint = options.search.cells_softmax == "joint";
  return finder.Find(queries.ids, ScorePlaces(ModelFromConfig(options, checkpoint), queries, joint),
                     options.search.top_k);
}

Step SearchStep(const Stage& self, const StageRun& run, const PhotoSet& set) {
  const SearchFiles files{run.paths.checkpoint(), run.paths.gallery(), run.paths.features(set.name),
                          run.paths.candidates(set.name)};
  Step step = NewStep(self, run, set.name);
  step.inputs = [=] {
    std::vector<Artifact> inputs = {FolderArtifact("features", files.features),
                                    TableArtifact("table", set.csv, set.columns, TablePart::kRows)};
    const bool cells = FindsCells(run.options);
    if (cells) {
      AddCells(run, inputs);
    } else {
      inputs.push_back(GalleryArtifact("gallery", files.gallery));
    }
    if (cells || run.options.search.gps_scores) inputs.push_back(WeightsArtifact("checkpoint", files.checkpoint));
    return inputs;
  };
  step.outputs = {FileArtifact("candidates", files.out)};
  step.run = [=](bool) { SearchToFileFromConfig(run.options, set, files); };
  return step;
}

}  // namespace

bool FindsCells(const ExperimentOptions& options) { return options.search.finder == "cells"; }

std::vector<CandidateList> SearchFromConfig(const ExperimentOptions& options, const fs::path& checkpoint,
                                            Gallery* gallery, const FeatureSet& queries, const PhotoTable& photos,
                                            const KeepParts& keep) {
  std::vector<CandidateList> lists = FindsCells(options) ? FindCells(options, checkpoint, queries)
                                                         : Search(*gallery, queries, photos, options.search, keep);
  if (options.search.gps_scores) {
    AddGpsScores(ModelSimilarity(ModelFromConfig(options, checkpoint), queries, "the photos' features"), lists);
  }
  return lists;
}

SearchCounts SearchToFileFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                    const SearchFiles& files) {
  const bool cells = FindsCells(options);
  if (!cells && files.gallery.empty()) throw InputError("search: needs a gallery (--gallery), or search.finder cells");
  std::optional<Gallery> gallery;
  if (!cells) gallery = LoadGallery(files.gallery);
  const PhotoTable table = ReadPhotoTable(photos.csv, photos.columns, Locations::kOptional);
  // What is embedded on the way has parts of its own, beside the search's.
  const fs::path embedded = files.out.string() + ".features";
  const FeatureSet queries = FeaturesFromConfig(options, photos, files.checkpoint, files.features, embedded);
  WriteCandidates(files.out, SearchFromConfig(options, files.checkpoint, gallery ? &*gallery : nullptr, queries, table,
                                              KeepPartsOf(files.out)));
  RemoveParts(files.out);
  if (files.features.empty()) RemoveParts(embedded);
  return {queries.size(), gallery ? gallery->info.count : 0};
}

Stage SearchStage() {
  return {.reads = {ConfigReads::kComputes, {"search"}},
          .steps = ForEachBenchmark<SearchStep>,
          .of_model = true,
          .folder = "lists",
          .after = "gallery",
          .makes = {"SET/candidates.csv"}};
}

}  // namespace dualgeo
