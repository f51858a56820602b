#include "synthetic/world_conditions.h"

#include <algorithm>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

template <class T>
std::vector<T> ByName(const char* what, const std::vector<std::string>& names, const std::vector<T>& all) {
  if (names.empty()) return all;
  std::vector<T> chosen;
  for (const std::string& name : names) {
    const auto match = std::find_if(all.begin(), all.end(), [&](T value) { return name == Name(value); });
    if (match == all.end()) {
      std::vector<std::string> known;
      for (const T value : all) known.emplace_back(Name(value));
      throw InputError(std::string(what) + ": '" + Printable(name) + "' is not one of " + Join(known));
    }
    if (std::find(chosen.begin(), chosen.end(), *match) == chosen.end()) chosen.push_back(*match);
  }
  return chosen;
}

}  // namespace

const char* Name(TimeOfDay time) {
  constexpr const char* kNames[] = {"day", "dusk", "night"};
  return kNames[static_cast<int>(time)];
}

const char* Name(Season season) {
  constexpr const char* kNames[] = {"spring", "summer", "autumn", "winter"};
  return kNames[static_cast<int>(season)];
}

const char* Name(Weather weather) {
  constexpr const char* kNames[] = {"clear", "overcast", "fog", "rain", "snow"};
  return kNames[static_cast<int>(weather)];
}

ConditionChoices MakeConditionChoices(const std::vector<std::string>& times, const std::vector<std::string>& seasons,
                                      const std::vector<std::string>& weathers, double exposure_spread) {
  return {ByName<TimeOfDay>("times", times, {TimeOfDay::kDay, TimeOfDay::kDusk, TimeOfDay::kNight}),
          ByName<Season>("seasons", seasons, {Season::kSpring, Season::kSummer, Season::kAutumn, Season::kWinter}),
          ByName<Weather>("weathers", weathers,
                          {Weather::kClear, Weather::kOvercast, Weather::kFog, Weather::kRain, Weather::kSnow}),
          exposure_spread};
}

Conditions DrawConditions(const ConditionChoices& choices, const ClimateSketch& climate, Random& random) {
  Conditions c;
  c.time = choices.times[random.Below(choices.times.size())];
  c.season = choices.seasons[random.Below(choices.seasons.size())];
  auto weathers = choices.weathers;
  if (!climate.CanSnow(c.season) && weathers.size() > 1) std::erase(weathers, Weather::kSnow);
  c.weather = weathers[random.Below(weathers.size())];
  c.exposure = choices.exposure_spread * std::clamp(random.Normal(), -2.0, 2.0);
  return c;
}

Conditions Change(const Conditions& conditions, const std::string& change) {
  Conditions changed = conditions;
  const ConditionChoices all = MakeConditionChoices({}, {}, {}, 0);
  bool has[3] = {};
  const auto take = [&](const std::string& word, int list, auto& value, const auto& choices) {
    for (const auto choice : choices) {
      if (word != Name(choice)) continue;
      if (has[list]) throw InputError("condition '" + Printable(change) + "' says two things of one kind");
      has[list] = true;
      value = choice;
      return true;
    }
    return false;
  };
  for (std::size_t begin = 0, end; begin <= change.size(); begin = end + 1) {
    end = std::min(change.find('-', begin), change.size());
    const std::string word = change.substr(begin, end - begin);
    if (!take(word, 0, changed.time, all.times) && !take(word, 1, changed.season, all.seasons) &&
        !take(word, 2, changed.weather, all.weathers)) {
      throw InputError("condition '" + Printable(change) + "': '" + Printable(word) +
                       "' is not one of day, dusk, night, spring, summer, autumn, winter, clear, overcast, fog, rain, "
                       "snow; several are joined by -");
    }
  }
  return changed;
}

}  // namespace dualgeo
