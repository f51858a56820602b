// The kinds of partitions: one file each (NAME_builder.cpp), and one line here.
#pragma once

#include <vector>

#include "dualgeo/cells/build_partition.h"

// type, what makes the cells, and the options that it reads.
#define DUALGEO_PARTITION_BUILDERS(KIND)                                                                    \
  KIND("s2_adaptive", BuildS2Adaptive, {"min", "max", "start_level"})                                       \
  KIND("merged_regions", BuildMergedRegions, {"base_level", "classes", "neighbours", "randomness", "seed"}) \
  KIND("semantic", BuildSemantic,                                                                           \
       {"min", "max", "columns", "polygons", "optics_min_samples", "optics_xi", "resolution"})

namespace dualgeo {

// Labels are set by BuildPartition.
#define DECLARE(name, build, ...) \
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
