// Each photo's most similar gallery items.
#include "dualgeo/gallery/search.h"

#include "dualgeo/gallery/parts.h"
#include "dualgeo/lmm/place_similarity.h"
#include "dualgeo/pipeline/stages.h"
#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

Step SearchStep(const Stage& self, const StageRun& run, const PhotoSet& set) {
  const SearchFiles files{run.paths.checkpoint(), run.paths.gallery(), run.paths.features(set.name),
                          run.paths.candidates(set.name)};
  Step step = NewStep(self, run, set.name);
  step.inputs = [=] {
    std::vector<Artifact> inputs = {GalleryArtifact("gallery", files.gallery),
                                    FolderArtifact("features", files.features),
                                    TableArtifact("table", set.csv, set.columns, TablePart::kRows)};
    if (run.options.search.gps_scores) inputs.push_back(WeightsArtifact("checkpoint", files.checkpoint));
    return inputs;
  };
  step.outputs = {FileArtifact("candidates", files.out)};
  step.run = [=](bool) { SearchToFileFromConfig(run.options, set, files); };
  return step;
}

}  // namespace

std::vector<CandidateList> SearchFromConfig(const ExperimentOptions& options, const fs::path& checkpoint,
                                            Gallery& gallery, const FeatureSet& queries, const PhotoTable& photos,
                                            const KeepParts& keep) {
  std::vector<CandidateList> lists = Search(gallery, queries, photos, options.search, keep);
  if (options.search.gps_scores) {
    AddGpsScores(ModelSimilarity(ModelFromConfig(options, checkpoint), queries, "the photos' features"), lists);
  }
  return lists;
}

SearchCounts SearchToFileFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                    const SearchFiles& files) {
  Gallery gallery = LoadGallery(files.gallery);
  const PhotoTable table = ReadPhotoTable(photos.csv, photos.columns, Locations::kOptional);
  // What is embedded on the way has parts of its own, beside the search's.
  const fs::path embedded = files.out.string() + ".features";
  const FeatureSet queries = FeaturesFromConfig(options, photos, files.checkpoint, files.features, embedded);
  WriteCandidates(files.out,
                  SearchFromConfig(options, files.checkpoint, gallery, queries, table, KeepPartsOf(files.out)));
  RemoveParts(files.out);
  if (files.features.empty()) RemoveParts(embedded);
  return {queries.size(), gallery.info.count};
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
