// What a vision language model really says, to a coordinate or a reason why there is none.
//
// Understood:
//   - JSON anywhere, in prose or code fences, nested ({"location": {"lat": .., "lng": ..}}), as a string within JSON,
//   as
//     GeoJSON points, arrays or Google's {"lat", "lng"}; Python dictionaries and JSON with small mistakes. Of several
//     objects in the text the last valid one wins; of several guesses within one value the one with the greatest stated
//     confidence, else the first. Fields named alternatives and the like only count when there is nothing else.
//   - "Latitude: 48.85, Longitude: 2.35", "(lng, lat) = (2.35, 48.85)", tables, labels in several languages
//     (latitud, Breitengrad, 纬度, 緯度, 위도, широта ...): the label says which is which, in either order.
//   - Bare pairs, latitude first: "48.8584, 2.2945". Letters override the order: "2.2945 E, 48.8584 N".
//   - Decimal and whole numbers, decimal commas where they cannot be separators, numbers as strings, exponents, Unicode
//     minus signs, N S E W or north ... on either side, degrees with minutes and seconds in the usual notations.
//   - Reasoning in <think> ... </think> is not part of the answer.
//   - Well-known text and GeoJSON (longitude first); the order that words say beside a pair ("(longitude, latitude):
//   ...",
//     "... in lon/lat order"); degrees in LaTeX; decimal commas beside N, S, E, W, a label or another such number; "~".
// Of several guesses the last wins that is not called an alternative ("alternatively", "second guess", "is less
// likely"); of a numbered list ("1. ... 2. ...", "(a) ... (b) ...", in lines or within one) the first; a guess named as
// final wins over both. A direction that is not understood is a failure: the other half of the Earth is far.
//
// A failure has a reason, never a coordinate: empty; refusal; no coordinates; only one of the two; null; out of range
// (strictly: latitude beyond 90 or longitude beyond 180 is not wrapped, nor are unlabelled numbers swapped); exactly
// (0, 0), the echoed template; cut off in the middle of a number or of the reasoning.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

// Of a longer text only the end is read, where final answers stand.
inline constexpr std::size_t kMaxAnswerBytes = std::size_t{64} << 10;

struct ParsedAnswer {
  std::optional<LatLon> location;    // valid (IsValid), not exactly (0, 0)
  std::vector<LatLon> alternatives;  // other guesses of the same value, in its order of preference
  std::string reason;                // one line; empty exactly when there is a location
};

// Takes any bytes; never throws but for want of memory. Nesting and repeated reading are bounded.
ParsedAnswer ParseAnswer(std::string_view text);

// What the released DualGeo makes of an answer: the first two numbers that have a decimal point, whatever they stand
// for, are latitude and longitude. "48, 2.35" has only one, and "2.29 E, 48.86 N" comes out swapped. For comparison
// (predict.lmm.parser: decimals).
ParsedAnswer ParseDecimals(std::string_view text);

}  // namespace dualgeo
