// DualGeo's re-ranking: candidates by distance to the centre of the largest cluster.
#include "rerankers.h"

#include <algorithm>

#include "dualgeo/geo/distance.h"
#include "refine/dbscan.h"

namespace dualgeo {
namespace {

class DbscanReranker : public Reranker {
 public:
  explicit DbscanReranker(const RerankOptions& options)
      : options_(options), center_(ParseCenterRule(options.center)), by_rank_(options.order == "rank") {}

  std::optional<PlaceEstimate> Reorder(std::vector<Candidate>& similar, const PlacePosterior&) const override {
    std::vector<LatLon> places;
    places.reserve(similar.size());
    for (const auto& candidate : similar) places.push_back(candidate.location);
    const std::vector<int> labels = Dbscan(places, options_.eps_km, options_.min_samples);
    const int chosen = Choose(labels, similar);

    std::vector<LatLon> members;
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (chosen == kNoise || labels[i] == chosen) members.push_back(places[i]);
    }
    const LatLon center = by_rank_ ? LatLon{} : Center(members, center_);
    for (std::size_t i = 0; i < similar.size(); ++i) {
      similar[i].cluster = labels[i];
      similar[i].rerank_score = by_rank_ ? 1.0 / RetrievalRank(similar[i]) + (labels[i] == chosen ? 1 : 0)
                                         : -GreatCircleKm(center, places[i]);
    }
    SortByRerankScore(similar);
    return std::nullopt;
  }

 private:
  // The label of the cluster to answer with; noise when every candidate is. Labels count up in order of the list, so
  // that on ties the cluster that appears first wins.
  int Choose(const std::vector<int>& labels, const std::vector<Candidate>& similar) const {
    const int clusters = *std::max_element(labels.begin(), labels.end()) + 1;
    if (clusters == 0) return kNoise;
    std::vector<double> value(static_cast<std::size_t>(clusters), 0);
    const std::vector<double> weights = options_.cluster_choice == "weight"
                                            ? CandidateWeights(options_, "rank", similar)
                                            : std::vector<double>(similar.size(), 1);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == kNoise) continue;
      double& its = value[static_cast<std::size_t>(labels[i])];
      if (options_.cluster_choice == "best_rank") {
        its = std::max(its, 1.0 / RetrievalRank(similar[i]));
      } else {
        its += weights[i];
      }
    }
    return static_cast<int>(std::max_element(value.begin(), value.end()) - value.begin());
  }

  RerankOptions options_;
  CenterRule center_;
  bool by_rank_;
};

}  // namespace

// Clusters all candidates (Dbscan) and takes one cluster by cluster_choice: size, most members; weight, greatest sum of
// CandidateWeights (auto: rank); best_rank, the one that holds the best-ranked candidate that is not noise. The first
// in the list wins ties; when every candidate is noise, all are taken together.
//
// order center: by great-circle distance to the cluster's centre; rerank_score is minus that distance in km. order
// rank: the cluster's members by rank, then the others by rank; rerank_score is 1 / rank, plus 1 for members.
std::unique_ptr<Reranker> MakeDbscanReranker(const RerankOptions& options) {
  return std::make_unique<DbscanReranker>(options);
}

}  // namespace dualgeo
