// One latitude or longitude as people and models write it: "48.8584", "48.8584° N", "S 33°51'30.5\"", "2 17 40 E".
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "answer_symbols.h"

namespace dualgeo {

struct Angle {
  double value = 0;      // as written, with its sign; degrees
  char hemisphere = 0;   // N, S, E, W, O (directions.h) or 0
  bool decimal = false;  // has a decimal point
  bool degrees = false;  // has a degree sign or word
  std::size_t end = 0;   // first byte after it
};

// decimal_comma: "48,8584" is one number.
struct AngleRules {
  bool decimal_comma = false;
};

// An angle that begins at `begin` of normalized text, which must not be inside a word or number.
std::optional<Angle> ParseAngle(std::string_view text, std::size_t begin, AngleRules rules = {});

}  // namespace dualgeo
