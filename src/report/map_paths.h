// What the report's maps have in common: their projection, equirectangular on 1000 x 500 units, and the land.
#pragma once

#include <string>
#include <vector>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

inline constexpr double kMapWidth = 1000, kMapHeight = 500;

inline double MapX(double lon) { return (lon + 180) / 360 * kMapWidth; }
inline double MapY(double lat) { return (90 - lat) / 180 * kMapHeight; }

// A path through the points, in tenths of a unit and relative: half the bytes of absolute numbers. Points that fall
// together are one.
std::string MapLine(const std::vector<LatLon>& points);

// <path> elements of classes `land` (outlined) and `border`, 1:110 million.
const std::string& LandSvg();
// The outlines alone, of class `coast`, to lie on top of what covers the land.
const std::string& CoastSvg();

// Colours of sea, land, borders and grid: marks of 3 : 1 against the sea have it against the land too.
std::string LandCss(bool dark);

}  // namespace dualgeo
