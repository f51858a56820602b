#include "eval/recall.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "eval/cluster_statistics.h"
#include "eval/statistics.h"

namespace dualgeo {

std::vector<RecallAtK> Recall(const std::vector<CandidateList>& lists, const PhotoTable& truth,
                              const EvaluateOptions& options, const std::optional<PhotoClusters>& clusters) {
  const DistanceKind distance = ParseDistanceKind(options.distance);
  std::unordered_map<std::string_view, const CandidateList*> list_of;
  for (const auto& list : lists) list_of.emplace(list.query_id, &list);

  // best[i][r]: the least error among the first r + 1 candidates of photo i.
  std::vector<std::vector<double>> best(truth.rows.size());
  std::size_t longest = 0;
  for (std::size_t i = 0; i < truth.rows.size(); ++i) {
    const auto found = list_of.find(truth.rows[i].id);
    if (found == list_of.end() || !truth.rows[i].location) continue;
    for (const auto& candidate : found->second->candidates) {
      if (!candidate.similar) break;
      const double km = DistanceKm(*truth.rows[i].location, candidate.location, distance);
      best[i].push_back(best[i].empty() ? km : std::min(km, best[i].back()));
    }
    longest = std::max(longest, best[i].size());
  }

  std::vector<std::size_t> ks;
  for (const int k : options.oracle_k) {
    if (k > 0 && static_cast<std::size_t>(k) < longest) ks.push_back(static_cast<std::size_t>(k));
  }
  if (longest > 0) ks.push_back(longest);

  std::vector<RecallAtK> rows;
  for (const std::size_t k : ks) {
    std::vector<double> errors;
    std::vector<std::optional<double>> of_photos;
    for (const auto& of_photo : best) {
      of_photos.emplace_back();
      if (of_photo.empty()) continue;
      of_photos.back() = of_photo[std::min(k, of_photo.size()) - 1];
      errors.push_back(*of_photos.back());
    }
    RecallAtK row;
    row.k = static_cast<int>(k);
    row.recall = Accuracies(errors, static_cast<std::int64_t>(truth.rows.size()), options.thresholds_km);
    if (clusters) {
      SetClusterIntervals(row.recall, of_photos, clusters->of_photo);
    }
    row.median_km = Median(errors);
    row.mean_km = std::accumulate(errors.begin(), errors.end(), 0.0) / static_cast<double>(errors.size());
    for (const double error : errors) row.geoscore += GeoScore(error) / static_cast<double>(truth.rows.size());
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace dualgeo
