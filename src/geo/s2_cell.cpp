#include "dualgeo/geo/s2_cell.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

// The curve's four turns, as bits: 1 swaps the axes, 2 turns both round. kQuarter[turn][k] is the k-th quarter that the
// curve visits, 2 * i + j; kTurn[k] what its part of the curve is turned by, beside the whole's.
constexpr int kQuarter[4][4] = {{0, 1, 3, 2}, {0, 2, 3, 1}, {3, 2, 0, 1}, {3, 1, 0, 2}};
constexpr int kTurn[4] = {1, 0, 0, 3};

// A square of a face: corner and side in leaves, of which a face has 2^30 a side.
struct FaceSquare {
  std::int64_t i = 0, j = 0, side = 0;
};

constexpr double kLeaves = 1 << S2Cell::kMaxLevel;

// S2's quadratic projection between a share s of the face's side, [0, 1], and a coordinate u on the cube, [-1, 1]:
// cells of a level differ in area by a factor of 2.1, not 5.2.
double SideToCube(double s) { return s >= 0.5 ? (4 * s * s - 1) / 3 : (1 - 4 * (1 - s) * (1 - s)) / 3; }
double CubeToSide(double u) { return u >= 0 ? 0.5 * std::sqrt(1 + 3 * u) : 1 - 0.5 * std::sqrt(1 - 3 * u); }

std::int64_t LeafOfSide(double s) {
  return std::clamp(std::llrint(kLeaves * s - 0.5), 0LL, static_cast<long long>(kLeaves) - 1);
}

int FaceOf(const UnitVector& p) {
  const double x = std::abs(p.x), y = std::abs(p.y), z = std::abs(p.z);
  if (x > y) return x > z ? (p.x < 0 ? 3 : 0) : (p.z < 0 ? 5 : 2);
  return y > z ? (p.y < 0 ? 4 : 1) : (p.z < 0 ? 5 : 2);
}

struct FacePoint {
  double u = 0, v = 0;
};

FacePoint ToFace(int face, const UnitVector& p) {
  switch (face) {
    case 0:
      return {p.y / p.x, p.z / p.x};
    case 1:
      return {-p.x / p.y, p.z / p.y};
    case 2:
      return {-p.x / p.z, -p.y / p.z};
    case 3:
      return {p.z / p.x, p.y / p.x};
    case 4:
      return {p.z / p.y, -p.x / p.y};
    default:
      return {-p.y / p.z, -p.x / p.z};
  }
}

UnitVector FromFace(int face, double u, double v) {
  switch (face) {
    case 0:
      return {1, u, v};
    case 1:
      return {-u, 1, v};
    case 2:
      return {-u, -v, 1};
    case 3:
      return {-1, -v, -u};
    case 4:
      return {v, -1, -u};
    default:
      return {v, u, -1};
  }
}

FaceSquare SquareOf(S2Cell cell) {
  FaceSquare square;
  int turn = cell.face() & 1;
  for (int level = 1; level <= cell.level(); ++level) {
    const int k = static_cast<int>(cell.id() >> (61 - 2 * level)) & 3;
    const int quarter = kQuarter[turn][k];
    square.i = 2 * square.i + quarter / 2;
    square.j = 2 * square.j + quarter % 2;
    turn ^= kTurn[k];
  }
  const int below = S2Cell::kMaxLevel - cell.level();
  return {square.i << below, square.j << below, std::int64_t{1} << below};
}

LatLon PlaceOf(int face, double i, double j) {
  return ToLatLon(FromFace(face, SideToCube(i / kLeaves), SideToCube(j / kLeaves)));
}

}  // namespace

S2Cell S2Cell::Leaf(LatLon place) {
  if (!IsValid(place)) throw std::invalid_argument("S2 cell of an invalid place: " + ToString(place));
  const UnitVector p = ToUnitVector(place);
  const int face = FaceOf(p);
  const FacePoint on_face = ToFace(face, p);
  const std::int64_t i = LeafOfSide(CubeToSide(on_face.u)), j = LeafOfSide(CubeToSide(on_face.v));
  auto id = static_cast<std::uint64_t>(face);
  int turn = face & 1;
  for (int bit = kMaxLevel - 1; bit >= 0; --bit) {
    const int quarter = static_cast<int>(2 * ((i >> bit) & 1) + ((j >> bit) & 1));
    const auto k = std::find(kQuarter[turn], kQuarter[turn] + 4, quarter) - kQuarter[turn];
    id = id << 2 | static_cast<std::uint64_t>(k);
    turn ^= kTurn[k];
  }
  return S2Cell(id << 1 | 1);
}

S2Cell S2Cell::Face(int face) {
  if (face < 0 || face > 5) throw std::invalid_argument("S2 has no face " + std::to_string(face));
  return S2Cell(static_cast<std::uint64_t>(face) << 61 | std::uint64_t{1} << 60);
}

std::optional<S2Cell> S2Cell::FromId(std::uint64_t id) {
  // Two bits a level: the lowest 1 stands at an even place, and below the face.
  if (id == 0 || id >> 61 > 5 || std::countr_zero(id) > 60 || std::countr_zero(id) % 2 != 0) return std::nullopt;
  return S2Cell(id);
}

std::optional<S2Cell> S2Cell::FromToken(std::string_view token) {
  if (token.empty() || token.size() > 16 || token.back() == '0') return std::nullopt;
  std::uint64_t id = 0;
  for (const char c : token) {
    if (!IsDigit(c) && (c < 'a' || c > 'f')) return std::nullopt;
    id = id << 4 | static_cast<std::uint64_t>(IsDigit(c) ? c - '0' : c - 'a' + 10);
  }
  return FromId(id << 4 * (16 - token.size()));
}

std::string S2Cell::Token() const {
  std::string token;
  for (std::uint64_t rest = id_; rest != 0; rest <<= 4) token += "0123456789abcdef"[rest >> 60];
  return token;
}

S2Cell S2Cell::Parent(int level) const {
  if (level < 0 || level > this->level()) {
    throw std::invalid_argument("cell " + Token() + " has no parent of level " + std::to_string(level));
  }
  const std::uint64_t bit = std::uint64_t{1} << 2 * (kMaxLevel - level);
  return S2Cell((id_ & (~bit + 1)) | bit);
}

S2Cell S2Cell::Child(int k) const {
  if (k < 0 || k > 3 || level() == kMaxLevel) {
    throw std::invalid_argument("cell " + Token() + " has no child " + std::to_string(k));
  }
  const std::uint64_t bit = LowestBit() >> 2;
  return S2Cell(id_ - LowestBit() + static_cast<std::uint64_t>(2 * k + 1) * bit);
}

LatLon S2Cell::Center() const {
  const FaceSquare square = SquareOf(*this);
  const double half = 0.5 * static_cast<double>(square.side);
  return PlaceOf(face(), static_cast<double>(square.i) + half, static_cast<double>(square.j) + half);
}

std::array<LatLon, 4> S2Cell::Vertices() const {
  const FaceSquare square = SquareOf(*this);
  const auto i = static_cast<double>(square.i), j = static_cast<double>(square.j);
  const auto side = static_cast<double>(square.side);
  return {PlaceOf(face(), i, j), PlaceOf(face(), i + side, j), PlaceOf(face(), i + side, j + side),
          PlaceOf(face(), i, j + side)};
}

}  // namespace dualgeo
