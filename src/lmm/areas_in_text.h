// Coordinates that bound an area instead of naming a place: shapes of well-known text, "between 48 and 49 N".
#pragma once

#include <string>
#include <string_view>

namespace dualgeo {

struct TextWithoutAreas {
  std::string text;    // with blanks in the place of every area
  std::string reason;  // why what was there is no place; empty: nothing was
};

// text: normalized (angle.h).
TextWithoutAreas WithoutAreas(std::string_view text);

}  // namespace dualgeo
