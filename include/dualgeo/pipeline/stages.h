// The steps that need a network or a server, each from a config to one library call; commands and `run` share them.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "dualgeo/gallery/embed_job.h"
#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/lmm/predictor.h"
#include "dualgeo/pipeline/photo_sets.h"
#include "dualgeo/refine/posterior_parameters.h"
#include "dualgeo/train/segment.h"
#include "dualgeo/train/trainer.h"

namespace dualgeo {

// photos: what to train on, validation photos included.
// run_dir: where checkpoint/ or segmenter/ and the log go.
TrainResult TrainFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::filesystem::path& run_dir, Existing existing);
TrainResult TrainSegmenterFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                     const std::filesystem::path& run_dir, Existing existing);

// What these would find in run_dir; see InspectModelTraining.
std::optional<TrainedSoFar> InspectTrainFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                                   const std::filesystem::path& run_dir);
std::optional<TrainedSoFar> InspectSegmenterFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                                       const std::filesystem::path& run_dir);

// weights: a segmenter checkpoint or SegFormer weights. Masks go to `out`.
SegmentResult SegmentFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                const std::filesystem::path& weights, const std::filesystem::path& out);

// checkpoint: empty: the model before any training.
EmbedResult EmbedFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::filesystem::path& checkpoint);
// Into a features file; goes on where a killed process stopped (gallery/embed_job.h).
EmbedReport EmbedToFileFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                  const std::filesystem::path& checkpoint, const std::filesystem::path& out);
// Search, with gps_scores where the config asks for them. model: what made the queries' features.
std::vector<CandidateList> SearchFromConfig(const ExperimentOptions& options, const EmbedModel& model, Gallery& gallery,
                                            const FeatureSet& queries, const PhotoTable& photos);
// Into a candidates file; goes on where a killed process stopped (gallery/search.h).
void SearchToFileFromConfig(const ExperimentOptions& options, const EmbedModel& model, Gallery& gallery,
                            const FeatureSet& queries, const PhotoTable& photos, const std::filesystem::path& out);
// The re-ranker's parameters for this gallery: fitted on the validation photos of the training set, each asked without
// itself in the gallery. trained: features of all training photos. Throws InputError without validation photos.
PosteriorParameters FitRerankFromConfig(const ExperimentOptions& options, const EmbedModel& model, Gallery& gallery,
                                        const FeatureSet& trained, const PhotoSet& photos);

// What a prediction is made from.
struct PredictFiles {
  std::filesystem::path candidates;
  std::filesystem::path features;    // of the photos, where choose goes by similarities; need not be there
  std::filesystem::path checkpoint;  // the model of these
};

// The predictions of all photos of a set, as the config's `predict` says. Answers are joined by the parameters that the
// config's `rerank` names or by those that ship, not by what a run fits: that fit knows no answers. Throws as Predict,
// and Error where the language model's run ended early: what it answered is in the cache.
std::vector<Prediction> PredictFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                          const PredictFiles& files, PredictReport& report);

EmbedModel ModelFromConfig(const ExperimentOptions& options, const std::filesystem::path& checkpoint);

}  // namespace dualgeo
