// Coordinates in running text: labelled ("Latitude: 48.9, Longitude: 2.3"), under a heading of labels
// ("lat/lon: 48.9, 2.3"), and bare pairs.
#pragma once

#include <string_view>

#include "lmm/answer_parser.h"

namespace dualgeo {

// text: normalized (angle.h). Labelled guesses go before bare pairs.
ParsedAnswer FindInText(std::string_view text);

// Whether the text declines to answer, and where the last such phrase ends (npos: nowhere).
std::size_t RefusalEnd(std::string_view text);

}  // namespace dualgeo
