// What grows, falls and rises at a place of the synthetic world: a coarse sketch of the Earth's climate and relief from
// latitude, a few well-known deserts and mountain chains, and smooth noise, so that what is near looks alike.
#pragma once

#include <cstdint>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

enum class Climate { kPolar, kBoreal, kTemperate, kSteppe, kMediterranean, kDesert, kSavanna, kTropical };
const char* Name(Climate climate);

// Astronomical order; local, that is, July is winter in the south.
enum class Season { kSpring, kSummer, kAutumn, kWinter };

struct ClimateSketch {
  Climate climate = Climate::kTemperate;
  double annual_celsius = 10;  // mean over the year
  double swing_celsius = 10;   // summer is this much warmer than the year, winter colder
  double wetness = 0.5;        // [0, 1]
  double relief = 0.3;         // [0, 1]: plain to high mountains

  double Celsius(Season season) const;
  // Share of the ground under snow, from the season alone, [0, 1].
  double SnowCover(Season season) const;
  // Whether it can snow (rather than rain) at all in that season.
  bool CanSnow(Season season) const { return Celsius(season) < 6; }
};

ClimateSketch SketchClimate(LatLon place, std::uint64_t seed);

}  // namespace dualgeo
