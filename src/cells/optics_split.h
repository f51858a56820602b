// Splits cells that hold too many places, as PIGEON does: see build_partition.h.
#pragma once

#include <vector>

#include "dualgeo/cells/build_partition.h"

namespace dualgeo {

// Parts of `members` (indices of places), one or more.
std::vector<std::vector<std::size_t>> SplitByOptics(const std::vector<LatLon>& places, std::vector<std::size_t> members,
                                                    const PartitionOptions& options);

}  // namespace dualgeo
