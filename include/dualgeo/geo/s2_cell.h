// Cells of the S2 grid (https://s2geometry.io): the sphere is six faces of a cube, each split into four again and again
// along a Hilbert curve, 30 levels deep (a leaf is about 1 cm wide). A cell's id has 64 bits: three of the face, two
// for each level, then a 1 and zeros. So the leaves of a cell are a range of ids, and ids of neighbours are mostly
// close.
//
// A token is the id in hexadecimal digits without the zeros at its end: text, never a number. "0099" has leading zeros,
// and "47e63" is no power of ten.
//
// Why not libs2, which Debian has: what is needed are the 150 lines of s2_cell.cpp, and labels of trained heads hang on
// them. With two ways in, which one a checkpoint was made by would depend on what was installed with the compiler; and
// libs2 loads twenty libraries of Abseil into a program that starts at once. Where libs2-dev is there, the test
// compares both on a hundred thousand places.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

class S2Cell {
 public:
  static constexpr int kMaxLevel = 30;

  // The leaf that holds the place. (0, 180) and (0, -180) may be in neighbours: sin(pi) is no zero. Throws
  // std::invalid_argument when the place is not valid (IsValid).
  static S2Cell Leaf(LatLon place);
  // The cell of level 0; face in [0, 6).
  static S2Cell Face(int face);
  // Nothing where no cell has this id or token (a token in capitals, or with a zero at its end, is none).
  static std::optional<S2Cell> FromId(std::uint64_t id);
  static std::optional<S2Cell> FromToken(std::string_view token);

  std::uint64_t id() const { return id_; }
  int face() const { return static_cast<int>(id_ >> 61); }
  int level() const { return kMaxLevel - std::countr_zero(id_) / 2; }
  std::string Token() const;

  // The cell of that level, at most its own, that holds this one (std::invalid_argument).
  S2Cell Parent(int level) const;
  // k in [0, 4), along the curve; not of a leaf (std::invalid_argument).
  S2Cell Child(int k) const;
  bool Contains(S2Cell other) const { return First() <= other.id_ && other.id_ <= Last(); }

  // The ids of its first and last leaf.
  std::uint64_t First() const { return id_ - LowestBit() + 1; }
  std::uint64_t Last() const { return id_ + LowestBit() - 1; }

  // The middle in the coordinates of its face, on the sphere.
  LatLon Center() const;
  // Counter-clockwise, seen from above; between two of them the edge is a great circle. Longitudes in [-180, 180), 0 at
  // the poles.
  std::array<LatLon, 4> Vertices() const;

  // By id: along the curve.
  auto operator<=>(const S2Cell&) const = default;  // NOLINT(modernize-use-nullptr): a fault of clang-tidy 14

 private:
  explicit constexpr S2Cell(std::uint64_t id) : id_(id) {}
  std::uint64_t LowestBit() const { return id_ & (~id_ + 1); }

  std::uint64_t id_;
};

}  // namespace dualgeo
