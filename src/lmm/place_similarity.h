// How well places match a photo, by their embeddings in the space that the loss puts photos and GPS points into: what
// `choose: verify` (G3's geo-verification) goes by, and the column gps_score of candidates.
//
// The similarity is the cosine of the photo's projected view with the projected place; with both views it is the mean
// of their two cosines, as the loss pulls each of them towards the place with the same weight.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/gallery/embed_job.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/geo/latlon.h"

namespace dualgeo {

// The similarity of each place to the photo; greater is better. Throws InputError for a photo or place that it knows
// nothing of. Thread-safe.
using PlaceSimilarity = std::function<std::vector<double>(const std::string& photo_id, std::span<const LatLon> places)>;

// From two features files (gallery/features.h) of one model: photos with projected_image, projected_segmentation or
// both, and coordinates with projected_gps. A place is known when it is among the coordinates to within 1e-6 degrees.
// Throws InputError when files, tensors, widths or models do not go together.
PlaceSimilarity FeatureFileSimilarity(const std::filesystem::path& photos, const std::filesystem::path& gps);

// Of any place: the model that made the photos' features embeds it. `name` stands for the features in messages. Throws
// InputError when the features are of another model, or were not projected.
PlaceSimilarity ModelSimilarity(const EmbedModel& model, const FeatureSet& photos, const std::string& name);
// The same with a model that is loaded already.
PlaceSimilarity ModelSimilarity(std::shared_ptr<const CoordinateEmbedder> embedder, const FeatureSet& photos,
                                const std::string& name);

// Fills gps_score of all candidates.
void AddGpsScores(const PlaceSimilarity& similarity, std::vector<CandidateList>& lists);

}  // namespace dualgeo
