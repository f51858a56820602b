// How the cells of several partitions lie in one another.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dualgeo/geo/partition.h"

namespace dualgeo {

// The hierarchy of ISNs: for each cell of `fine`, the index of the cell of `coarse` that holds all of it; nothing where
// none does.
std::vector<std::optional<std::size_t>> ParentsIn(const Partition& coarse, const Partition& fine);

// CPlaNet's fine classes: a combination of cells, one of each partition, that photos are in.
struct CrossCell {
  std::vector<std::size_t> cells;  // an index for each partition
  std::int64_t count = 0;          // photos
  LatLon mean = {};                // of these, as that of a cell
};

// Sorted by `cells`. A place that is in no cell of one of the partitions is left out.
std::vector<CrossCell> Intersect(const std::vector<Partition>& partitions, const std::vector<LatLon>& places);

}  // namespace dualgeo
