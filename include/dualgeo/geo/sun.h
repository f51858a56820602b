// Where the sun stands, for telling day from night in a photo of known place and time.
//
// The formulae of NOAA's solar calculator (after Meeus, Astronomical Algorithms, 1998), good to about 0.02 degrees in
// this century; refraction left out.
#pragma once

#include <cstdint>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

struct SunPosition {
  double elevation = 0;  // degrees above the horizon, of the sun's centre; below -0.833 it has set
  double azimuth = 0;    // degrees clockwise from north, [0, 360)
};

// unix_seconds: UTC, since 1970-01-01T00:00:00.
SunPosition SunAt(LatLon place, double unix_seconds);

// Seconds since 1970 of a UTC date and time of the Gregorian calendar. Months and days count from 1.
std::int64_t UnixSeconds(int year, int month, int day, int hour = 0, int minute = 0, int second = 0);

}  // namespace dualgeo
