// Re-ranking's parameters, fitted for the run's gallery on its validation photos.
#include <unordered_map>

#include "dualgeo/util/error.h"
#include "eval/held_out.h"
#include "pipeline/stages.h"
#include "stage.h"
#include "train/training_sets.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// The rows of the table's photos; photos without features (unreadable ones) are left out of both.
FeatureSet Select(const FeatureSet& features, PhotoTable& table) {
  std::unordered_map<std::string, std::int64_t> row_of;
  for (std::size_t i = 0; i < features.ids.size(); ++i) row_of.emplace(features.ids[i], static_cast<std::int64_t>(i));
  std::erase_if(table.rows, [&](const PhotoRow& row) { return !row_of.contains(row.id); });
  FeatureSet selected;
  selected.kind = features.kind;
  selected.model = features.model;
  for (const auto& row : table.rows) selected.ids.push_back(row.id);
  for (const auto& [name, matrix] : features.features) {
    Matrix& rows = selected.features[name];
    rows = Matrix(selected.size(), matrix.columns);
    for (std::int64_t i = 0; i < rows.rows; ++i) {
      std::ranges::copy(matrix.Row(row_of.at(selected.ids[static_cast<std::size_t>(i)])), rows.Row(i).begin());
    }
  }
  return selected;
}

// Each validation photo is asked without itself in the gallery.
PosteriorParameters Fit(const StageRun& run) {
  const ExperimentOptions& options = run.options;
  const PhotoSet& photos = run.train;
  const RunPaths& paths = run.paths;
  RerankStudy study;
  FeatureSet features;
  if (const auto set = ValidationSet(options, photos)) {
    study.truth = ReadPhotoTable(set->csv, set->columns);
    features = FeaturesFromConfig(options, *set, paths.checkpoint());
  } else {
    study.truth = SplitTrainingTable(ReadPhotoTable(photos.csv, photos.columns), options.data.validation,
                                     static_cast<std::uint64_t>(options.runtime.seed))
                      .validation;
    features = Select(ReadFeatures(paths.train_features()), study.truth);
  }
  if (study.truth.rows.empty()) {
    throw InputError("step fit_rerank has no photos to fit on: data.validation.fraction is 0 and names no csv");
  }
  ExperimentOptions alone = options;
  alone.search.exclude_same_id = true;
  std::vector<Gallery> galleries = GalleriesFromConfig(alone, {paths.gallery()});
  study.lists = SearchFromConfig(alone, paths.checkpoint(), galleries, {}, features, study.truth);
  FitOptions fit;
  fit.top_k = options.rerank.top_k;
  fit.evidence = options.rerank.evidence;
  fit.network = options.rerank.method == "mlp";
  PosteriorParameters parameters = FitPosterior(study.Examples(fit.top_k, false), fit);
  parameters.note = std::to_string(study.lists.size()) + " validation photos, each asked without itself in the gallery";
  return parameters;
}

std::vector<Step> FitRerankSteps(const Stage& self, const StageRun& run) {
  Step step = NewStep(self, run);
  step.inputs = [=] {
    std::vector<Artifact> inputs;
    AddGalleries(inputs, run.options, run.paths.gallery());
    inputs.push_back(FolderArtifact("features", run.paths.train_features()));
    inputs.push_back(WeightsArtifact("checkpoint", run.paths.checkpoint()));
    inputs.push_back(TableArtifact("table", run.train.csv, run.train.columns, TablePart::kRows));
    AddValidation(inputs, run.options, run.train);
    return inputs;
  };
  step.outputs = {FileArtifact("rerank.parameters", run.paths.rerank_parameters())};
  step.run = [=](bool) { WritePosteriorParameters(run.paths.rerank_parameters(), Fit(run)); };
  return {step};
}

}  // namespace

Stage FitRerankStage() {
  return {.reads = {ConfigReads::kComputes,
                    {"seed", "precision", "data.validation.fraction", "search", "rerank.top_k", "rerank.evidence"}},
          .adjust =
              [](const ExperimentOptions& o, ConfigReads& reads) {
                if (o.rerank.method == "mlp") reads.sections.emplace_back("rerank.method");
              },
          .steps = FitRerankSteps,
          .of_model = true};
}

}  // namespace dualgeo
