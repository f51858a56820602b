// The segmenter, trained on photos and true masks.
#include "train/segmenter_trainer.h"

#include "pipeline/stages.h"
#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// Validation photos of their own belong to data.train; of data.segmenter's, a share is held out.
TrainJob SegmenterJob(const ExperimentOptions& options, const PhotoSet& photos, const fs::path& run_dir,
                      Existing existing) {
  TrainJob job = MakeTrainJob(options, photos, run_dir, existing);
  if (!options.data.segmenter.csv.empty()) {
    const double fraction = job.data.validation.fraction;
    job.data.validation = {};
    job.data.validation.fraction = fraction;
  }
  return job;
}

std::vector<Step> TrainSegmenterSteps(const Stage& self, const StageRun& run) {
  const PhotoSet photos = SegmenterSet(run.options);
  const ExperimentOptions options = SegmenterOptionsOf(run.options);
  const fs::path folder = run.paths.In(self.folder);
  Step step = NewStep(self, run);
  step.inputs = [=] {
    std::vector<Artifact> inputs = ArtifactsOf(photos, TablePart::kRows);
    if (options.data.segmenter.csv.empty()) AddValidation(inputs, options, photos);
    return inputs;
  };
  step.outputs = {WeightsArtifact("segmenter", run.paths.segmenter())};
  step.make_room = {run.paths.segmenter().parent_path(), folder / "train_segmenter.jsonl"};
  step.run = [=](bool) { TrainSegmenterFromConfig(options, photos, folder, Existing::kResume); };
  step.found = [=] {
    return JudgeTraining([&] {
      return InspectSegmenterTraining(SegmenterJob(options, photos, folder, Existing::kResume), options.model.segmenter,
                                      options.train_segmenter);
    });
  };
  step.extendable = {"train_segmenter.epochs"};
  return {step};
}

}  // namespace

TrainResult TrainSegmenterFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const fs::path& run_dir,
                                     Existing existing) {
  return TrainSegmenter(SegmenterJob(options, photos, run_dir, existing), options.model.segmenter,
                        options.train_segmenter);
}

Stage TrainSegmenterStage() {
  return {.reads = {ConfigReads::kTrains,
                    {"seed", "precision", "data.validation.fraction", "data.augment", "data.loader", "model.segmenter",
                     "train_segmenter"}},
          .sees = SegmenterOptionsOf,
          .steps = TrainSegmenterSteps,
          .shared = true,
          .folder = "segmenter",
          .after = "holdout",
          .data = {"data.validation", "data.segmenter"},
          .makes = {"segmenter"}};
}

}  // namespace dualgeo
