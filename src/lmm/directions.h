// North, south, east and west in words, abbreviations and letters of many languages.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace dualgeo {

// The letter O: east in German, west in French, Spanish and Italian.
inline constexpr char kEastOrWest = 'O';

struct CompassDirection {
  char letter = 0;      // N, S, E, W or kEastOrWest
  bool word = false;    // more than a letter
  std::size_t end = 0;  // first byte after it
};

// At `begin` of normalized text (answer_symbols.h), as a whole word: "north", "nördlicher", "с. ш.", "N".
std::optional<CompassDirection> MatchDirection(std::string_view text, std::size_t begin);

// The word that ends right before `end`, blanks aside: "South latitude". Words only.
std::optional<char> DirectionBefore(std::string_view text, std::size_t end);

// What O means in this text, by the words around it; kEastOrWest when they do not say.
char MeaningOfO(std::string_view text);

}  // namespace dualgeo
