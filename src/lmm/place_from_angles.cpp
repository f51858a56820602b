#include "place_from_angles.h"

#include <cmath>
#include <utility>

#include "directions.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

bool IsLatitudeLetter(char c) { return c == 'N' || c == 'S'; }
bool IsLongitudeLetter(char c) { return c == 'E' || c == 'W' || c == kEastOrWest; }

}  // namespace

PlaceOrReason PlaceFromAngles(const Angle& first, const Angle& second) {
  Angle lat = first;
  Angle lon = second;
  // One letter is enough to tell which is which.
  if ((IsLongitudeLetter(lat.hemisphere) && !IsLongitudeLetter(lon.hemisphere)) ||
      (IsLatitudeLetter(lon.hemisphere) && !IsLatitudeLetter(lat.hemisphere))) {
    std::swap(lat, lon);
  }
  if (IsLongitudeLetter(lat.hemisphere) || IsLatitudeLetter(lon.hemisphere)) {
    return {std::nullopt, "two coordinates of the same kind"};
  }
  if (lon.hemisphere == kEastOrWest) {
    return {std::nullopt, "the letter O stands for east in German, for west in French, Spanish and Italian"};
  }
  for (Angle* angle : {&lat, &lon}) {
    const bool turns = angle->hemisphere == 'S' || angle->hemisphere == 'W';
    if (turns) {
      angle->value = -std::abs(angle->value);
    } else if (angle->hemisphere != 0 && angle->value < 0) {
      return {std::nullopt, "sign and letter disagree: " + FormatDouble(angle->value) + " " + angle->hemisphere};
    }
  }
  const LatLon place{lat.value, lon.value};
  if (!IsValid(place)) {
    const bool bad_lat = !(std::abs(place.lat) <= 90);
    return {std::nullopt, std::string("out of range: ") + (bad_lat ? "latitude " : "longitude ") +
                              FormatDouble(bad_lat ? place.lat : place.lon)};
  }
  if (place.lat == 0 && place.lon == 0) return {std::nullopt, "echoed template (0, 0)"};
  return {place, ""};
}

}  // namespace dualgeo
