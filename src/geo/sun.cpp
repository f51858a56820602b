#include "dualgeo/geo/sun.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "dualgeo/geo/unit_vector.h"

namespace dualgeo {
namespace {

double Sin(double degrees) { return std::sin(degrees * kRadiansPerDegree); }
double Cos(double degrees) { return std::cos(degrees * kRadiansPerDegree); }

double Wrapped(double degrees) {
  const double rest = std::fmod(degrees, 360.0);
  return rest < 0 ? rest + 360 : rest;
}

}  // namespace

SunPosition SunAt(LatLon place, double unix_seconds) {
  const double days = unix_seconds / 86400.0 - 10957.5;  // since J2000.0, noon of 2000-01-01
  const double centuries = days / 36525.0;

  const double mean_longitude = Wrapped(280.46646 + centuries * (36000.76983 + centuries * 0.0003032));
  const double mean_anomaly = 357.52911 + centuries * (35999.05029 - 0.0001537 * centuries);
  const double equation_of_center = Sin(mean_anomaly) * (1.914602 - centuries * (0.004817 + 0.000014 * centuries)) +
                                    Sin(2 * mean_anomaly) * (0.019993 - 0.000101 * centuries) +
                                    Sin(3 * mean_anomaly) * 0.000289;
  const double node = 125.04 - 1934.136 * centuries;  // of the moon's orbit, for nutation
  const double longitude = mean_longitude + equation_of_center - 0.00569 - 0.00478 * Sin(node);
  const double obliquity =
      23.0 + (26.0 + (21.448 - centuries * (46.815 + centuries * (0.00059 - centuries * 0.001813))) / 60.0) / 60.0 +
      0.00256 * Cos(node);

  const double declination = std::asin(Sin(obliquity) * Sin(longitude)) / kRadiansPerDegree;
  const double right_ascension = std::atan2(Cos(obliquity) * Sin(longitude), Cos(longitude)) / kRadiansPerDegree;
  const double sidereal = 280.46061837 + 360.98564736629 * days + 0.000387933 * centuries * centuries;  // Greenwich
  const double hour_angle = Wrapped(sidereal + place.lon - right_ascension);

  const double east = -Cos(declination) * Sin(hour_angle);
  const double north = Cos(place.lat) * Sin(declination) - Sin(place.lat) * Cos(declination) * Cos(hour_angle);
  const double up = Sin(place.lat) * Sin(declination) + Cos(place.lat) * Cos(declination) * Cos(hour_angle);
  SunPosition sun;
  sun.elevation = std::asin(std::clamp(up, -1.0, 1.0)) / kRadiansPerDegree;
  sun.azimuth = Wrapped(std::atan2(east, north) / kRadiansPerDegree);
  return sun;
}

std::int64_t UnixSeconds(int year, int month, int day, int hour, int minute, int second) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 86400 + hour * 3600 + minute * 60 + second;
}

}  // namespace dualgeo
