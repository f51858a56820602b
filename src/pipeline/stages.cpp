#include "dualgeo/pipeline/stages.h"

#include "dualgeo/data/dataset.h"
#include "dualgeo/data/split.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/train/checkpoint.h"
#include "dualgeo/train/runtime.h"
#include "dualgeo/train/segmenter_trainer.h"
#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

std::uint64_t Seed(const ExperimentOptions& options) { return static_cast<std::uint64_t>(options.runtime.seed); }

struct Datasets {
  std::optional<PhotoDataset> train;
  std::optional<PhotoDataset> validation;  // none: data.validation holds nothing out
};

Datasets MakeDatasets(const ExperimentOptions& options, const PhotoSet& photos, const ViewOptions& views,
                      bool shares_validation) {
  const ValidationOptions& held_out = options.data.validation;
  PhotoTable table = ReadPhotoTable(photos.csv, photos.columns);
  Datasets datasets;
  if (shares_validation && !held_out.csv.empty()) {
    datasets.validation.emplace(ReadPhotoTable(held_out.csv, held_out.columns),
                                held_out.images.empty() ? photos.images : std::filesystem::path(held_out.images),
                                held_out.masks.empty() ? photos.masks : std::filesystem::path(held_out.masks), views);
  } else if (held_out.fraction > 0) {
    PhotoSplit split = SplitByAuthor(table, held_out.fraction, DeriveSeed(Seed(options), "validation"));
    table = std::move(split.train);
    datasets.validation.emplace(std::move(split.validation), photos.images, photos.masks, views);
  }
  datasets.train.emplace(std::move(table), photos.images, photos.masks, views, options.data.augment);
  return datasets;
}

TrainJob MakeJob(const ExperimentOptions& options, const Datasets& datasets, const std::filesystem::path& run_dir,
                 Existing existing) {
  TrainJob job;
  job.train = &*datasets.train;
  job.validation = datasets.validation ? &*datasets.validation : nullptr;
  job.loader = options.data.loader;
  job.runtime = options.runtime;
  job.run_dir = run_dir;
  job.config = DumpExperiment(options);
  job.existing = existing;
  return job;
}

DualGeoModel MakeModel(const ExperimentOptions& options, const std::optional<std::filesystem::path>& checkpoint,
                       const torch::Device& device) {
  if (checkpoint) return LoadModel(*checkpoint, options.model, options.loss, device);
  DualGeoModel model(options.model, options.loss, Seed(options));
  LoadPretrained(*model);
  model->to(device);
  model->eval();
  return model;
}

}  // namespace

ViewOptions ModelViews(const ModelOptions& model) {
  ViewOptions views;
  views.image_size = Resolve(model.image_encoder, model.embed_dim).image_size;
  views.mask_size = model.segmentation_encoder.image_size;
  views.normalization = kClipNormalization;
  views.geometry = Geometry::kAligned;
  views.num_classes = model.segmenter.num_labels;
  views.with_masks = model.has_segmentation();
  return views;
}

TrainResult TrainFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::filesystem::path& run_dir, Existing existing) {
  const Datasets datasets = MakeDatasets(options, photos, ModelViews(options.model), true);
  return TrainModel(MakeJob(options, datasets, run_dir, existing), options.model, options.loss, options.train);
}

TrainResult TrainSegmenterFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                     const std::filesystem::path& run_dir, Existing existing) {
  // Validation photos of their own belong to data.train; data.segmenter's are always a share of its own.
  const bool shares_validation = options.data.segmenter.csv.empty();
  const Datasets datasets = MakeDatasets(
      options, photos, SegmenterViews(options.model.segmenter, options.train_segmenter), shares_validation);
  return TrainSegmenter(MakeJob(options, datasets, run_dir, existing), options.model.segmenter,
                        options.train_segmenter);
}

SegmentResult SegmentFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                const std::filesystem::path& weights, const std::filesystem::path& out,
                                const std::optional<std::filesystem::path>& logits) {
  SegmentJob job;
  job.photos = ReadPhotoTable(photos.csv, photos.columns, Locations::kOptional);
  job.images = photos.images;
  job.out = out;
  job.weights = weights;
  job.segmenter = options.model.segmenter;
  job.runtime = options.runtime;
  job.loader = options.data.loader;
  job.logits = logits;
  return SegmentPhotos(job);
}

EmbedResult EmbedFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::optional<std::filesystem::path>& checkpoint) {
  const torch::Device device = SetupRuntime(options.runtime);
  DualGeoModel model = MakeModel(options, checkpoint, device);
  const PhotoDataset dataset(ReadPhotoTable(photos.csv, photos.columns, Locations::kOptional), photos.images,
                             photos.masks, ModelViews(options.model));
  LoaderOptions loader = options.data.loader;
  loader.cache_megabytes = 0;  // each photo is read once
  const AutocastGuard autocast(device, options.runtime.precision);
  return EmbedPhotos(model, options.model, dataset, options.embed, loader);
}

FeatureSet EmbedGpsFromConfig(const ExperimentOptions& options, const std::vector<LatLon>& coordinates,
                              std::vector<std::string> ids, const std::optional<std::filesystem::path>& checkpoint) {
  const torch::Device device = SetupRuntime(options.runtime);
  DualGeoModel model = MakeModel(options, checkpoint, device);
  return EmbedGps(model, options.model, coordinates, std::move(ids));
}

}  // namespace dualgeo
