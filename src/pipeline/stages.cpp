#include "dualgeo/pipeline/stages.h"

#include "dualgeo/train/segmenter_trainer.h"

namespace dualgeo {
namespace {

TrainJob MakeJob(const ExperimentOptions& options, const PhotoSet& photos, const std::filesystem::path& run_dir,
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

}  // namespace

TrainResult TrainFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::filesystem::path& run_dir, Existing existing) {
  return TrainModel(MakeJob(options, photos, run_dir, existing), options.model, options.loss, options.train);
}

TrainResult TrainSegmenterFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                     const std::filesystem::path& run_dir, Existing existing) {
  TrainJob job = MakeJob(options, photos, run_dir, existing);
  // Validation photos of their own belong to data.train; of data.segmenter's, a share is held out.
  if (!options.data.segmenter.csv.empty()) {
    const double fraction = job.data.validation.fraction;
    job.data.validation = {};
    job.data.validation.fraction = fraction;
  }
  return TrainSegmenter(job, options.model.segmenter, options.train_segmenter);
}

SegmentResult SegmentFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                const std::filesystem::path& weights, const std::filesystem::path& out) {
  SegmentJob job;
  job.photos = ReadPhotoTable(photos.csv, photos.columns, Locations::kOptional);
  job.images = photos.images;
  job.out = out;
  job.weights = weights;
  job.segmenter = options.model.segmenter;
  job.runtime = options.runtime;
  job.loader = options.data.loader;
  return SegmentPhotos(job);
}

EmbedModel ModelFromConfig(const ExperimentOptions& options, const std::filesystem::path& checkpoint) {
  return {options.model, options.loss, options.runtime, checkpoint};
}

EmbedResult EmbedFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::filesystem::path& checkpoint) {
  return EmbedPhotoTable(ModelFromConfig(options, checkpoint),
                         ReadPhotoTable(photos.csv, photos.columns, Locations::kOptional), photos.images, photos.masks,
                         options.embed, options.data.loader);
}

}  // namespace dualgeo
