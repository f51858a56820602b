// Photos and coordinates -> features (gallery/features.h), through the whole model in evaluation mode.
// For callers that have a model in hand; gallery/embed_job.h makes one from options first.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "dualgeo/gallery/embed_job.h"
#include "dualgeo/model/dualgeo_model.h"
#include "gallery/feature_blocks.h"

namespace dualgeo {

// The model that the options describe, in evaluation mode, its weights frozen; see EmbedModel.
DualGeoModel LoadEmbedModel(const EmbedModel& options, const torch::Device& device);

// What a model computes, in 64 hex digits: its weights and buffers and the options that change its output, and nothing
// that does not (paths, dropout, freezing, the segmenter). Features, galleries and queries that go together carry the
// same.
std::string ModelFingerprint(const DualGeoModel& model);

// All photos of the dataset, in its order, without augmentation: image, segmentation, fused_* and projected_* of the
// views that the model has. Runs on the model's device, and in lower precision while an AutocastGuard lives. With
// fusion.scope batch a warning says that the result depends on which photos share a batch; otherwise batch size does
// not matter beyond rounding. Throws InputError for bad photos or masks, or when not one could be read, Error when the
// model gives a value that is not finite, Interrupted.
EmbedResult EmbedPhotos(DualGeoModel& model, const PhotoDataset& dataset, const EmbedOptions& options,
                        const LoaderOptions& loader_options);

// The same into `blocks` (items: rows of the dataset's table), whose parts are not made again, unless one of their
// photos or masks has changed since.
EmbedReport EmbedPhotos(DualGeoModel& model, const PhotoDataset& dataset, const EmbedOptions& options,
                        const LoaderOptions& loader_options, FeatureBlocks& blocks);

// One batch: pixels [N, 3, S, S], mask [N, M, M] or undefined, as model/dualgeo_model.h has them, or several crops of
// each photo, [N, C, 3, S, S] and [N, C, M, M], whose vectors are pooled as model.image_encoder.crops_pooling says:
// as the networks give them (projected_*: of unit length) before they are normalised; attributes by their mean. With
// crops_of probabilities or logits place_vector holds those of the crops one after the other. The ids are the last N of
// the set already. raw: as in EmbedOptions. What EmbedPhotos does with each of its batches. Throws InputError for a raw
// view that the model does not have.
void AppendFeatures(DualGeoModel& model, const torch::Tensor& pixels, const torch::Tensor& mask,
                    const std::vector<std::string>& raw, FeatureSet& set);

// Probabilities of the classes of each partition, [N, classes], from the logits of N * crops crops, [N * crops,
// classes] for each, pooled as model.image_encoder.crops_pooling and .crops_of say. joint: a crop's add up to 1 over
// all partitions, not over each.
std::vector<torch::Tensor> PlaceProbabilities(std::vector<torch::Tensor> logits, std::int64_t crops,
                                              const ImageEncoderOptions& options, bool joint);

// Coordinates, in their order: gps, projected_gps, latlon. What lies beyond a projection's edge is as in
// model/gps_projection.h: Mercator has no poles and clamps latitude to +-85.0511 degrees (gps_encoder.beyond_mercator);
// longitudes 180 and -180 are the two edges of the map, except for ecef. ids: one per coordinate, or empty for the row
// numbers "0", "1" ... Throws Error when the model gives a value that is not finite, Interrupted.
FeatureSet EmbedGps(DualGeoModel& model, std::span<const LatLon> coordinates, std::vector<std::string> ids = {});
void EmbedGps(DualGeoModel& model, std::span<const LatLon> coordinates, const std::vector<std::string>& ids,
              FeatureBlocks& blocks);

// Only what photos are compared with: projected_gps, [N, embed_dim]. Throws as EmbedGps.
Matrix ProjectCoordinates(DualGeoModel& model, std::span<const LatLon> coordinates);

}  // namespace dualgeo
