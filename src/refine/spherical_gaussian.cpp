#include "refine/spherical_gaussian.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "dualgeo/geo/distance.h"

namespace dualgeo {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr int kRings = 128;

double Square(double x) { return x * x; }

}  // namespace

SphericalGaussian::SphericalGaussian(double width_km) : kappa_(Square(kEarthRadiusKm / width_km)) {
  for (int i = 0; i < kRings; ++i) {
    // The inverse distribution function of the angle, in the middle of each share.
    const double u = (i + 0.5) / kRings;
    const double one_minus_cosine = -std::log1p(u * std::expm1(-2 * kappa_)) / kappa_;
    const double sine = std::sqrt(std::clamp(one_minus_cosine / 2, 0.0, 1.0));
    rings_.push_back({2 * std::asin(sine), sine, std::sqrt(1 - sine * sine)});
  }
}

double SphericalGaussian::LogDensity(double km) const {
  return std::log(kappa_ / (-2 * kPi * std::expm1(-2 * kappa_)) / Square(kEarthRadiusKm)) -
         2 * kappa_ * Square(std::sin(km / kEarthRadiusKm / 2));
}

double SphericalGaussian::ProbabilityWithin(double km, double radius_km) const {
  const double d = km / kEarthRadiusKm, radius = radius_km / kEarthRadiusKm;
  if (radius >= kPi) return 1;
  const double sine = std::sin(d / 2), cosine = std::cos(d / 2), reach = Square(std::sin(radius / 2));
  double sum = 0;
  for (const Ring& ring : rings_) {
    if (d + ring.angle <= radius) {
      sum += 1;  // the whole ring lies within
      continue;
    }
    if (std::abs(d - ring.angle) >= radius) continue;
    // Haversine formula: h = sin^2((d - r) / 2) + sin d sin r sin^2(azimuth / 2), wanted below `reach`.
    const double nearest = Square(sine * ring.cosine - cosine * ring.sine);
    const double spread = 4 * sine * cosine * ring.sine * ring.cosine;
    if (nearest + spread <= reach) {
      sum += 1;  // round the other side of the globe
    } else {
      sum += 2 / kPi * std::asin(std::sqrt(std::clamp((reach - nearest) / spread, 0.0, 1.0)));
    }
  }
  return sum / kRings;
}

double SphericalGaussian::MeanGeoScore(double km) const {
  constexpr int kDirections = 16;
  const double d = km / kEarthRadiusKm;
  const double sine = std::sin(d / 2), cosine = std::cos(d / 2);
  double sum = 0;
  for (const Ring& ring : rings_) {
    for (int i = 0; i < kDirections; ++i) {
      const double h =
          Square(sine * ring.cosine - cosine * ring.sine) +
          4 * sine * cosine * ring.sine * ring.cosine * Square(std::sin(kPi * (i + 0.5) / kDirections / 2));
      sum += std::exp(-2 * kEarthRadiusKm * std::asin(std::sqrt(std::clamp(h, 0.0, 1.0))) / 1492.7);
    }
  }
  return sum / (kRings * kDirections);
}

double LogUniformDensity() { return -std::log(4 * kPi * Square(kEarthRadiusKm)); }

}  // namespace dualgeo
