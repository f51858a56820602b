// The steps that need a network, each from a config to one library call; commands and `run` share them.
#pragma once

#include <filesystem>
#include <optional>

#include "dualgeo/data/preprocess.h"
#include "dualgeo/gallery/embed.h"
#include "dualgeo/pipeline/photo_sets.h"
#include "dualgeo/train/segment.h"
#include "dualgeo/train/trainer.h"

namespace dualgeo {

// How the model sees photos and masks: aligned crops of its input sizes, CLIP normalisation.
ViewOptions ModelViews(const ModelOptions& model);

// Training photos minus validation photos, as data.validation says.
// run_dir: where checkpoint/ and train.jsonl go.
TrainResult TrainFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::filesystem::path& run_dir, Existing existing);
TrainResult TrainSegmenterFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                     const std::filesystem::path& run_dir, Existing existing);

// weights: a segmenter checkpoint or SegFormer weights.
SegmentResult SegmentFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                                const std::filesystem::path& weights, const std::filesystem::path& out,
                                const std::optional<std::filesystem::path>& logits = std::nullopt);

// checkpoint: none: the model as its pretrained weights and the seed make it, before any training.
EmbedResult EmbedFromConfig(const ExperimentOptions& options, const PhotoSet& photos,
                            const std::optional<std::filesystem::path>& checkpoint);
FeatureSet EmbedGpsFromConfig(const ExperimentOptions& options, const std::vector<LatLon>& coordinates,
                              std::vector<std::string> ids, const std::optional<std::filesystem::path>& checkpoint);

}  // namespace dualgeo
