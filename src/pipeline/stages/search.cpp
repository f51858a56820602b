// Each photo's most similar gallery items.
#include "dualgeo/gallery/search.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "cell_search.h"
#include "dualgeo/gallery/parts.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "gallery/duplicates.h"
#include "lmm/place_similarity.h"
#include "model/fingerprint.h"
#include "pipeline/stages.h"
#include "refine/router.h"
#include "runtime/checkpoint.h"
#include "runtime/processes.h"
#include "search_share.h"
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
  if (!NeedsPhotos(run.options)) return;
  inputs.push_back(TableArtifact("training table", run.train.csv, run.train.columns, TablePart::kCells));
}

// The table of a benchmark's probabilities.
fs::path ProbabilitiesOf(const RouterOptions& router, const std::string& set) {
  std::string path = router.probabilities;
  if (const std::size_t at = path.find("SET"); at != std::string::npos) path.replace(at, 3, set);
  return path;
}

// What the attribute of another run's model says of a benchmark's photos.
ClassProbabilities AttributeProbabilities(const RouterOptions& router, const std::string& set,
                                          const std::vector<std::string>& classes) {
  const RunPaths paths(router.probabilities);
  const std::vector<std::string> known = AttributeClasses(paths.checkpoint(), router.attribute);
  if (!std::ranges::is_permutation(known, classes)) {
    throw InputError("router.models names " + Join(classes) + "; the attribute " + router.attribute + " of " +
                     router.probabilities + " tells apart " + Join(known));
  }
  const FeatureSet features = ReadFeatures(paths.features(set));
  const Matrix& said = features.Require(kAttributePrefix + router.attribute);
  std::vector<std::vector<double>> rows;
  for (std::int64_t i = 0; i < said.rows; ++i) {
    std::vector<double>& row = rows.emplace_back();
    for (const std::string& name : classes) {
      row.push_back(said.Row(i)[static_cast<std::size_t>(std::ranges::find(known, name) - known.begin())]);
    }
  }
  return {paths.features(set), classes, features.ids, std::move(rows)};
}

Step RouteStep(const Stage& self, const StageRun& run, const PhotoSet& set) {
  const RouterOptions& router = run.options.router;
  const fs::path probabilities = ProbabilitiesOf(router, set.name), out = run.paths.candidates(set.name);
  std::map<std::string, fs::path> files;
  for (const auto& [name, model] : router.models) files[name] = RunPaths(model.run).candidates(set.name);
  Step step = NewStep(self, run, set.name);
  step.shared = false;
  step.inputs = [=, attribute = router.attribute] {
    std::vector<Artifact> inputs;
    if (attribute.empty()) {
      inputs.push_back(FileArtifact("probabilities", probabilities));
    } else {
      inputs.push_back(FolderArtifact("probabilities", RunPaths(probabilities).features(set.name)));
    }
    for (const auto& [name, file] : files) inputs.push_back(FileArtifact(name, file));
    return inputs;
  };
  step.outputs = {FileArtifact("candidates", out)};
  step.run = [=, &router](bool) {
    std::vector<std::string> classes;
    std::vector<RoutedModel<CandidateList>> models;
    for (const auto& [name, file] : files) {
      classes.push_back(name);
      models.push_back({file, ReadCandidates(file)});
    }
    const auto read = [&] { return ClassProbabilities::Read(probabilities, classes, router.id); };
    const auto routed =
        Route(router.attribute.empty() ? read() : AttributeProbabilities(router, set.name, classes), std::move(models));
    for (std::size_t c = 0; c < classes.size(); ++c) {
      spdlog::info("search: {} photos of {} by {}", routed.count[c], set.name, classes[c]);
    }
    WriteCandidates(out, routed.answers);
  };
  return step;
}

bool AsksForProbabilities(const SearchOptions& search) { return search.scores == "probability"; }

// Whether a gallery's lists are made with the model beside the features.
bool AsksTheModel(const SearchOptions& search) { return search.gps_scores || AsksForProbabilities(search); }

// Photos of the benchmark that the gallery was made of: those are not found, but known.
void WarnOfPhotosInGallery(const fs::path& gallery, const fs::path& queries, const std::string& set) {
  if (!fs::exists(gallery) || !fs::exists(queries)) return;
  const FeatureSet there = FeatureFile(gallery).head(), asked = FeatureFile(queries).head();
  const std::string shared = TellPairs(IdenticalPhotos(asked, there), asked, there,
                                       "byte for byte photos of the gallery under another name or the same");
  if (!shared.empty()) spdlog::warn("search: {}: {}", set, shared);
}

Step SearchStep(const Stage& self, const StageRun& run, const PhotoSet& set) {
  if (Routes(run.options)) return RouteStep(self, run, set);
  const SearchFiles files{run.paths.checkpoint(),
                          {run.paths.gallery()},
                          run.paths.prototypes(),
                          run.paths.features(set.name),
                          run.paths.candidates(set.name)};
  Step step = NewStep(self, run, set.name);
  step.inputs = [=] {
    std::vector<Artifact> inputs = {FolderArtifact("features", files.features),
                                    TableArtifact("table", set.csv, set.columns, TablePart::kRows)};
    const bool cells = FindsCells(run.options);
    if (cells) {
      AddCells(run, inputs);
      if (UsesPrototypes(run.options)) inputs.push_back(FileArtifact("prototypes", files.prototypes));
    } else {
      AddGalleries(inputs, run.options, run.paths.gallery());
    }
    if (cells || AsksTheModel(run.options.search)) inputs.push_back(WeightsArtifact("checkpoint", files.checkpoint));
    return inputs;
  };
  step.outputs = {FileArtifact("candidates", files.out)};
  step.run = [=, gallery = run.paths.train_features()](bool) {
    SearchToFileFromConfig(run.options, set, files);
    if (AllProcesses().first() && FindsInGallery(run.options)) WarnOfPhotosInGallery(gallery, files.features, set.name);
  };
  return step;
}

}  // namespace

bool FindsInGallery(const ExperimentOptions& options) { return options.search.finder == "gallery"; }
bool FindsCells(const ExperimentOptions& options) { return options.search.finder == "cells"; }
bool Routes(const ExperimentOptions& options) { return options.search.finder == "router"; }
bool UsesPrototypes(const ExperimentOptions& options) {
  return FindsCells(options) && options.search.refine == "prototypes";
}

std::vector<Gallery> GalleriesFromConfig(const ExperimentOptions& options, std::vector<fs::path> folders) {
  std::vector<Gallery> galleries;
  if (FindsCells(options)) return galleries;
  folders.insert(folders.end(), options.search.galleries.begin(), options.search.galleries.end());
  if (folders.empty()) throw InputError("search: needs a gallery (--gallery), or search.finder cells");
  for (const auto& folder : folders) galleries.push_back(LoadGallery(folder));
  return galleries;
}

std::vector<CandidateList> SearchFromConfig(const ExperimentOptions& options, const fs::path& checkpoint,
                                            std::vector<Gallery>& galleries, const fs::path& prototypes,
                                            const FeatureSet& queries, const PhotoTable& photos,
                                            const KeepParts& keep) {
  std::optional<double> factor;
  if (FindsInGallery(options) && AsksForProbabilities(options.search)) {
    factor = CosineFactor(ModelFromConfig(options, checkpoint), queries.model);
  }
  std::vector<CandidateList> lists = FindsCells(options)
                                         ? CellSearch(options, checkpoint, prototypes).Find(queries)
                                         : SearchAll(galleries, queries, photos, options.search, keep, factor);
  if (options.search.gps_scores) {
    AddGpsScores(ModelSimilarity(ModelFromConfig(options, checkpoint), queries, "the photos' features"), lists);
  }
  return lists;
}

SearchCounts SearchToFileFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                    const SearchFiles& files) {
  if (Routes(options)) throw InputError("search: search.finder router needs no search: dualgeo route, or a run");
  if (UsesPrototypes(options) && files.prototypes.empty()) {
    throw InputError("search: search.refine prototypes needs their file (--prototypes)");
  }
  std::vector<Gallery> galleries = GalleriesFromConfig(options, files.galleries);
  const PhotoTable table = ReadPhotoTable(photos.csv, photos.columns, Locations::kOptional);
  // What is embedded on the way has parts of its own, beside the search's.
  const fs::path embedded = files.out.string() + ".features";
  const FeatureSet queries = FeaturesFromConfig(options, photos, files.checkpoint, files.features, embedded);
  const auto search = [&](const FeatureSet& asked, const KeepParts& keep) {
    return SearchFromConfig(options, files.checkpoint, galleries, files.prototypes, asked, table, keep);
  };
  const auto remove_parts = [&](const fs::path& out) {
    RemoveParts(out);
    for (std::size_t i = 1; i < galleries.size(); ++i)
      RemovePartsFolder(KeepPartsOfGallery(KeepPartsOf(out), i).folder);
  };
  if (AllProcesses().several()) {
    SearchInShares(files.out, queries, TextOf(options.search), search, remove_parts);
  } else {
    WriteCandidates(files.out, search(queries, KeepPartsOf(files.out)));
    remove_parts(files.out);
  }
  if (files.features.empty()) RemoveParts(embedded);
  SearchCounts counts{queries.size(), 0};
  for (const Gallery& gallery : galleries) counts.gallery += gallery.info.count;
  return counts;
}

Stage SearchStage() {
  return {.reads = {ConfigReads::kComputes, {"search"}},
          .adjust =
              [](const ExperimentOptions& o, ConfigReads& reads) {
                if (Routes(o)) reads.sections.emplace_back("router");
              },
          .steps = ForEachBenchmark<SearchStep>,
          .of_model = true,
          .shared = true,
          .folder = "lists",
          .after = "gallery",
          .makes = {"SET/candidates.csv"}};
}

}  // namespace dualgeo
