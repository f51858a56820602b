#include <algorithm>
#include <queue>
#include <set>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"
#include "nearest_places.h"
#include "partition_builders.h"

namespace dualgeo {
namespace {

struct MergedRegion {
  std::vector<S2Cell> area;
  std::vector<std::size_t> members;  // indices of places
  UnitVector sum;                    // of these
  LatLon mean;                       // where it points to
  std::set<std::size_t> neighbours;
  bool gone = false;  // merged into another
};

class RegionMerger {
 public:
  RegionMerger(const std::vector<LatLon>& places, const PartitionOptions& options)
      : places_(places), options_(options) {
    for (const auto& place : AlongCurve(places)) {
      const S2Cell base = place.leaf.Parent(options.base_level);
      if (regions_.empty() || regions_.back().area[0] != base) regions_.push_back({{base}, {}, {}, {}, {}});
      regions_.back().members.push_back(place.index);
      AddTo(regions_.back(), ToUnitVector(places[place.index]));
    }
  }

  std::vector<PartitionCell> Build() {
    auto left = regions_.size();
    const auto classes = static_cast<std::size_t>(options_.classes);
    if (classes > left) {
      throw InputError("cells.classes " + std::to_string(classes) + ": the places lie in " + std::to_string(left) +
                       " cells of level " + std::to_string(options_.base_level) + "; allowed are 2 to as many");
    }
    Link();
    for (std::size_t i = 0; i < regions_.size(); ++i) queue_.push({regions_[i].members.size(), i});
    for (; left > classes; --left) {
      ThrowIfStopped();
      MergeSmallest();
    }
    return Cells();
  }

 private:
  using Entry = std::pair<std::size_t, std::size_t>;  // members, region

  static void AddTo(MergedRegion& region, const UnitVector& v) {
    region.sum = {region.sum.x + v.x, region.sum.y + v.y, region.sum.z + v.z};
    region.mean = ToLatLon(region.sum);
  }

  void Link() {
    std::vector<LatLon> means;
    for (const auto& region : regions_) means.push_back(region.mean);
    const NearestPlaces nearest(means);
    for (std::size_t i = 0; i < regions_.size(); ++i) {
      for (const std::size_t k : nearest.Find(means[i], options_.neighbours + 1)) {
        if (k == i) continue;
        regions_[i].neighbours.insert(k);
        regions_[k].neighbours.insert(i);
      }
    }
  }

  double Weight(std::size_t a, std::size_t b) const {
    const std::uint64_t seed =
        DeriveSeed(static_cast<std::uint64_t>(options_.seed), "merged_regions", std::min(a, b), std::max(a, b));
    const double factor = 1 + options_.randomness * Random(seed).Uniform();
    return factor * GreatCircleKm(regions_[a].mean, regions_[b].mean);
  }

  // Islands of the graph that were merged into one region go to the nearest other.
  std::size_t NearestOther(std::size_t region) const {
    std::size_t best = region;
    double best_km = 0;
    for (std::size_t i = 0; i < regions_.size(); ++i) {
      if (i == region || regions_[i].gone) continue;
      const double km = GreatCircleKm(regions_[i].mean, regions_[region].mean);
      if (best == region || km < best_km) {
        best = i;
        best_km = km;
      }
    }
    return best;
  }

  void MergeSmallest() {
    Entry smallest = queue_.top();
    queue_.pop();
    while (regions_[smallest.second].gone || regions_[smallest.second].members.size() != smallest.first) {
      smallest = queue_.top();
      queue_.pop();
    }
    const std::size_t from = smallest.second;
    const auto& neighbours = regions_[from].neighbours;
    std::size_t to = from;
    double least = 0;
    for (const std::size_t i : neighbours) {
      const double weight = Weight(from, i);
      if (to == from || weight < least) {
        to = i;
        least = weight;
      }
    }
    Merge(from, to == from ? NearestOther(from) : to);
  }

  // The one with fewer members becomes a part of the other.
  void Merge(std::size_t small, std::size_t large) {
    if (regions_[small].members.size() > regions_[large].members.size()) std::swap(small, large);
    auto &from = regions_[small], &to = regions_[large];
    to.area.insert(to.area.end(), from.area.begin(), from.area.end());
    to.members.insert(to.members.end(), from.members.begin(), from.members.end());
    AddTo(to, from.sum);
    for (const std::size_t i : from.neighbours) {
      regions_[i].neighbours.erase(small);
      if (i == large) continue;
      regions_[i].neighbours.insert(large);
      to.neighbours.insert(i);
    }
    from = {{}, {}, {}, {}, {}, true};
    queue_.push({to.members.size(), large});
  }

  std::vector<PartitionCell> Cells() {
    std::vector<PartitionCell> cells;
    for (auto& region : regions_) {
      if (region.gone) continue;
      Coalesce(region.area);
      std::vector<LatLon> members;
      for (const std::size_t i : region.members) members.push_back(places_[i]);
      cells.push_back({0, std::move(region.area), static_cast<std::int64_t>(members.size()), CellMean(members)});
    }
    return cells;
  }

  const std::vector<LatLon>& places_;
  const PartitionOptions& options_;
  std::vector<MergedRegion> regions_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
};

}  // namespace

std::vector<PartitionCell> BuildMergedRegions(const Coordinates& places, const PartitionOptions& options) {
  return RegionMerger(places.locations, options).Build();
}

}  // namespace dualgeo
