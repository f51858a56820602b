#include <algorithm>
#include <span>

#include "partition_builders.h"

namespace dualgeo {
namespace {

class AdaptiveCells {
 public:
  AdaptiveCells(const std::vector<LatLon>& places, const PartitionOptions& options)
      : places_(places), options_(options), curve_(AlongCurve(places)) {}

  std::vector<PartitionCell> Build() {
    for (auto begin = curve_.begin(); begin != curve_.end();) {
      const S2Cell cell = begin->leaf.Parent(options_.start_level);
      const auto end = EndOf(cell, begin, curve_.end());
      Add(cell, {begin, end});
      begin = end;
    }
    return std::move(cells_);
  }

 private:
  using Members = std::span<const PlaceOnCurve>;

  template <class Iterator>
  static Iterator EndOf(S2Cell cell, Iterator begin, Iterator end) {
    return std::partition_point(begin, end, [&](const PlaceOnCurve& p) { return p.leaf.id() <= cell.Last(); });
  }

  void Add(S2Cell cell, Members members) {
    if (members.size() <= static_cast<std::size_t>(options_.min)) return;
    if (members.size() <= static_cast<std::size_t>(options_.max) || cell.level() == S2Cell::kMaxLevel) {
      std::vector<LatLon> places;
      for (const auto& member : members) places.push_back(places_[member.index]);
      cells_.push_back({0, {cell}, static_cast<std::int64_t>(members.size()), CellMean(places)});
      return;
    }
    auto begin = members.begin();
    for (int k = 0; k < 4; ++k) {
      const auto end = EndOf(cell.Child(k), begin, members.end());
      Add(cell.Child(k), {begin, end});
      begin = end;
    }
  }

  const std::vector<LatLon>& places_;
  const PartitionOptions& options_;
  std::vector<PlaceOnCurve> curve_;
  std::vector<PartitionCell> cells_;
};

}  // namespace

std::vector<PartitionCell> BuildS2Adaptive(const Coordinates& places, const PartitionOptions& options) {
  return AdaptiveCells(places.locations, options).Build();
}

}  // namespace dualgeo
