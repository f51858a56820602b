#include "dbscan_reranker.h"

#include <algorithm>

#include "dualgeo/geo/distance.h"
#include "dualgeo/refine/dbscan.h"

namespace dualgeo {
namespace {

class DbscanReranker : public Reranker {
 public:
  explicit DbscanReranker(const RerankOptions& options)
      : eps_km_(options.eps_km), min_samples_(options.min_samples), center_(ParseCenterRule(options.center)) {}

  void Reorder(std::vector<Candidate>& similar) const override {
    std::vector<LatLon> places;
    places.reserve(similar.size());
    for (const auto& candidate : similar) places.push_back(candidate.location);
    const std::vector<int> labels = Dbscan(places, eps_km_, min_samples_);

    // Labels count up in order of rank, so the first of the largest is the one that appears first in the list.
    std::vector<int> sizes;
    for (const int label : labels) {
      if (label == kNoise) continue;
      sizes.resize(std::max(sizes.size(), static_cast<std::size_t>(label) + 1));
      ++sizes[static_cast<std::size_t>(label)];
    }
    std::vector<LatLon> members;
    if (sizes.empty()) {
      members = places;
    } else {
      const auto largest = static_cast<int>(std::max_element(sizes.begin(), sizes.end()) - sizes.begin());
      for (std::size_t i = 0; i < places.size(); ++i) {
        if (labels[i] == largest) members.push_back(places[i]);
      }
    }
    const LatLon center = Center(members, center_);
    for (std::size_t i = 0; i < similar.size(); ++i) {
      similar[i].cluster = labels[i];
      similar[i].rerank_score = -GreatCircleKm(center, places[i]);
    }
    std::stable_sort(similar.begin(), similar.end(),
                     [](const Candidate& a, const Candidate& b) { return *a.rerank_score > *b.rerank_score; });
  }

 private:
  double eps_km_;
  int min_samples_;
  CenterRule center_;
};

}  // namespace

std::unique_ptr<Reranker> MakeDbscanReranker(const RerankOptions& options) {
  return std::make_unique<DbscanReranker>(options);
}

}  // namespace dualgeo
