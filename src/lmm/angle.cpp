#include "angle.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "directions.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

class Scanner {
 public:
  Scanner(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  char Peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  std::size_t at() const { return at_; }
  void set(std::size_t at) { at_ = at; }
  void SkipBlanks() {
    while (Peek() == ' ' || Peek() == '\t') ++at_;
  }
  bool Take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  // A whole word, in any case.
  bool TakeWord(std::string_view word) {
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (Lower(Peek(i)) != word[i]) return false;
    }
    if (IsAlpha(Peek(word.size())) || IsDigit(Peek(word.size()))) return false;
    at_ += word.size();
    return true;
  }

  struct Number {
    double value = 0;
    bool decimal = false;
    bool exponent = false;
  };
  // Without a sign. Digits, perhaps with a fraction.
  std::optional<Number> TakeNumber(bool decimal_comma) {
    const std::size_t begin = at_;
    std::size_t i = at_;
    while (i < text_.size() && IsDigit(text_[i])) ++i;
    const std::size_t whole = i - begin;
    Number number;
    std::size_t comma = std::string_view::npos;
    if (i + 1 < text_.size() && text_[i] == '.' && IsDigit(text_[i + 1])) {
      number.decimal = true;
      for (++i; i < text_.size() && IsDigit(text_[i]);) ++i;
    } else if (decimal_comma && whole > 0 && i + 1 < text_.size() && text_[i] == ',' && IsDigit(text_[i + 1])) {
      number.decimal = true;
      comma = i;
      for (++i; i < text_.size() && IsDigit(text_[i]);) ++i;
    }
    if (whole == 0 && !number.decimal) return std::nullopt;
    if (i < text_.size() && (text_[i] == 'e' || text_[i] == 'E')) {
      std::size_t e = i + 1;
      if (e < text_.size() && (text_[e] == '+' || text_[e] == '-')) ++e;
      if (e < text_.size() && IsDigit(text_[e])) {
        number.exponent = true;
        for (i = e; i < text_.size() && IsDigit(text_[i]);) ++i;
      }
    }
    std::string digits(text_.substr(begin, i - begin));
    if (comma != std::string_view::npos) digits[comma - begin] = '.';
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number.value);
    if (error == std::errc::result_out_of_range) {
      // Too large for a double, or too small: from_chars does not say which.
      const bool small = digits.find("e-") != std::string::npos || digits.find("E-") != std::string::npos;
      number.value = small ? 0.0 : std::numeric_limits<double>::max();
    } else if (error != std::errc() || end != digits.data() + digits.size()) {
      return std::nullopt;
    }
    at_ = i;
    return number;
  }

  // N, S, E, W, O or the word; 0 when there is none.
  char TakeHemisphere() {
    const auto direction = MatchDirection(text_, at_);
    if (!direction) return 0;
    at_ = direction->end;
    return direction->letter;
  }

  bool TakeDegreeMark() {
    const std::size_t before = at_;
    SkipBlanks();
    if (Take({&kDegree, 1})) {
      const std::size_t after = at_;
      SkipBlanks();
      const bool temperature = (Peek() == 'C' || Peek() == 'F') && !IsAlpha(Peek(1));  // 25.5 ° C
      at_ = temperature ? before : after;
      return !temperature;
    }
    for (const std::string_view word : {"degrees", "degree", "deg", "grad", "grados", "grado", "graus", "grau", "gradi",
                                        "stopni", "derece", "derajat"}) {
      if (TakeWord(word)) return true;
    }
    for (const std::string_view word : {"degrés", "degré", "градусов", "градуса", "градус", "stupňů", "درجة", "درجه",
                                        "डिग्री", "ডিগ্রি", "องศา", "độ", "מעלות"}) {
      if (Take(word)) return true;
    }
    at_ = before;
    return false;
  }

 private:
  std::string_view text_;
  std::size_t at_;
};

// 51'30.5" or 51.5' after a degree mark; `degrees` grows. False when what follows is no valid count of minutes.
bool TakeMinutes(Scanner& scan, double& degrees) {
  const std::size_t before = scan.at();
  scan.SkipBlanks();
  const auto minutes = scan.TakeNumber(false);
  if (!minutes || minutes->exponent) {
    scan.set(before);
    return true;
  }
  scan.SkipBlanks();
  // "48° 51, ..." has no mark of minutes: the number belongs to something else.
  if (!(scan.Take("\\'") || scan.Take("'") || scan.TakeWord("minutes") || scan.TakeWord("min") ||
        (Lower(scan.Peek()) == 'm' && !IsAlpha(scan.Peek(1)) && scan.Take(scan.Peek() == 'm' ? "m" : "M")))) {
    scan.set(before);
    return true;
  }
  if (minutes->value >= 60) return false;
  degrees += minutes->value / 60;
  const std::size_t after_minutes = scan.at();
  scan.SkipBlanks();
  const auto seconds = scan.TakeNumber(false);
  if (!seconds || seconds->exponent) {
    scan.set(after_minutes);
    return true;
  }
  scan.SkipBlanks();
  // A letter right after the seconds stands for their mark and is the caller's to read.
  Scanner ahead = scan;
  const bool lower_s = scan.Peek() == 's' && !(scan.Peek(1) >= 'a' && scan.Peek(1) <= 'z');
  if (!(scan.Take("\\\"") || scan.Take("\"") || scan.Take("''") || scan.TakeWord("seconds") || scan.TakeWord("sec") ||
        (lower_s && scan.Take("s")) || ahead.TakeHemisphere() != 0)) {
    scan.set(after_minutes);
    return true;
  }
  if (seconds->value >= 60) return false;
  degrees += seconds->value / 3600;
  return true;
}

// "48 51 30 N", "48:51:30N", "48 51.5 N": only with a letter behind, else three numbers are three numbers.
bool TakeSpacedMinutes(Scanner& scan, double& degrees) {
  const std::size_t before = scan.at();
  double value = degrees;
  double unit = 60;
  for (int part = 0; part < 2; ++part) {
    const bool colon = scan.Peek() == ':';
    if (colon) {
      scan.Take(":");
    } else if (scan.Peek() == ' ') {
      scan.SkipBlanks();
    } else {
      break;
    }
    const auto number = scan.TakeNumber(false);
    if (!number || number->value >= 60) break;
    value += number->value / unit;
    unit *= 60;
    const std::size_t here = scan.at();
    scan.SkipBlanks();
    const std::size_t letter = scan.at();
    if (scan.TakeHemisphere() != 0) {
      degrees = value;
      scan.set(letter);
      return true;
    }
    scan.set(here);
    if (number->decimal) break;
  }
  scan.set(before);
  return false;
}

}  // namespace

namespace {

// "N48 51.504", "S 33 51 24": behind a letter, a whole number of degrees, then minutes and perhaps seconds. Grows
// `degrees`.
bool TakeMinutesBehindLetter(Scanner& scan, double& degrees) {
  const std::size_t before = scan.at();
  double value = degrees;
  double unit = 60;
  int parts = 0;
  while (parts < 2 && scan.Peek() == ' ') {
    const std::size_t here = scan.at();
    scan.SkipBlanks();
    const auto number = IsDigit(scan.Peek()) ? scan.TakeNumber(false) : std::nullopt;
    if (!number || number->value >= 60 || number->exponent) {
      scan.set(here);
      break;
    }
    value += number->value / unit;
    unit *= 60;
    ++parts;
    if (number->decimal) break;
  }
  // Another number behind it would make it a pair of whole numbers and something else.
  std::size_t ahead = 0;
  while (scan.Peek(ahead) == ' ' || scan.Peek(ahead) == ',') ++ahead;
  if (parts == 0 || IsDigit(scan.Peek(ahead)) || scan.Peek(ahead) == '-' || scan.Peek(ahead) == kDegree) {
    scan.set(before);
    return false;
  }
  degrees = value;
  return true;
}

// The number must end there, and must not be a count of something.
bool EndsAsAngle(std::string_view text, const Angle& angle, bool leads) {
  const char next = angle.end < text.size() ? text[angle.end] : '\0';
  const char second = angle.end + 1 < text.size() ? text[angle.end + 1] : '\0';
  if (IsAlpha(next) || IsDigit(next) || next == '%' || next == '_' || (next == '.' && IsDigit(second)) ||
      (next == '-' && IsDigit(second) && angle.hemisphere == 0 && !angle.degrees)) {
    return false;
  }
  if ((angle.hemisphere == 0 || leads) && !angle.degrees) {
    Scanner unit(text, angle.end);
    unit.SkipBlanks();
    for (const char* word : {"km",         "m",       "mi",   "miles",   "mile",   "meters",  "metres",  "kilometers",
                             "kilometres", "ft",      "feet", "percent", "years",  "minutes", "seconds", "hours",
                             "mm",         "cm",      "px",   "pixels",  "mp",     "kg",      "mph",     "million",
                             "euros",      "dollars", "usd",  "eur",     "photos", "images",  "c",       "f"}) {
      if (unit.TakeWord(word)) return false;
    }
  }
  return true;
}

}  // namespace

std::optional<Angle> ParseAngle(std::string_view text, std::size_t begin, AngleRules rules) {
  if (begin >= text.size()) return std::nullopt;
  if (begin > 0) {
    const char before = text[begin - 1];
    const bool part_of_number = before == '.' && begin > 1 && IsDigit(text[begin - 2]);
    if (IsAlpha(before) || IsDigit(before) || part_of_number || before == '-' || before == '+' || before == '_' ||
        before == '$') {
      return std::nullopt;
    }
  }
  Scanner scan(text, begin);
  Angle angle;
  // "N 48.85", "N48.85", "North: 48.85". TakeWord wants the word to end, so N48 is looked at by hand.
  const bool leads = IsAlpha(scan.Peek()) || static_cast<unsigned char>(scan.Peek()) >= 0x80;
  if (leads) {
    const char letter = scan.Peek();
    const bool one = letter == 'N' || letter == 'S' || letter == 'E' || letter == 'W' || letter == kEastOrWest;
    if (one && (IsDigit(scan.Peek(1)) || (scan.Peek(1) == '-' && IsDigit(scan.Peek(2))))) {
      angle.hemisphere = letter;
      scan.set(begin + 1);
    } else {
      angle.hemisphere = scan.TakeHemisphere();
      if (angle.hemisphere == 0) return std::nullopt;
      scan.Take(".");
      scan.Take(":");
      scan.SkipBlanks();
    }
  }
  const bool negative = scan.Peek() == '-';
  if (negative || scan.Peek() == '+') scan.set(scan.at() + 1);
  if (negative && scan.Peek() == ' ' && IsDigit(scan.Peek(1))) return std::nullopt;  // a dash, not a sign
  const auto whole = scan.TakeNumber(rules.decimal_comma);
  if (!whole) return std::nullopt;
  double value = whole->value;
  angle.decimal = whole->decimal;
  angle.end = scan.at();

  if (scan.TakeDegreeMark()) {
    angle.degrees = true;
    if (!whole->decimal && !TakeMinutes(scan, value)) return std::nullopt;
    angle.end = scan.at();
  } else if (Lower(scan.Peek()) == 'd' && IsDigit(scan.Peek(1)) && !whole->decimal) {
    scan.set(scan.at() + 1);
    const std::size_t minutes = scan.at();
    if (!TakeMinutes(scan, value) || scan.at() == minutes) return std::nullopt;
    angle.degrees = true;
    angle.end = scan.at();
  } else if (!whole->decimal &&
             (angle.hemisphere != 0 ? TakeMinutesBehindLetter(scan, value) : TakeSpacedMinutes(scan, value))) {
    angle.degrees = true;
    angle.end = scan.at();
  }
  if (angle.hemisphere == 0) {
    scan.SkipBlanks();
    const char before = scan.Peek();
    angle.hemisphere = scan.TakeHemisphere();
    // In running text a lower-case letter is a word or a unit: "5 s", "3 e".
    if (angle.hemisphere != 0 && (before == 'n' || before == 's' || before == 'e' || before == 'w') &&
        scan.at() == angle.end + 1 && !angle.degrees && !angle.decimal) {
      angle.hemisphere = 0;
    }
    // O is a word ("or", "the") in many languages: only right behind a coordinate is it a letter.
    if (angle.hemisphere == kEastOrWest && !angle.degrees && !angle.decimal) angle.hemisphere = 0;
    if (angle.hemisphere != 0) angle.end = scan.at();
  }

  if (!EndsAsAngle(text, angle, leads)) return std::nullopt;
  angle.value = negative ? -value : value;
  return angle;
}

}  // namespace dualgeo
