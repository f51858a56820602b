#include <algorithm>
#include <cstdlib>
#include <string>

#include "dualgeo/util/text.h"
#include "lmm/answer_parser.h"

namespace dualgeo {
namespace {

// The next match of [-+]?\d+\.\d+ at or after `begin`, which moves behind it; empty when there is none.
std::string_view NextDecimal(std::string_view text, std::size_t& begin) {
  while (begin < text.size()) {
    const std::size_t start = begin;
    std::size_t end = start + (text[start] == '-' || text[start] == '+' ? 1 : 0);
    const std::size_t whole = end;
    while (end < text.size() && IsDigit(text[end])) ++end;
    const std::size_t point = end;
    if (point == whole || point + 1 >= text.size() || text[point] != '.' || !IsDigit(text[point + 1])) {
      begin = std::max(start + 1, point);  // no shorter run of these digits has a point behind it either
      continue;
    }
    for (end = point + 1; end < text.size() && IsDigit(text[end]);) ++end;
    begin = end;
    return text.substr(start, end - start);
  }
  return {};
}

}  // namespace

ParsedAnswer ParseDecimals(std::string_view text) {
  ParsedAnswer answer;
  std::size_t at = 0;
  const std::string first(NextDecimal(text, at));
  const std::string second(NextDecimal(text, at));
  if (second.empty()) {
    answer.reason = "fewer than two numbers with a decimal point: " + Printable(text, 80);
    return answer;
  }
  const LatLon place{std::strtod(first.c_str(), nullptr), std::strtod(second.c_str(), nullptr)};
  if (!IsValid(place)) {
    answer.reason = "out of range: " + Printable(first, 40) + ", " + Printable(second, 40);
  } else if (place.lat == 0 && place.lon == 0) {
    answer.reason = "exactly 0, 0";
  } else {
    answer.location = place;
  }
  return answer;
}

}  // namespace dualgeo
