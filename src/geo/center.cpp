#include "geo/center.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

void RequirePlaces(std::span<const LatLon> places) {
  if (places.empty()) throw std::invalid_argument("centre of no places");
}

double Dot(const UnitVector& a, const UnitVector& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
double Length(const UnitVector& v) { return std::sqrt(Dot(v, v)); }

// Angle between unit vectors from the chord below a right angle and from the opposite chord above: exact at both ends.
double Angle(const UnitVector& a, const UnitVector& b) {
  const UnitVector opposite{-b.x, -b.y, -b.z};
  return 2 * std::atan2(std::sqrt(SquaredChord(a, b)), std::sqrt(SquaredChord(a, opposite)));
}

double SummedAngle(const UnitVector& from, const std::vector<UnitVector>& points) {
  double sum = 0;
  for (const auto& point : points) sum += Angle(from, point);
  return sum;
}

// Where one arrives after `angle` from `from` in the direction of the tangent `direction` (unit length).
UnitVector Walk(const UnitVector& from, const UnitVector& direction, double angle) {
  const double c = std::cos(angle), s = std::sin(angle);
  UnitVector to{c * from.x + s * direction.x, c * from.y + s * direction.y, c * from.z + s * direction.z};
  const double length = Length(to);  // 1 but for rounding, which would add up over the steps
  return {to.x / length, to.y / length, to.z / length};
}

}  // namespace

LatLon ArithmeticMean(std::span<const LatLon> places) {
  RequirePlaces(places);
  LatLon sum;
  for (const auto& place : places) {
    sum.lat += place.lat;
    sum.lon += place.lon;
  }
  const auto n = static_cast<double>(places.size());
  return {sum.lat / n, sum.lon / n};
}

LatLon SphericalMean(std::span<const LatLon> places) {
  RequirePlaces(places);
  if (places.size() == 1) return Normalized(places[0]);
  UnitVector sum;
  for (const auto& place : places) {
    const UnitVector v = ToUnitVector(place);
    sum.x += v.x;
    sum.y += v.y;
    sum.z += v.z;
  }
  // Balanced around the globe: what is left is rounding, and its direction means nothing.
  if (Length(sum) < 1e-9 * static_cast<double>(places.size())) return Normalized(Medoid(places));
  return ToLatLon(sum);
}

LatLon Medoid(std::span<const LatLon> places) {
  RequirePlaces(places);
  std::vector<UnitVector> points;
  points.reserve(places.size());
  for (const auto& place : places) points.push_back(ToUnitVector(place));
  std::size_t best = 0;
  double best_sum = SummedAngle(points[0], points);
  for (std::size_t i = 1; i < points.size(); ++i) {
    ThrowIfStopped();
    const double sum = SummedAngle(points[i], points);
    // By more than rounding, so that ties go to the first on every machine.
    if (sum < best_sum * (1 - 1e-12)) {
      best = i;
      best_sum = sum;
    }
  }
  return places[best];
}

LatLon GeometricMedian(std::span<const LatLon> places) {
  RequirePlaces(places);
  std::vector<UnitVector> points;
  points.reserve(places.size());
  for (const auto& place : places) points.push_back(ToUnitVector(place));

  // Of the places themselves only the medoid can be the median, so starting there leaves the iteration no other place
  // to get stuck at (Weiszfeld's step is undefined on a place; Vardi & Zhang 2000 give the rule used here).
  const LatLon medoid = Normalized(Medoid(places));
  UnitVector x = ToUnitVector(medoid);
  double sum = SummedAngle(x, points);
  bool moved = false;
  for (int iteration = 0; iteration < 1000; ++iteration) {
    ThrowIfStopped();
    UnitVector pull;         // sum of unit tangents towards the points
    double inverse_sum = 0;  // of the angles
    double here = 0;         // points at x
    for (const auto& point : points) {
      const double angle = Angle(x, point);
      if (angle < 1e-12) {
        here += 1;
        continue;
      }
      const double along = Dot(x, point);
      UnitVector tangent{point.x - along * x.x, point.y - along * x.y, point.z - along * x.z};
      const double length = Length(tangent);
      if (length < 1e-12) continue;  // antipode: every direction is as good
      pull = {pull.x + tangent.x / length, pull.y + tangent.y / length, pull.z + tangent.z / length};
      inverse_sum += 1 / angle;
    }
    const double strength = Length(pull);
    if (strength <= here + 1e-12 || inverse_sum == 0) break;
    const UnitVector direction{pull.x / strength, pull.y / strength, pull.z / strength};
    double step = (strength - here) / inverse_sum;
    // On the sphere a full step can overshoot when the points are far apart, and close to one of the points Weiszfeld's
    // steps are far too short: halve until it helps, then double while that helps more.
    UnitVector best = Walk(x, direction, step);
    double best_sum = SummedAngle(best, points);
    while (best_sum >= sum && step > 1e-13) {
      step /= 2;
      best = Walk(x, direction, step);
      best_sum = SummedAngle(best, points);
    }
    if (best_sum >= sum) break;
    for (double longer = 2 * step; longer < 1; longer *= 2) {
      const UnitVector next = Walk(x, direction, longer);
      const double next_sum = SummedAngle(next, points);
      if (next_sum >= best_sum) break;
      step = longer;
      best = next;
      best_sum = next_sum;
    }
    x = best;
    sum = best_sum;
    moved = true;
    if (step < 1e-12) break;
  }
  return moved ? ToLatLon(x) : medoid;
}

LatLon Center(std::span<const LatLon> places, CenterRule rule) {
  switch (rule) {
    case CenterRule::kArithmeticMean:
      return ArithmeticMean(places);
    case CenterRule::kSphericalMean:
      return SphericalMean(places);
    case CenterRule::kMedoid:
      return Medoid(places);
    case CenterRule::kGeometricMedian:
      return GeometricMedian(places);
  }
  throw std::invalid_argument("unknown centre rule");
}

const std::vector<std::string>& CenterRuleNames() {
  static const std::vector<std::string> names = {"arithmetic_mean", "spherical_mean", "medoid", "geometric_median"};
  return names;
}

CenterRule ParseCenterRule(const std::string& name) {
  return static_cast<CenterRule>(FindName(CenterRuleNames(), name, "center"));
}

}  // namespace dualgeo
