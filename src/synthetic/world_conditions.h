// The nuisance of the synthetic world: what changes a photo without changing the place.
#pragma once

#include <string>
#include <vector>

#include "dualgeo/util/random.h"
#include "synthetic/world_climate.h"

namespace dualgeo {

enum class TimeOfDay { kDay, kDusk, kNight };
enum class Weather { kClear, kOvercast, kFog, kRain, kSnow };

const char* Name(TimeOfDay time);
const char* Name(Season season);
const char* Name(Weather weather);

struct Conditions {
  TimeOfDay time = TimeOfDay::kDay;
  Season season = Season::kSummer;
  Weather weather = Weather::kClear;
  double exposure = 0;  // stops; 1 is twice as bright
};

// What may be drawn; each value is equally likely.
struct ConditionChoices {
  std::vector<TimeOfDay> times;
  std::vector<Season> seasons;
  std::vector<Weather> weathers;
  double exposure_spread = 0.6;  // standard deviation in stops, cut at two of them
};

// From names ("day", "winter", "fog"); an empty list means all. Throws InputError naming the unknown one.
ConditionChoices MakeConditionChoices(const std::vector<std::string>& times, const std::vector<std::string>& seasons,
                                      const std::vector<std::string>& weathers, double exposure_spread);

// Where it is too warm for snow another of the allowed weathers is drawn; when snow is all there is, it snows anyway.
Conditions DrawConditions(const ConditionChoices& choices, const ClimateSketch& climate, Random& random);

// The same moment but for what `change` names: words of the three lists joined by "-" ("night", "winter-snow").
// Throws InputError for an unknown word, or two of one list.
Conditions Change(const Conditions& conditions, const std::string& change);

}  // namespace dualgeo
