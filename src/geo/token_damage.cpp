#include "token_damage.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/s2_cell.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

// Whether photos in the cell can have this mean: it lies not far off, as means over curved borders and rounded ones
// may.
bool MayBeMean(S2Cell cell, LatLon mean) {
  if (cell.level() == 0) return true;  // a third of the Earth, perhaps with the date line in its middle
  const LatLon center = cell.Center();
  double reach = 0;
  for (const LatLon vertex : cell.Vertices()) reach = std::max(reach, GreatCircleKm(center, vertex));
  constexpr double kRoundedKm = 0.01;
  return GreatCircleKm(center, mean) <= 1.5 * reach + kRoundedKm;
}

bool TokenHolds(const std::string& token, LatLon mean) {
  const auto cell = S2Cell::FromToken(token);
  return cell && cell->level() > 0 && cell->Contains(S2Cell::Leaf(mean));
}

// The digits of a number and the power of ten of the last, "4.7E+064" -> 47, 63.
struct WrittenNumber {
  std::string digits;
  long long power = 0;
};

std::optional<WrittenNumber> AsNumber(std::string_view text) {
  WrittenNumber number;
  bool point = false;
  std::size_t i = 0;
  for (; i < text.size() && (IsDigit(text[i]) || ((text[i] == '.' || text[i] == ',') && !point)); ++i) {
    if (!IsDigit(text[i])) {
      point = true;
      continue;
    }
    number.digits += text[i];
    if (point) --number.power;
  }
  if (number.digits.empty()) return std::nullopt;
  if (i < text.size()) {
    if (Lower(text[i]) != 'e') return std::nullopt;
    std::string_view exponent = text.substr(i + 1);
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    const auto value = ParseInteger(exponent);
    if (!value || std::abs(*value) > 1000) return std::nullopt;
    number.power += *value;
  }
  while (number.digits.size() > 1 && number.digits.back() == '0') {
    number.digits.pop_back();
    ++number.power;
  }
  return number;
}

// The token around `mean` that is read as this number: digits, e, power.
std::optional<std::string> TokenReadAs(const WrittenNumber& number, LatLon mean) {
  for (long long zeros = 0; zeros <= std::min(number.power, 12LL); ++zeros) {
    const std::string digits = number.digits + std::string(static_cast<std::size_t>(zeros), '0');
    for (const char* before : {"", "0", "00", "000"}) {
      for (const char* between : {"e", "e0", "e00"}) {
        std::string token = before + digits + between + std::to_string(number.power - zeros);
        if (TokenHolds(token, mean)) return token;
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::string TokenDamage(std::string_view token, LatLon mean) {
  const auto cell = S2Cell::FromToken(token);
  if (cell && cell->Contains(S2Cell::Leaf(mean))) return "";
  const std::string quoted = "'" + Printable(token) + "'";
  std::string zeros = "0";
  for (; cell && zeros.size() + token.size() <= 16; zeros += '0') {
    if (TokenHolds(zeros + std::string(token), mean)) {
      return quoted + " was '" + zeros + std::string(token) +
             "' before a spreadsheet took it for a number and dropped the zeros at its beginning";
    }
  }
  if (cell && MayBeMean(*cell, mean)) return "";
  if (cell) {
    return quoted + " is a cell whose middle is " + ToString(cell->Center()) +
           ", too far from latitude_mean, longitude_mean " + ToString(mean);
  }
  if (const auto number = AsNumber(token)) {
    const auto original = TokenReadAs(*number, mean);
    if (original) return quoted + " was '" + *original + "' before a spreadsheet took it for a number";
    if (!std::ranges::all_of(token, IsDigit) || number->power > 0) {
      return quoted + " is a number that a spreadsheet made of a token; what it was cannot be told";
    }
  }
  return quoted + " is no token of an S2 cell: up to 16 of 0-9 and a-f, without zeros at the end";
}

}  // namespace dualgeo
