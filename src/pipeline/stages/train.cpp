// The model, trained; the untrained one is a training of no epochs.
#include "dualgeo/pipeline/stages.h"
#include "stage.h"
#include "train_job.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;

std::vector<Step> TrainSteps(const Stage& self, const StageRun& run) {
  ExperimentOptions options = run.options;
  if (run.untrained) options.train.epochs = 0;
  const fs::path folder = run.paths.In(self.folder);
  Step step = NewStep(self, run, options);
  step.inputs = [options, photos = run.train, fields = step.fields] {
    std::vector<Artifact> inputs;
    AddSet(inputs, photos, TablePart::kRows);
    AddValidation(inputs, options, photos);
    AddFiles(inputs, fields);
    return inputs;
  };
  step.outputs = {WeightsArtifact("checkpoint", run.paths.checkpoint())};
  step.make_room = {run.paths.checkpoint().parent_path(), folder / "train.jsonl"};
  step.run = [=, photos = run.train](bool) { TrainFromConfig(options, photos, folder, Existing::kResume); };
  step.found = [=, photos = run.train] {
    return JudgeTraining([&] {
      return InspectModelTraining(MakeTrainJob(options, photos, folder, Existing::kResume), options.model, options.loss,
                                  options.train);
    });
  };
  step.extendable = {"train.epochs"};
  return {step};
}

// The fingerprints of finished studies have what made the masks behind the validation photos.
std::string TrainKey(const Stage& self, const ExperimentOptions& o) {
  const std::string tables = KeyOf("holdout", o);
  const std::string masks = o.model.has_segmentation() ? KeyOf("segment", o).substr(tables.size()) : "";
  return tables + SectionKey("data.validation", o) + masks + FieldsKey(self, o);
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

TrainResult TrainFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const fs::path& run_dir,
                            Existing existing) {
  return TrainModel(MakeTrainJob(options, photos, run_dir, existing), options.model, options.loss, options.train);
}

Stage TrainStage() {
  Stage stage;
  // Masks come from files: of the segmenter only the classes matter.
  stage.reads = [](const ExperimentOptions&) {
    return ConfigReads{ConfigReads::kTrains,
                       {"seed", "precision", "data.validation.fraction", "data.augment", "data.loader", "model",
                        "model.segmenter.num_labels", "loss", "train"},
                       {"model.segmenter"}};
  };
  stage.steps = TrainSteps;
  stage.of_model = true;
  stage.folder = "model";
  stage.key = TrainKey;
  stage.makes = {"checkpoint", "train.jsonl"};
  return stage;
}

}  // namespace dualgeo
