// One place that stands for many. Four rules, chosen by name.
//
//   arithmetic_mean   plain mean of latitudes and of longitudes, as DualGeo's released code does: wrong across the date
//                     line (the mean of 179 and -179 is 0) and near the poles. Kept to reproduce published numbers.
//   spherical_mean    mean of the unit vectors, back on the sphere; right everywhere.
//   medoid            the one of the places with the least summed great-circle distance to the others (first on ties).
//   geometric_median  the point with the least summed great-circle distance (Weiszfeld's iteration on the sphere,
//   Fletcher
//                     et al. 2009); half of the places may be anywhere without moving it far.
//
// Where the answer is not unique (antipodal pairs, places balanced around the globe) spherical_mean and
// geometric_median return a place that exists: spherical_mean falls back to the medoid, and geometric_median starts
// from there.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

enum class CenterRule { kArithmeticMean, kSphericalMean, kMedoid, kGeometricMedian };

// All throw std::invalid_argument on an empty list. Places must be valid (IsValid). Results are valid; spherical_mean
// and geometric_median give a longitude in [-180, 180).
LatLon ArithmeticMean(std::span<const LatLon> places);
LatLon SphericalMean(std::span<const LatLon> places);
LatLon Medoid(std::span<const LatLon> places);  // O(n^2) time
LatLon GeometricMedian(std::span<const LatLon> places);

LatLon Center(std::span<const LatLon> places, CenterRule rule);

const std::vector<std::string>& CenterRuleNames();
// Throws InputError naming what is allowed.
CenterRule ParseCenterRule(const std::string& name);

}  // namespace dualgeo
