#include "lmm/place_similarity.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

// Places on a grid of a millionth of a degree (0.1 m), as tables write them.
std::uint64_t GridKey(LatLon place) {
  const auto lat = static_cast<std::int64_t>(std::llround((place.lat + 90) * 1e6));
  const auto lon = static_cast<std::int64_t>(std::llround((place.lon + 180) * 1e6)) % 360'000'000;
  return static_cast<std::uint64_t>(lat) * 360'000'000u + static_cast<std::uint64_t>(lon);
}

// What places are compared with: the sum of a photo's projected views.
class PhotoVectors {
 public:
  PhotoVectors(const FeatureSet& photos, std::string name) : name_(std::move(name)) {
    const char* views[] = {"projected_image", "projected_segmentation"};
    for (const char* view : views) {
      const auto found = photos.features.find(view);
      if (found == photos.features.end()) continue;
      const Matrix& matrix = found->second;
      if (sums_.columns == 0) sums_ = Matrix(matrix.rows, matrix.columns);
      if (matrix.columns != sums_.columns) throw InputError(name_ + ": the projected views differ in width");
      for (std::size_t i = 0; i < sums_.values.size(); ++i) sums_.values[i] += matrix.values[i];
      ++views_;
    }
    if (views_ == 0) throw InputError(name_ + ": holds neither projected_image nor projected_segmentation");
    for (std::size_t i = 0; i < photos.ids.size(); ++i) row_.emplace(photos.ids[i], static_cast<std::int64_t>(i));
  }

  std::int64_t columns() const { return sums_.columns; }

  std::span<const float> Of(const std::string& photo_id) const {
    const auto row = row_.find(photo_id);
    if (row == row_.end()) throw InputError(name_ + ": has no photo '" + Printable(photo_id) + "'");
    return sums_.Row(row->second);
  }

  // Mean cosine.
  double Similarity(std::span<const float> photo, std::span<const float> place) const {
    double dot = 0;
    for (std::size_t d = 0; d < place.size(); ++d) dot += static_cast<double>(photo[d]) * place[d];
    return dot / views_;
  }

 private:
  std::string name_;
  Matrix sums_;
  int views_ = 0;
  std::unordered_map<std::string, std::int64_t> row_;
};

}  // namespace

PlaceSimilarity FeatureFileSimilarity(const std::filesystem::path& photos_path, const std::filesystem::path& gps_path) {
  const FeatureSet photos = ReadFeatures(photos_path);
  const auto gps = std::make_shared<const FeatureSet>(ReadFeatures(gps_path));
  const auto vectors = std::make_shared<const PhotoVectors>(photos, photos_path.string());
  const Matrix& places = gps->Require("projected_gps");
  if (vectors->columns() != places.columns) {
    throw InputError(gps_path.string() + ": projected_gps has " + std::to_string(places.columns) +
                     " dimensions, the photos of " + photos_path.string() + " have " +
                     std::to_string(vectors->columns()));
  }
  if (!photos.model.empty() && !gps->model.empty() && photos.model != gps->model) {
    throw InputError(gps_path.string() + ": made by another model than " + photos_path.string());
  }
  if (gps->locations.size() != gps->ids.size()) {
    throw InputError(gps_path.string() + ": has no tensor latlon, so its places are not known");
  }
  std::unordered_map<std::uint64_t, std::int64_t> row;
  for (std::size_t i = 0; i < gps->locations.size(); ++i) {
    row.emplace(GridKey(gps->locations[i]), static_cast<std::int64_t>(i));
  }
  return [vectors, gps, row = std::move(row), gps_path](const std::string& photo_id, std::span<const LatLon> asked) {
    const auto photo = vectors->Of(photo_id);
    const Matrix& known = gps->Require("projected_gps");
    std::vector<double> similarities;
    similarities.reserve(asked.size());
    for (const LatLon& place : asked) {
      const auto found = row.find(GridKey(place));
      if (found == row.end()) {
        throw InputError(gps_path.string() + ": has no embedding of " + ToString(place) + ", needed for '" +
                         Printable(photo_id) + "'; embed the places that --places-out writes");
      }
      similarities.push_back(vectors->Similarity(photo, known.Row(found->second)));
    }
    return similarities;
  };
}

PlaceSimilarity ModelSimilarity(const EmbedModel& model, const FeatureSet& photos, const std::string& name) {
  return ModelSimilarity(std::make_shared<const CoordinateEmbedder>(model), photos, name);
}

PlaceSimilarity ModelSimilarity(std::shared_ptr<const CoordinateEmbedder> embedder, const FeatureSet& photos,
                                const std::string& name) {
  const auto vectors = std::make_shared<const PhotoVectors>(photos, name);
  if (!photos.model.empty() && photos.model != embedder->fingerprint()) {
    throw InputError(name + ": made by another model than the one that is to embed the places");
  }
  return [vectors, embedder](const std::string& photo_id, std::span<const LatLon> places) {
    const auto photo = vectors->Of(photo_id);
    const Matrix embedded = embedder->Project(places);
    std::vector<double> similarities;
    similarities.reserve(places.size());
    for (std::int64_t i = 0; i < embedded.rows; ++i) {
      similarities.push_back(vectors->Similarity(photo, embedded.Row(i)));
    }
    return similarities;
  };
}

void AddGpsScores(const PlaceSimilarity& similarity, std::vector<CandidateList>& lists) {
  Progress progress("gps scores", static_cast<std::int64_t>(lists.size()), "lists");
  std::vector<LatLon> places;
  std::int64_t done = 0;
  for (CandidateList& list : lists) {
    ThrowIfStopped();
    places.clear();
    for (const Candidate& candidate : list.candidates) places.push_back(candidate.location);
    const std::vector<double> scores = similarity(list.query_id, places);
    for (std::size_t i = 0; i < scores.size(); ++i) list.candidates[i].gps_score = scores[i];
    progress.Update(++done);
  }
  progress.Finish();
}

}  // namespace dualgeo
