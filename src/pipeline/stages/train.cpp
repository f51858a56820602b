// The model, trained; the untrained one is a training of no epochs.
#include <spdlog/spdlog.h>

#include "dualgeo/model/head.h"
#include "dualgeo/model/photo_input.h"
#include "dualgeo/util/error.h"
#include "pipeline/stages.h"
#include "runtime/processes.h"
#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// The segmenter's weights, where the image encoder starts from them.
fs::path StartOf(const ExperimentOptions& options) {
  fs::path weights = SegmenterWeights(options, RunPaths(options));
  if (!fs::exists(weights)) {
    throw InputError("model.image_encoder.weights is segmenter, and " + weights.string() +
                     " is not there: set model.segmenter.weights, or add train_segmenter to run.steps");
  }
  return weights;
}

std::vector<Step> TrainSteps(const Stage& self, const StageRun& run) {
  ExperimentOptions options = run.options;
  if (run.untrained) options.train.epochs = 0;
  const fs::path folder = run.paths.In(self.folder);
  Step step = NewStep(self, run);
  if (run.untrained) step.fields = FieldsOf(self, options);
  step.inputs = [=] {
    const auto learned_from = HeadColumns(options.model);
    std::vector<Artifact> inputs = ArtifactsOf(run.train, TablePart::kRows, "", learned_from);
    AddValidation(inputs, options, run.train, learned_from);
    AddPartitions(inputs, options);
    if (StartsFromSegmenter(options)) inputs.push_back(WeightsArtifact("segmenter", StartOf(options)));
    return inputs;
  };
  step.outputs = {WeightsArtifact("checkpoint", run.paths.checkpoint())};
  step.make_room = {run.paths.checkpoint().parent_path(), folder / "train.jsonl"};
  step.run = [=](bool) { TrainFromConfig(options, run.train, folder, Existing::kResume); };
  step.found = [=] {
    return JudgeTraining([&] {
      return InspectModelTraining(MakeTrainJob(options, run.train, folder, Existing::kResume), ModelOf(options),
                                  options.loss, options.train);
    });
  };
  step.extendable = {"train.epochs"};
  return {step};
}

// The fingerprints of finished studies have what made the masks behind the validation photos.
std::string TrainKey(const Stage& self, const ExperimentOptions& o) {
  const std::string tables = KeyOf(StageNamed("holdout"), o);
  const std::string masks = WantsMasks(o.model) ? KeyOf(StageNamed("segment"), o).substr(tables.size()) : "";
  const std::string partitions = MakesPartitions(o) ? FieldsKey(StageNamed("partitions"), o) : "";
  std::string start;
  if (StartsFromSegmenter(o)) {
    start = HasStep(o, "train_segmenter") ? KeyOf(StageNamed("train_segmenter"), o)
                                          : Spelled(o.model.segmenter.weights.value_or(""));
  }
  return tables + SectionKey("data.validation", o) + masks + partitions + start + FieldsKey(self, o);
}

}  // namespace

TrainJob MakeTrainJob(const ExperimentOptions& options, const PhotoSet& photos, const fs::path& run_dir,
                      Existing existing) {
  TrainJob job;
  job.data = options.data;
  job.data.train = {photos.csv.string(), photos.images.string(), photos.masks.string(), photos.columns};
  job.runtime = options.runtime;
  job.run_dir = run_dir;
  job.config = DumpExperiment(options);
  job.existing = existing;
  return job;
}

PhotoSet PhotosToTrain(const ExperimentOptions& options) {
  PhotoSet photos = TrainSet(options);
  if (options.data.holdout.fraction > 0) {
    if (AllProcesses().first() && !fs::exists(photos.csv)) WriteHoldout(options);
    AllProcesses().Barrier();
  }
  const std::string& named = options.data.train.masks;
  if (!photos.masks.empty() && photos.masks != named && !named.empty() && !fs::exists(photos.masks)) {
    spdlog::info("train: {} is not there: masks from {}", photos.masks.string(), named);
    photos.masks = named;
  }
  return photos;
}

TrainResult TrainFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const fs::path& run_dir,
                            Existing existing) {
  if (StartsFromSegmenter(options)) StartOf(options);
  return TrainModel(MakeTrainJob(options, photos, run_dir, existing), ModelOf(options), options.loss, options.train);
}

Stage TrainStage() {
  // Masks come from files: of the segmenter only the classes matter. Training draws its own crops.
  return {.reads = {ConfigReads::kTrains,
                    {"seed", "precision", "data.validation.fraction", "data.augment", "data.loader", "model",
                     "model.segmenter.num_labels", "loss", "train"},
                    {"model.segmenter", "model.image_encoder.crops", "model.image_encoder.crops_resize",
                     "model.image_encoder.crops_pooling", "model.image_encoder.crops_of"}},
          .steps = TrainSteps,
          .of_model = true,
          .shared = true,
          .folder = "model",
          .key = TrainKey,
          .makes = {"checkpoint", "train.jsonl"}};
}

}  // namespace dualgeo
