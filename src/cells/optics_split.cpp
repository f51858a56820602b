#include "optics_split.h"

#include <algorithm>

#include "dualgeo/geo/distance.h"
#include "geo/center.h"
#include "geo/optics.h"

namespace dualgeo {
namespace {

using Members = std::vector<std::size_t>;

std::vector<LatLon> PlacesOf(const std::vector<LatLon>& places, const Members& members) {
  std::vector<LatLon> chosen;
  for (const std::size_t i : members) chosen.push_back(places[i]);
  return chosen;
}

std::size_t NearestMean(const std::vector<LatLon>& means, LatLon place) {
  return static_cast<std::size_t>(
      std::ranges::min_element(means, {}, [&](LatLon mean) { return GreatCircleKm(mean, place); }) - means.begin());
}

// Clusters of at least `least` members, and the rest.
struct OpticsGroups {
  std::vector<Members> clusters;
  Members noise;
};

OpticsGroups GroupByOptics(const std::vector<LatLon>& places, const Members& members, const OpticsOptions& options,
                           std::size_t least) {
  // Degrees around their middle: what lies across the date line is near.
  std::vector<LatLon> around = PlacesOf(places, members);
  const LatLon middle = SphericalMean(around);
  for (auto& place : around) place.lon = Normalized({0, place.lon - middle.lon}).lon;
  const auto labels = Optics(around, options).labels;
  OpticsGroups groups;
  const int count = std::ranges::max(labels) + 1;
  groups.clusters.resize(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < members.size(); ++i) {
    auto& to = labels[i] == kNoise ? groups.noise : groups.clusters[static_cast<std::size_t>(labels[i])];
    to.push_back(members[i]);
  }
  std::erase_if(groups.clusters, [&](const Members& cluster) {
    if (cluster.size() >= least) return false;
    groups.noise.insert(groups.noise.end(), cluster.begin(), cluster.end());
    return true;
  });
  return groups;
}

// One split by one setting of OPTICS; empty: none.
std::vector<Members> SplitOnce(const std::vector<LatLon>& places, const Members& members, const OpticsOptions& optics,
                               const PartitionOptions& options) {
  const auto least = static_cast<std::size_t>(options.min), most = static_cast<std::size_t>(options.max);
  if (members.size() <= most) return {};
  OpticsGroups groups = GroupByOptics(places, members, optics, least);
  auto& clusters = groups.clusters;
  if (clusters.empty()) return {};
  if (clusters.size() == 1) {
    if (groups.noise.size() < std::max<std::size_t>(least, 1) || groups.noise.size() > most) return {};
    clusters.push_back(std::move(groups.noise));
    return clusters;
  }
  std::vector<LatLon> means;
  for (const auto& cluster : clusters) means.push_back(SphericalMean(PlacesOf(places, cluster)));
  if (clusters.size() > 2) {
    for (auto& cluster : clusters) cluster.clear();
    groups.noise = members;
  }
  for (const std::size_t i : groups.noise) clusters[NearestMean(means, places[i])].push_back(i);
  const bool small = std::ranges::any_of(clusters, [&](const Members& cluster) {
    return cluster.size() < std::max<std::size_t>(least, 1) || cluster.size() == members.size();
  });
  return small ? std::vector<Members>{} : clusters;
}

}  // namespace

std::vector<std::vector<std::size_t>> SplitByOptics(const std::vector<LatLon>& places, std::vector<std::size_t> members,
                                                    const PartitionOptions& options) {
  std::vector<Members> parts = {std::move(members)};
  for (std::size_t round = 0; round < options.optics_xi.size(); ++round) {
    const OpticsOptions optics{options.optics_min_samples[round], options.optics_xi[round], OpticsMetric::kEuclidean};
    for (std::size_t i = 0; i < parts.size();) {
      auto split = SplitOnce(places, parts[i], optics, options);
      if (split.empty()) {
        ++i;
        continue;
      }
      parts[i] = std::move(split[0]);  // looked at again
      parts.insert(parts.end(), std::make_move_iterator(split.begin() + 1), std::make_move_iterator(split.end()));
    }
  }
  return parts;
}

}  // namespace dualgeo
