// A partition: the Earth, or the part of it that has photos, divided into cells, so that "where?" is a question of
// classes (PlaNet, CPlaNet, ISNs, TransLocator, PIGEON). Every cell is a union of S2 cells, whatever made it: one for
// s2_adaptive, several for merged regions; of polygons and Voronoi areas, those that fill them
// (cells/build_partition.h).
//
// The file is GeoEstimation's table:
//
//   class_label,hex_id,imgs_per_cell,latitude_mean,longitude_mean
//   0,8744,3376,39.2816204694905,-107.943436951718
//
// class_label is any whole number from 0; hex_id the token of the cell, or tokens separated by blanks; then how many
// photos it was made of, and their mean. A column `name` may follow, and lines such as "num_images: 4723695" may come
// before. Tokens are text. A spreadsheet takes 47e63 for a number, and drops the zeros before 0099: such files are
// refused, saying what it was where the mean tells.
//
// Where cells overlap, since one is an ancestor of another, the finest wins.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dualgeo/geo/latlon.h"
#include "dualgeo/geo/s2_cell.h"

namespace dualgeo {

struct PartitionCell {
  std::int64_t label = 0;
  std::vector<S2Cell> area;  // at least one
  std::int64_t count = 0;    // photos
  LatLon mean = {};          // of these
  std::string name = {};     // what people call it; empty: nothing
};

class Partition {
 public:
  // path and lines: where the cells stand, for messages; empty: in no file. Throws InputError for fewer than two cells,
  // a cell without area, and labels or tokens that are there twice.
  explicit Partition(std::vector<PartitionCell> cells, std::filesystem::path path = {}, std::vector<int> lines = {});

  // Throws InputError, one line that names file and row, for the above, a missing column, what is no token or no
  // number, a mean out of range, and one that is far from its cell.
  static Partition Read(const std::filesystem::path& path);
  // Whole or not at all; read again, it is the same to the last digit.
  void Write(const std::filesystem::path& path) const;

  // In the order of the file. A class is an index here: labels may have gaps.
  const std::vector<PartitionCell>& cells() const { return cells_; }

  struct Hit {
    std::size_t cell = 0;  // index in cells()
    S2Cell token;          // the S2 cell of its area in which the place is
  };
  // Nothing where the place is in no cell. Throws std::invalid_argument when it is not valid.
  std::optional<Hit> Find(LatLon place) const { return Find(S2Cell::Leaf(place)); }
  // The cell that holds all of `cell`.
  std::optional<Hit> Find(S2Cell cell) const;

  // S2 cells that lie in a coarser one of another cell of the partition.
  std::size_t CountNested() const;
  int coarsest_level() const { return coarsest_; }
  int finest_level() const { return finest_; }

 private:
  std::string At(std::size_t cell) const;

  std::vector<PartitionCell> cells_;
  std::filesystem::path path_;
  std::vector<int> lines_;
  std::unordered_map<std::uint64_t, std::size_t> by_id_;
  int coarsest_ = S2Cell::kMaxLevel, finest_ = 0;
};

// Of a cell's photos, one at least: the arithmetic mean, as ISNs have it, but the spherical one where they lie on both
// sides of the date line.
LatLon CellMean(const std::vector<LatLon>& places);

}  // namespace dualgeo
