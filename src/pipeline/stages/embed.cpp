// Photos through the model: their features.
#include <spdlog/spdlog.h>

#include "pipeline/stages.h"
#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

EmbedPhotosJob EmbedJobOf(const ExperimentOptions& options, const PhotoSet& photos, const fs::path& checkpoint) {
  EmbedOptions embed = options.embed;
  embed.raw = options.gallery.raw();
  return {ModelFromConfig(options, checkpoint),
          ReadPhotoTable(photos.csv, photos.columns, Locations::kOptional),
          photos.images,
          photos.masks,
          embed,
          options.data.loader};
}

void WarnOfSkipped(const EmbedReport& report, const EmbedPhotosJob& job) {
  if (report.skipped.empty()) return;
  spdlog::warn("{} of {} photos could not be read and were left out", report.skipped.size(), job.photos.rows.size());
}

// The training photos are embedded for a gallery of photos, for the fit, and for prototypes.
bool EmbedsTrainingPhotos(const ExperimentOptions& o) {
  return (o.gallery.kind == "images" && HasStep(o, "gallery")) || HasStep(o, "fit_rerank") ||
         (UsesPrototypes(o) && HasStep(o, "search"));
}

bool EmbedsBenchmarks(const ExperimentOptions& o) { return HasStep(o, "search") && !Routes(o); }

Step EmbedStep(const Stage& self, const StageRun& run, const PhotoSet& set, const fs::path& features) {
  const fs::path checkpoint = run.paths.checkpoint();
  Step step = NewStep(self, run, set.name);
  step.inputs = [=] {
    std::vector<Artifact> inputs = ArtifactsOf(set, TablePart::kIds);
    inputs.push_back(WeightsArtifact("checkpoint", checkpoint));
    return inputs;
  };
  step.outputs = {FolderArtifact("features", features)};
  step.run = [=](bool) { EmbedFromConfig(run.options, set, checkpoint, features); };
  return step;
}

std::vector<Step> EmbedSteps(const Stage& self, const StageRun& run) {
  std::vector<Step> steps;
  if (EmbedsTrainingPhotos(run.options)) {
    steps.push_back(EmbedStep(self, run, run.train, run.paths.train_features()));
  }
  if (!EmbedsBenchmarks(run.options)) return steps;
  for (const PhotoSet& set : run.benchmarks) steps.push_back(EmbedStep(self, run, set, run.paths.features(set.name)));
  return steps;
}

}  // namespace

EmbedModel ModelFromConfig(const ExperimentOptions& options, const fs::path& checkpoint) {
  return {ModelOf(options), options.loss, options.runtime, checkpoint};
}

EmbedReport EmbedFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const fs::path& checkpoint,
                            const fs::path& out) {
  const EmbedPhotosJob job = EmbedJobOf(options, photos, checkpoint);
  EmbedReport report = EmbedPhotosToFile(job, out);
  WarnOfSkipped(report, job);
  return report;
}

FeatureSet FeaturesFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const fs::path& checkpoint,
                              const fs::path& features, const fs::path& for_output) {
  if (!features.empty()) return ReadFeatures(features);
  const EmbedPhotosJob job = EmbedJobOf(options, photos, checkpoint);
  EmbedResult result = EmbedPhotosToMemory(job, for_output);
  WarnOfSkipped(result, job);
  return std::move(result.features);
}

Stage EmbedStage() {
  return {.reads = {ConfigReads::kComputes,
                    {"precision", "data.loader", "model", "model.segmenter.num_labels"},
                    {"model.segmenter"}},
          .adjust =
              [](const ExperimentOptions& o, ConfigReads& reads) {
                // Attention over the batch: what is embedded together matters.
                if (o.model.fusion.scope == "batch") reads.sections.emplace_back("embed");
                // What is kept as it comes.
                if (!o.gallery.normalize) {
                  reads.sections.insert(reads.sections.end(), {"gallery.normalize", "gallery.features"});
                }
              },
          .wanted = [](const ExperimentOptions& o) { return EmbedsTrainingPhotos(o) || EmbedsBenchmarks(o); },
          .steps = EmbedSteps,
          .of_model = true,
          .shared = true,
          .folder = "features",
          .after = "train",
          .data = {"data.benchmarks"},
          .makes = {"features", "SET/features.safetensors"}};
}

}  // namespace dualgeo
