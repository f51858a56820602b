#include "areas_in_text.h"

#include <algorithm>
#include <array>
#include <optional>

#include "angle.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

constexpr std::size_t kFurther = 40;  // bytes from one range to the next of the same area

bool StartsWord(std::string_view text, std::size_t i) { return i == 0 || !IsAlpha(text[i - 1]); }

std::size_t SkipBlanks(std::string_view text, std::size_t i) {
  while (i < text.size() && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r')) ++i;
  return i;
}

// "POLYGON ((2.29 48.85, ...))" at `begin`: its end.
std::optional<std::size_t> ShapeEnd(std::string_view text, std::size_t begin, std::string_view& shape) {
  static constexpr std::array<std::string_view, 8> kShapes{
      "linestring", "multilinestring", "polygon", "multipolygon", "geometrycollection", "envelope", "box2d", "box3d"};
  const std::string head = LowerCase(text.substr(begin, 20));
  const auto found = std::ranges::find_if(kShapes, [&](std::string_view word) { return head.starts_with(word); });
  if (found == kShapes.end() || !StartsWord(text, begin)) return std::nullopt;
  std::size_t i = SkipBlanks(text, begin + found->size());
  while (i < text.size() && (Lower(text[i]) == 'z' || Lower(text[i]) == 'm')) ++i;
  i = SkipBlanks(text, i);
  if (i >= text.size() || text[i] != '(') return std::nullopt;
  shape = *found;
  int depth = 0;
  for (; i < text.size(); ++i) {
    depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    if (depth == 0) return i + 1;
  }
  return text.size();
}

struct AngleRange {
  std::size_t end = 0;
  bool one_axis = false;  // both ends have a direction, N and S or E and W
};

// "48.0 and 49.0 N", "48 N to 50 N", at the first digit or sign.
std::optional<AngleRange> AngleRangeAt(std::string_view text, std::size_t begin) {
  const auto first = ParseAngle(text, begin);
  if (!first) return std::nullopt;
  std::size_t i = SkipBlanks(text, first->end);
  static constexpr std::array<std::string_view, 4> kWords{"and ", "to ", "- ", "through "};
  const auto word = std::ranges::find_if(kWords, [&](std::string_view w) { return text.substr(i).starts_with(w); });
  if (word == kWords.end()) return std::nullopt;
  i = SkipBlanks(text, i + word->size());
  const auto second = i < text.size() ? ParseAngle(text, i) : std::nullopt;
  if (!second) return std::nullopt;
  const auto coordinate = [](const Angle& angle) { return angle.decimal || angle.degrees || angle.hemisphere != 0; };
  if (!coordinate(*first) && !coordinate(*second)) return std::nullopt;  // "from 5 to 10 years"
  const auto axis = [](char hemisphere) {
    return hemisphere == 'N' || hemisphere == 'S' ? 1 : hemisphere == 'E' || hemisphere == 'W' ? 2 : 0;
  };
  const int of_first = axis(first->hemisphere);
  return AngleRange{second->end, of_first != 0 && of_first == axis(second->hemisphere)};
}

bool SaysRange(std::string_view text, std::size_t i) {
  if (!StartsWord(text, i)) return false;
  const std::string head = LowerCase(text.substr(i, 8));
  return head.starts_with("between ") || head.starts_with("from ");
}

}  // namespace

TextWithoutAreas WithoutAreas(std::string_view text) {
  TextWithoutAreas without{std::string(text), ""};
  const auto blank = [&](std::size_t begin, std::size_t end, std::string reason) {
    std::fill(without.text.begin() + static_cast<std::ptrdiff_t>(begin),
              without.text.begin() + static_cast<std::ptrdiff_t>(end), ' ');
    without.reason = std::move(reason);
  };
  std::optional<std::size_t> last_range;  // its end
  for (std::size_t i = 0; i < text.size();) {
    std::string_view shape;
    if (const auto end = IsAlpha(text[i]) ? ShapeEnd(text, i, shape) : std::nullopt) {
      blank(i, *end, "a shape is no place: " + std::string(shape));
      i = *end;
      continue;
    }
    const bool number =
        (IsDigit(text[i]) || text[i] == '-') && (i == 0 || !(IsDigit(text[i - 1]) || text[i - 1] == '.'));
    const bool said = SaysRange(text, i);
    const std::size_t at = said ? SkipBlanks(text, text.find(' ', i)) : i;
    const bool may_begin = at < text.size() && (number || (said && (IsDigit(text[at]) || text[at] == '-')));
    const auto range = may_begin ? AngleRangeAt(text, at) : std::nullopt;
    if (range && (said || range->one_axis || (last_range && i - *last_range <= kFurther))) {
      blank(i, range->end, "a range of coordinates is no place");
      last_range = i = range->end;
      continue;
    }
    ++i;
  }
  return without;
}

}  // namespace dualgeo
