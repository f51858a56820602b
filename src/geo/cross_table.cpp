#include "geo/cross_table.h"

#include <algorithm>
#include <map>

namespace dualgeo {

std::vector<std::optional<std::size_t>> ParentsIn(const Partition& coarse, const Partition& fine) {
  std::vector<std::optional<std::size_t>> parents;
  for (const auto& cell : fine.cells()) {
    const auto first = coarse.Find(cell.area.front());
    const bool whole = first && std::ranges::all_of(cell.area, [&](S2Cell part) {
                         const auto hit = coarse.Find(part);
                         return hit && hit->cell == first->cell;
                       });
    parents.push_back(whole ? std::optional(first->cell) : std::nullopt);
  }
  return parents;
}

std::vector<CrossCell> Intersect(const std::vector<Partition>& partitions, const std::vector<LatLon>& places) {
  std::map<std::vector<std::size_t>, std::vector<LatLon>> members;
  for (const auto& place : places) {
    const S2Cell leaf = S2Cell::Leaf(place);
    std::vector<std::size_t> cells;
    for (const auto& partition : partitions) {
      if (const auto hit = partition.Find(leaf)) cells.push_back(hit->cell);
    }
    if (cells.size() == partitions.size()) members[cells].push_back(place);
  }
  std::vector<CrossCell> crossed;
  for (const auto& [cells, inside] : members) {
    crossed.push_back({cells, static_cast<std::int64_t>(inside.size()), CellMean(inside)});
  }
  return crossed;
}

}  // namespace dualgeo
