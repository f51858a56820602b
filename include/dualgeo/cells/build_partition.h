// Makes partitions (geo/partition.h) of the places of a training set. Each kind is one file,
// src/cells/NAME_builder.cpp, and one line of src/cells/partition_builders.h.
//
//   s2_adaptive      ISNs (Müller-Budack et al., ECCV 2018), PlaNet: every place in its cell of start_level; cells with
//                    more than max places are split into their four children, down to leaves; those with min or fewer
//                    are dropped. A leaf may hold more than max: photos of one and the same position.
//   merged_regions   after CPlaNet (Seo et al., ECCV 2018), whose details are not published: the S2 cells of base_level
//                    that hold places are merged, the one with fewest places first, with the neighbour at the least
//                    distance between means times a random factor in [1, 1 + randomness], until `classes` are left.
//                    Neighbours are the `neighbours` nearest by their means, so that empty cells and seas are crossed;
//                    merging joins them. Sets that are to be intersected differ by `seed`. (CPlaNet also weighs by
//                    looks.)
//   semantic         after PIGEON (Haas et al., CVPR 2024): a cell for each distinct row of `columns`, from large to
//   small
//                    (country, region, city) or for each polygon of a GeoJSON file that has these as properties. Within
//                    a country, cells with fewer than min places are fused with one of the eight nearest of it, in
//                    order: a small one of the same region, any of that region, a small one, any; of several, the
//                    largest. Cells with more than max are split by OPTICS (Euclidean in degrees, rounds of
//                    optics_min_samples and optics_xi, each until nothing changes): clusters under min are noise; with
//                    one cluster, the noise is the other cell if it has from min to max; with more, noise goes to the
//                    nearest mean, and with three or more so do all. A split that would leave a cell under min is not
//                    made. The area of a cell is that of the Voronoi diagram of its places, within its polygons where
//                    there are some, filled with S2 cells: of `resolution` where borders run through land without
//                    photos, of up to level 20 between photos. A photo outside of all polygons counts for the nearest.
//
// The place of a cell is the arithmetic mean of its members' latitudes and longitudes, as ISNs have it, but the
// spherical mean where their longitudes span more than 180 degrees (the date line).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dualgeo/geo/coordinates.h"
#include "dualgeo/geo/partition.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

const std::vector<std::string>& PartitionTypeNames();

struct PartitionOptions {
  std::string type = "s2_adaptive";
  int min = 50;
  int max = 5000;
  int start_level = 2;
  int base_level = 14;
  int classes = 10000;
  int neighbours = 8;
  double randomness = 1;
  int seed = 0;
  std::vector<std::string> columns = {"COUNTRY", "REGION", "CITY"};
  std::string polygons = {};
  std::vector<int> optics_min_samples = {300, 400, 1000};
  std::vector<double> optics_xi = {0.05, 0.005, 0.0001};
  int resolution = 10;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("type", type, "how the Earth is divided", OneOf{PartitionTypeNames()});
    v.Field("min", min, "cells with so many places or fewer are dropped (s2_adaptive); with fewer, fused (semantic)",
            Range{0, 1e9}, For{"type", {"s2_adaptive", "semantic"}});
    v.Field("max", max, "cells with more places are split", Range{1, 1e9}, For{"type", {"s2_adaptive", "semantic"}});
    v.Field("start_level", start_level, "level of the largest cells", Range{0, S2Cell::kMaxLevel},
            For{"type", {"s2_adaptive"}});
    v.Field("base_level", base_level, "level of the cells that are merged", Range{0, S2Cell::kMaxLevel},
            For{"type", {"merged_regions"}});
    v.Field("classes", classes, "cells that are left", Range{2, 1e7}, For{"type", {"merged_regions"}});
    v.Field("neighbours", neighbours, "nearest cells that one may be merged with", Range{1, 100},
            For{"type", {"merged_regions"}});
    v.Field("randomness", randomness, "distances are multiplied by a random number from 1 to 1 + this", Range{0, 1000},
            For{"type", {"merged_regions"}});
    v.Field("seed", seed, "of these numbers", Range{0, 1e9}, For{"type", {"merged_regions"}});
    v.Field("columns", columns, "columns of the table, or properties of the polygons, from country to city",
            For{"type", {"semantic"}});
    v.Field("polygons", polygons, "GeoJSON file; empty: the columns of the table alone", Affects::kContent,
            For{"type", {"semantic"}});
    v.Field("optics_min_samples", optics_min_samples, "min_samples of OPTICS, a round each", Range{2, 1e9},
            For{"type", {"semantic"}});
    v.Field("optics_xi", optics_xi, "xi of OPTICS, a round each", Range{1e-9, 0.999999}, For{"type", {"semantic"}});
    v.Field("resolution", resolution, "finest level of S2 cells where no photos are near", Range{4, 20},
            For{"type", {"semantic"}});
  }

  // Throws InputError naming field, value and what is allowed.
  void Validate() const;

  // The columns of the coordinates' table that its type reads.
  std::vector<std::string> Columns() const;
};

// Throws InputError for options out of range, and where fewer than two cells would be left.
Partition BuildPartition(const Coordinates& places, const PartitionOptions& options);

}  // namespace dualgeo
