// Distances over the Earth's surface, in km.
#pragma once

#include <string>
#include <vector>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

// The radius that scikit-learn users and the released DualGeo code write for a spherical Earth.
inline constexpr double kEarthRadiusKm = 6371.0;

// On a sphere of kEarthRadiusKm; accurate to rounding from 0 km to antipodes.
double GreatCircleKm(LatLon a, LatLon b);

// On the WGS84 ellipsoid (Karney 2013, through GeographicLib); what "distance" means in published scores made with
// geopy. Up to 0.56 % away from the great circle.
double GeodesicKm(LatLon a, LatLon b);

enum class DistanceKind { kGeodesic, kGreatCircle };

double DistanceKm(LatLon a, LatLon b, DistanceKind kind);

// "geodesic", "great_circle": the names in configs and on command lines.
const std::vector<std::string>& DistanceKindNames();
// Throws InputError naming what is allowed.
DistanceKind ParseDistanceKind(const std::string& name);
const std::string& ToString(DistanceKind kind);

}  // namespace dualgeo
