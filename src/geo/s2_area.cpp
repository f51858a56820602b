#include "geo/s2_area.h"

#include <cmath>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/unit_vector.h"

namespace dualgeo {
namespace {

double DotProduct(const UnitVector& a, const UnitVector& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

// Of the triangle a, b, c in steradians (van Oosterom, Strackee 1983), which keeps its digits where it is small.
double SphericalExcess(const UnitVector& a, const UnitVector& b, const UnitVector& c) {
  // The triple product from differences: those of neighbours are exact.
  const UnitVector p{b.x - a.x, b.y - a.y, b.z - a.z}, q{c.x - a.x, c.y - a.y, c.z - a.z};
  const UnitVector normal{p.y * q.z - p.z * q.y, p.z * q.x - p.x * q.z, p.x * q.y - p.y * q.x};
  return 2 * std::atan2(std::abs(DotProduct(a, normal)), 1 + DotProduct(a, b) + DotProduct(b, c) + DotProduct(c, a));
}

}  // namespace

double AreaKm2(S2Cell cell) {
  const auto corners = cell.Vertices();
  const UnitVector a = ToUnitVector(corners[0]), b = ToUnitVector(corners[1]), c = ToUnitVector(corners[2]),
                   d = ToUnitVector(corners[3]);
  return (SphericalExcess(a, b, c) + SphericalExcess(a, c, d)) * kEarthRadiusKm * kEarthRadiusKm;
}

// The constants of S2's quadratic projection (s2metrics).
double LongestDiagonalKm(int level) { return std::ldexp(2.438654594434021, -level) * kEarthRadiusKm; }
double MeanEdgeKm(int level) { return std::ldexp(1.459213746386106, -level) * kEarthRadiusKm; }

}  // namespace dualgeo
