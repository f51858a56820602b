// Masks of all photos, by the segmenter.
#include "runtime/segment.h"

#include "dualgeo/model/photo_input.h"
#include "dualgeo/util/error.h"
#include "io/set_aside.h"
#include "pipeline/stages.h"
#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

Step SegmentStep(const Stage& self, const StageRun& run, const PhotoSet& set) {
  const fs::path weights = SegmenterWeights(run.options, run.paths);
  Step step = NewStep(self, run, set.name);
  step.inputs = [set, weights] {
    if (!fs::exists(weights)) {
      throw InputError(
          "step segment has no weights: set model.segmenter.weights to SegFormer weights or to a "
          "checkpoint of train-segmenter, or add train_segmenter to run.steps");
    }
    return std::vector{TableArtifact("table", set.csv, set.columns, TablePart::kIds),
                       PhotosArtifact("photos", set.images, set.csv, set.columns),
                       WeightsArtifact("segmenter", weights)};
  };
  step.outputs = {MasksArtifact("masks", set.masks, set.csv, set.columns)};
  step.completes = true;
  step.run = [options = SegmenterOptionsOf(run.options), set, weights, folder = step.folder](bool go_on) {
    // Masks of an earlier version do not say what made them, so none can be told to belong to the rest.
    if (go_on && !fs::exists(set.masks / "segment.json")) SetAside(set.masks, folder, "some masks were missing");
    SegmentFromConfig(options, set, {weights, set.masks});
  };
  return step;
}

std::vector<Step> SegmentSteps(const Stage& self, const StageRun& run) {
  std::vector<Step> steps = {SegmentStep(self, run, run.train)};
  for (const PhotoSet& set : run.benchmarks) steps.push_back(SegmentStep(self, run, set));
  return steps;
}

// Without their own segmenter, masks depend on the weights that model.segmenter names.
std::string SegmentKey(const Stage& self, const ExperimentOptions& o) {
  std::string key = KeyOf(StageNamed("holdout"), o);
  if (!HasStep(o, self.name)) return key;
  key += FieldsKey(self, o);
  if (HasStep(o, "train_segmenter")) key += KeyOf(StageNamed("train_segmenter"), o);
  if (o.model.segmenter.weights) key += Spelled(*o.model.segmenter.weights);
  return key;
}

}  // namespace

SegmentResult SegmentFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const SegmentFiles& files) {
  SegmentJob job;
  job.photos = ReadPhotoTable(photos.csv, photos.columns, Locations::kOptional);
  job.images = photos.images;
  job.out = files.out;
  job.weights = files.weights;
  job.segmenter = options.model.segmenter;
  job.runtime = options.runtime;
  job.loader = options.data.loader;
  job.batch_size = files.batch_size;
  if (!files.logits.empty()) job.logits = files.logits;
  return SegmentPhotos(job);
}

Stage SegmentStage() {
  return {.reads = {ConfigReads::kComputes, {"precision", "data.loader", "model.segmenter"}},
          .sees = SegmenterOptionsOf,
          .wanted = [](const ExperimentOptions& o) { return HasStep(o, "segment") && WantsMasks(o.model); },
          .steps = SegmentSteps,
          .shared = true,
          .folder = "masks",
          .key = SegmentKey,
          .makes = {"masks"}};
}

}  // namespace dualgeo
