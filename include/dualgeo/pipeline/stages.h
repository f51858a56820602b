// The steps that need a network, each from a config to one library call; commands and `run` share them.
#pragma once

#include <filesystem>
#include <optional>

#include "dualgeo/gallery/embed_job.h"
#include "dualgeo/gallery/gallery_file.h"
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

// weights: a segmenter checkpoint or SegFormer weights. Masks go to `out`.
SegmentResult SegmentFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                const std::filesystem::path& weights, const std::filesystem::path& out);

// checkpoint: empty: the model before any training.
EmbedResult EmbedFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::filesystem::path& checkpoint);
// Search, with gps_scores where the config asks for them. model: what made the queries' features.
std::vector<CandidateList> SearchFromConfig(const ExperimentOptions& options, const EmbedModel& model, Gallery& gallery,
                                            const FeatureSet& queries, const PhotoTable& photos);
// The re-ranker's parameters for this gallery: fitted on the validation photos of the training set, each asked without
// itself in the gallery. trained: features of all training photos. Throws InputError without validation photos.
PosteriorParameters FitRerankFromConfig(const ExperimentOptions& options, const EmbedModel& model, Gallery& gallery,
                                        const FeatureSet& trained, const PhotoSet& photos);
EmbedModel ModelFromConfig(const ExperimentOptions& options, const std::filesystem::path& checkpoint);

}  // namespace dualgeo
