#include "dualgeo/pipeline/stages.h"

#include <unordered_map>

#include "dualgeo/eval/held_out.h"
#include "dualgeo/gallery/search.h"
#include "dualgeo/lmm/answer_join.h"
#include "dualgeo/lmm/place_similarity.h"
#include "dualgeo/train/segmenter_trainer.h"
#include "dualgeo/train/training_sets.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/output_path.h"

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

// Validation photos of their own belong to data.train; of data.segmenter's, a share is held out.
TrainJob MakeSegmenterJob(const ExperimentOptions& options, const PhotoSet& photos,
                          const std::filesystem::path& run_dir, Existing existing) {
  TrainJob job = MakeJob(options, photos, run_dir, existing);
  if (!options.data.segmenter.csv.empty()) {
    const double fraction = job.data.validation.fraction;
    job.data.validation = {};
    job.data.validation.fraction = fraction;
  }
  return job;
}

std::uint64_t SeedOf(const ExperimentOptions& options) { return static_cast<std::uint64_t>(options.runtime.seed); }

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

}  // namespace

TrainResult TrainFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::filesystem::path& run_dir, Existing existing) {
  return TrainModel(MakeJob(options, photos, run_dir, existing), options.model, options.loss, options.train);
}

TrainResult TrainSegmenterFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                     const std::filesystem::path& run_dir, Existing existing) {
  return TrainSegmenter(MakeSegmenterJob(options, photos, run_dir, existing), options.model.segmenter,
                        options.train_segmenter);
}

std::optional<TrainedSoFar> InspectTrainFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                                   const std::filesystem::path& run_dir) {
  return InspectModelTraining(MakeJob(options, photos, run_dir, Existing::kResume), options.model, options.loss,
                              options.train);
}

std::optional<TrainedSoFar> InspectSegmenterFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                                       const std::filesystem::path& run_dir) {
  return InspectSegmenterTraining(MakeSegmenterJob(options, photos, run_dir, Existing::kResume),
                                  options.model.segmenter, options.train_segmenter);
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

namespace {

std::vector<CandidateList> SearchWithScores(const ExperimentOptions& options, const EmbedModel& model, Gallery& gallery,
                                            const FeatureSet& queries, const PhotoTable& photos,
                                            const KeepParts& keep) {
  std::vector<CandidateList> lists = Search(gallery, queries, photos, options.search, keep);
  if (options.search.gps_scores) AddGpsScores(ModelSimilarity(model, queries, "the photos' features"), lists);
  return lists;
}

EmbedPhotosJob EmbedJobOf(const ExperimentOptions& options, const PhotoSet& photos,
                          const std::filesystem::path& checkpoint) {
  return {ModelFromConfig(options, checkpoint),
          ReadPhotoTable(photos.csv, photos.columns, Locations::kOptional),
          photos.images,
          photos.masks,
          options.embed,
          options.data.loader};
}

}  // namespace

std::vector<CandidateList> SearchFromConfig(const ExperimentOptions& options, const EmbedModel& model, Gallery& gallery,
                                            const FeatureSet& queries, const PhotoTable& photos) {
  return SearchWithScores(options, model, gallery, queries, photos, {});
}

void SearchToFileFromConfig(const ExperimentOptions& options, const EmbedModel& model, Gallery& gallery,
                            const FeatureSet& queries, const PhotoTable& photos, const std::filesystem::path& out) {
  CheckOutputs({{"--out", out}}, {{"--photos", photos.path}, {"--gallery", gallery.folder}});
  WriteCandidates(out, SearchWithScores(options, model, gallery, queries, photos, KeepPartsOf(out)));
  RemoveParts(out);
}

PosteriorParameters FitRerankFromConfig(const ExperimentOptions& options, const EmbedModel& model, Gallery& gallery,
                                        const FeatureSet& trained, const PhotoSet& photos) {
  const ValidationOptions& own = options.data.validation;
  RerankStudy study;
  FeatureSet features;
  if (const auto set = ValidationSet(options, photos)) {
    study.truth = ReadPhotoTable(set->csv, set->columns);
    features = EmbedFromConfig(options, *set, model.checkpoint).features;
  } else {
    study.truth = SplitTrainingTable(ReadPhotoTable(photos.csv, photos.columns), own, SeedOf(options)).validation;
    features = Select(trained, study.truth);
  }
  if (study.truth.rows.empty()) {
    throw InputError("step fit_rerank has no photos to fit on: data.validation.fraction is 0 and names no csv");
  }
  ExperimentOptions alone = options;
  alone.search.exclude_same_id = true;
  study.lists = SearchFromConfig(alone, model, gallery, features, study.truth);
  FitOptions fit;
  fit.top_k = options.rerank.top_k;
  fit.evidence = options.rerank.evidence;
  PosteriorParameters parameters = FitPosterior(study.Examples(fit.top_k, false), fit);
  parameters.note = std::to_string(study.lists.size()) + " validation photos, each asked without itself in the gallery";
  return parameters;
}

std::vector<Prediction> PredictFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                          const PredictFiles& files, PredictReport& report) {
  PredictInputs inputs;  // of method lmm
  inputs.lmm.images = photos.images;
  const bool lmm = options.predict.method == "lmm";
  const LmmOptions& choice = options.predict.lmm;
  if (lmm) inputs.choice.join = AnswerJoinFor(choice.choose, options.rerank);
  const bool joins = choice.choose == "auto" && inputs.choice.join;
  if (lmm && !joins && choice.verifies() && std::filesystem::exists(files.features)) {
    inputs.choice.similarity = ModelSimilarity(ModelFromConfig(options, files.checkpoint), ReadFeatures(files.features),
                                               files.features.string());
  }
  std::vector<Prediction> predictions = Predict(options.predict, ReadCandidates(files.candidates), inputs, &report);
  // Predictions that count as made would never be asked about again.
  if (!report.stopped.empty()) {
    throw Error("predict: " + report.stopped + "; the answers so far are in " + options.predict.lmm.cache +
                ", run again to go on");
  }
  std::vector<std::string> ids;
  for (const auto& row : ReadPhotoTable(photos.csv, photos.columns, Locations::kOptional).rows) ids.push_back(row.id);
  AddUnanswered(ids, options.predict.method, predictions);
  ApplyFailureRule(options.predict, predictions);
  return predictions;
}

EmbedModel ModelFromConfig(const ExperimentOptions& options, const std::filesystem::path& checkpoint) {
  return {options.model, options.loss, options.runtime, checkpoint};
}

EmbedResult EmbedFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::filesystem::path& checkpoint) {
  return EmbedPhotosToMemory(EmbedJobOf(options, photos, checkpoint));
}

EmbedReport EmbedToFileFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                  const std::filesystem::path& checkpoint, const std::filesystem::path& out) {
  return EmbedPhotosToFile(EmbedJobOf(options, photos, checkpoint), out);
}

}  // namespace dualgeo
