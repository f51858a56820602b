// Outlines of land and countries, for maps and for the country of a place: Natural Earth (public domain), part of the
// program (configs/land/README.md). Borders are as Natural Earth draws them: who holds the land, not who claims it.
#pragma once

#include <string>
#include <vector>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

enum class LandDetail {
  kSmall,  // 1:110 million, 8,000 points: maps of the whole world
  kFine,   // 1:50 million, 43,000 points, up to about 3 km off: zoom, the country of a place
};

// Longitudes in [-180, 180], cut at the date line; straight between points.
using LandLine = std::vector<LatLon>;

struct CountryShape {
  std::string code;             // ISO 3166-1 alpha-2, XK: Kosovo; empty: none (Northern Cyprus, Somaliland)
  std::string name;             // that of configs/countries.csv, else Natural Earth's
  std::vector<LandLine> rings;  // closed; outer ones and holes, for an even-odd fill
};

struct Land {
  std::vector<CountryShape> countries;
  std::vector<LandLine> rings;    // of all land together, likewise
  std::vector<LandLine> coasts;   // without the cuts along the date line and the south pole
  std::vector<LandLine> borders;  // between two countries
};

// Read from the program when first asked for, and kept. Several threads may call it.
const Land& LandOf(LandDetail detail);

// The same as TopoJSON.
const char* LandTopoJson(LandDetail detail);

// The country that a place lies in, of LandDetail::kFine; where it lies in none (at sea, or in a harbour that the
// outline leaves out), the nearest within near_km, or null.
const CountryShape* CountryAt(LatLon place, double near_km = 0);

}  // namespace dualgeo
