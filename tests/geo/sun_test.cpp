#include "dualgeo/geo/sun.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace dualgeo {
namespace {

TEST(Sun, WorkedExampleOfTheNrelAlgorithm) {
  // Reda & Andreas 2008 (NREL/TP-560-34302), appendix A.4: Golden, Colorado, 2003-10-17 12:30:30 UTC-7. Topocentric
  // zenith 50.11162 with 0.0163 degrees of refraction, azimuth 194.34024.
  const SunPosition sun = SunAt({39.742476, -105.1786}, static_cast<double>(UnixSeconds(2003, 10, 17, 19, 30, 30)));
  EXPECT_NEAR(sun.elevation, 90 - 50.11162 - 0.0163, 0.01);
  EXPECT_NEAR(sun.azimuth, 194.34024, 0.02);
}

TEST(Sun, OverheadAtNoonOnTheTropics) {
  // Solstices of 2020 (21 June 21:44, 21 December 10:02 UTC): overhead at the tropic where it is solar noon.
  const auto highest = [](double lat, std::int64_t day) {
    double best = -90;
    for (int minute = 0; minute < 1440; ++minute) {
      best = std::max(best, SunAt({lat, 0}, static_cast<double>(day + 60 * minute)).elevation);
    }
    return best;
  };
  EXPECT_NEAR(highest(23.4366, UnixSeconds(2020, 6, 21)), 90, 0.15);
  EXPECT_NEAR(highest(-23.4366, UnixSeconds(2020, 12, 21)), 90, 0.15);
  EXPECT_NEAR(highest(0, UnixSeconds(2020, 3, 20)), 90, 0.3);
}

TEST(Sun, PolarNightAndMidnightSun) {
  for (int hour = 0; hour < 24; ++hour) {
    EXPECT_GT(SunAt({80, 15}, static_cast<double>(UnixSeconds(2021, 6, 21, hour))).elevation, 10);
    EXPECT_LT(SunAt({80, 15}, static_cast<double>(UnixSeconds(2021, 12, 21, hour))).elevation, -10);
    EXPECT_NEAR(SunAt({90, 0}, static_cast<double>(UnixSeconds(2021, 6, 21, hour))).elevation, 23.43, 0.02);
  }
}

TEST(Sun, RisesInTheEastAndSetsInTheWest) {
  // Equinox on the equator at Greenwich: up at about 6, down at about 18 UTC.
  EXPECT_NEAR(SunAt({0, 0}, static_cast<double>(UnixSeconds(2021, 3, 20, 7))).azimuth, 90, 2);
  EXPECT_NEAR(SunAt({0, 0}, static_cast<double>(UnixSeconds(2021, 3, 20, 17))).azimuth, 270, 2);
  EXPECT_LT(SunAt({0, 0}, static_cast<double>(UnixSeconds(2021, 3, 20, 0))).elevation, -80);
  // Noon: in the south from Berlin, in the north from Sydney.
  EXPECT_NEAR(SunAt({52.5, 13.4}, static_cast<double>(UnixSeconds(2021, 3, 20, 11, 14))).azimuth, 180, 2);
  const double north = SunAt({-33.9, 151.2}, static_cast<double>(UnixSeconds(2021, 3, 20, 2, 2))).azimuth;
  EXPECT_NEAR(std::remainder(north, 360), 0, 2);
}

TEST(Sun, Calendar) {
  EXPECT_EQ(UnixSeconds(1970, 1, 1), 0);
  EXPECT_EQ(UnixSeconds(2000, 3, 1, 12, 34, 56), 951914096);
  EXPECT_EQ(UnixSeconds(1969, 12, 31, 23, 59, 59), -1);
}

}  // namespace
}  // namespace dualgeo
