// The words that name a latitude or a longitude, in keys and in running text.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace dualgeo {

enum class KeyKind {
  kOther,
  kLatitude,
  kLongitude,
  kLatitudeLetter,   // N or S, beside the number
  kLongitudeLetter,  // E or W
  kPair,             // latitude, longitude
  kPairLonLat,
  kX,  // longitude, where both are decimal
  kY,
};

// Of a JSON key: "lat", "latitude_deg", "GPSLongitude", "lng", "纬度", "lat_lon" ... Ranges and errors ("lat_min",
// "latitude_uncertainty") are kOther.
KeyKind KindOfKey(std::string_view key);

struct TextLabel {
  bool latitude = false;
  char hemisphere = 0;  // 北纬 says latitude and north
  std::size_t end = 0;
  bool axis = false;  // x or y
};

// A label that begins at `begin` of normalized text.
std::optional<TextLabel> MatchLabel(std::string_view text, std::size_t begin);

}  // namespace dualgeo
