// The kinds of partitions: one file each (NAME_builder.cpp), and one line here.
#pragma once

#include <vector>

#include "dualgeo/cells/build_partition.h"

// type, and what makes the cells.
#define DUALGEO_PARTITION_BUILDERS(KIND)     \
  KIND("s2_adaptive", BuildS2Adaptive)       \
  KIND("merged_regions", BuildMergedRegions) \
  KIND("semantic", BuildSemantic)

namespace dualgeo {

// Labels are set by BuildPartition.
#define DECLARE(name, build) \
  std::vector<PartitionCell> build(const Coordinates& places, const PartitionOptions& options);
DUALGEO_PARTITION_BUILDERS(DECLARE)
#undef DECLARE

// The places along the S2 curve, so that those of an S2 cell are neighbours.
struct PlaceOnCurve {
  S2Cell leaf;
  std::size_t index = 0;  // of the place
};
std::vector<PlaceOnCurve> AlongCurve(const std::vector<LatLon>& places);

// Sorted, with parents in the place of four children.
void Coalesce(std::vector<S2Cell>& area);

}  // namespace dualgeo
