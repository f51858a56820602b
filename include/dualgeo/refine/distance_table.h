// Functions of the distance between two places, tabulated: a re-ranker evaluates thousands of them for one list, and a
// lookup costs a nanosecond where arcsine and exponential cost fifty.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <vector>

#include "dualgeo/geo/unit_vector.h"

namespace dualgeo {

// Where a pair of places lies between the nodes of the tables.
struct DistanceBin {
  std::uint32_t node = 0;
  float share = 0;  // of node + 1
};

// Nodes are equally spaced within each octave of the squared chord: eight an octave, from 0.8 m to the antipode, so
// that the bits of the floating-point number are the index.
inline constexpr int kDistanceNodes = 48 * 8 + 1;

inline DistanceBin BinOfSquaredChord(double squared_chord) {
  constexpr int kShift = 52 - 3;
  constexpr std::uint64_t kFirst = std::bit_cast<std::uint64_t>(0x1p-46) >> kShift;
  constexpr double kLeast = 0x1p-46, kMost = 4 * (1 - 0x1p-50);
  const double c = squared_chord > kLeast ? std::min(squared_chord, kMost) : kLeast;  // NaN: the first node
  const auto bits = std::bit_cast<std::uint64_t>(c);
  return {static_cast<std::uint32_t>((bits >> kShift) - kFirst),
          static_cast<float>(static_cast<double>(bits & ((std::uint64_t{1} << kShift) - 1)) * 0x1p-49)};
}

inline DistanceBin BinOf(const UnitVector& a, const UnitVector& b) { return BinOfSquaredChord(SquaredChord(a, b)); }

// Great-circle distance at a node in km; 0 at the first.
double NodeKm(int node);

// `columns` functions side by side: value(node, column) = f(NodeKm(node), column).
class DistanceTable {
 public:
  DistanceTable() = default;
  DistanceTable(int columns, const std::function<double(double km, int column)>& f);

  int columns() const { return columns_; }
  const float* Row(std::uint32_t node) const {
    return values_.data() + static_cast<std::size_t>(node) * static_cast<std::size_t>(columns_);
  }
  float At(DistanceBin bin, int column) const {
    const float* row = Row(bin.node);
    return row[column] + bin.share * (row[column + columns_] - row[column]);
  }

 private:
  int columns_ = 0;
  std::vector<float> values_;
};

}  // namespace dualgeo
