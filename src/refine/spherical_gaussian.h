// The Gaussian of the sphere (von Mises-Fisher distribution; Fisher 1953): where the truth may lie round a candidate.
// The width is the standard deviation along each axis where it is small against the Earth; a wide one tends to uniform.
// Distances are great-circle km.
#pragma once

#include <vector>

namespace dualgeo {

class SphericalGaussian {
 public:
  explicit SphericalGaussian(double width_km);

  // Logarithm of the density per square km at a distance from the centre.
  double LogDensity(double km) const;

  // Probability that the truth, spread round the centre, lies closer than radius_km to a point at distance `km` from
  // the centre. Numerically, to about 0.002.
  double ProbabilityWithin(double km, double radius_km) const;

  // Mean of GeoScore's exp(-d / 1492.7 km) over the distance d from such a point to the truth, to about 0.002.
  double MeanGeoScore(double km) const;

 private:
  // A ring round the centre: sine and cosine of half its radius. Each holds the same share of the distribution.
  struct Ring {
    double angle, sine, cosine;
  };

  double kappa_;
  std::vector<Ring> rings_;
};

// Logarithm of the uniform density over the Earth, per square km.
double LogUniformDensity();

}  // namespace dualgeo
