// In which order a pair of coordinates stands, where the answer says so.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "place_from_angles.h"

namespace dualgeo {

enum class PairOrder { kLatLon, kLonLat };

// What the words round the pair [begin, end) say: "(longitude, latitude): ...", "... in lon/lat order", "x, y",
// GeoJSON. Nothing: unsaid. text: normalized (answer_symbols.h).
std::optional<PairOrder> SaidOrder(std::string_view text, std::size_t begin, std::size_t end);

// A point in well-known text: "POINT(lon lat)", "SRID=4326;POINT Z (lon lat height)", "MULTIPOINT((lon lat), ...)".
struct WktPoint {
  PlaceOrReason found;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// That begins at `begin` of normalized text.
std::optional<WktPoint> MatchWktPoint(std::string_view text, std::size_t begin);

}  // namespace dualgeo
