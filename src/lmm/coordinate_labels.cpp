#include "coordinate_labels.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "answer_symbols.h"
#include "directions.h"
#include "dualgeo/util/text.h"
#include "word_list.h"

namespace dualgeo {
namespace {

struct LabelWord {
  std::string_view text;
  bool latitude;
  char hemisphere = 0;
  bool common = false;  // a word for other things, too: a label only before a colon, an equals sign or a bracket
};

// In lower case, as normalized text has them; longer words before their beginnings; between bars.
constexpr std::string_view kLatitude =
    "latitude|latitudine|latitudo|latitud|latitüd|lat|breitengrad|breedtegraad|breddegrad|breddgrad|leveysaste"
    "|leveyspiiri|laiuskraad|szerokość geograficzna|szerokość|zeměpisná šířka|zemepisná šírka|geografska širina"
    "|platuma|platums|földrajzi szélesség|enlem|lintang|vĩ độ|vĩ tuyến|широта|географска ширина|πλάτος|위도|纬度|緯度"
    "|دائرة العرض|خط العرض|عرض جغرافیایی|عرض البلد|عرض بلد|अक्षांश|অক্ষাংশ|அட்சரேகை|ละติจูด|קו רוחב";
constexpr std::string_view kLongitude =
    "longitude|longitudine|longitudo|longitud|longitüd|lon|lng|längengrad|laengengrad|lengtegraad|lengdegrad"
    "|længdegrad|längdgrad|pituusaste|pituuspiiri|pikkuskraad|długość geograficzna|zeměpisná délka"
    "|zemepisná dĺžka|geografska dužina|ilguma|garums|földrajzi hosszúság|boylam|bujur|kinh độ|kinh tuyến|долгота"
    "|довгота|географска дължина|μήκος|경도|经度|經度|経度|خط الطول|طول جغرافیایی|طول البلد|طول بلد|देशांतर|देशान्तर"
    "|रेखांश|দ্রাঘিমাংশ|தீர்க்கரேகை|ลองจิจูด|ลองติจูด|קו אורך";
constexpr std::string_view kCommonLatitude = "breite|breedte|šířka|šírka|širina|szélesség|ширина|φ|ϕ|רוחב";
constexpr std::string_view kCommonLongitude =
    "long|länge|lengte|długość|délka|dĺžka|dužina|dolžina|hosszúság|дължина|дужина|λ|אורך";
constexpr LabelWord kDirected[] = {{"lintang selatan", true, 'S'},
                                   {"lintang utara", true, 'N'},
                                   {"bujur timur", false, 'E'},
                                   {"bujur barat", false, 'W'},
                                   {"северная широта", true, 'N'},
                                   {"южная широта", true, 'S'},
                                   {"восточная долгота", false, 'E'},
                                   {"западная долгота", false, 'W'},
                                   {"북위", true, 'N'},
                                   {"남위", true, 'S'},
                                   {"동경", false, 'E'},
                                   {"서경", false, 'W'},
                                   {"北纬", true, 'N'},
                                   {"南纬", true, 'S'},
                                   {"东经", false, 'E'},
                                   {"西经", false, 'W'},
                                   {"北緯", true, 'N'},
                                   {"南緯", true, 'S'},
                                   {"東經", false, 'E'},
                                   {"東経", false, 'E'},
                                   {"西經", false, 'W'},
                                   {"西経", false, 'W'}};

const std::vector<LabelWord>& LabelWords() {
  static const std::vector<LabelWord> words = [] {
    std::vector<LabelWord> all(std::begin(kDirected), std::end(kDirected));
    for (const auto word : Split(kLatitude, '|')) all.push_back({word, true});
    for (const auto word : Split(kLongitude, '|')) all.push_back({word, false});
    for (const auto word : Split(kCommonLatitude, '|')) all.push_back({word, true, 0, true});
    for (const auto word : Split(kCommonLongitude, '|')) all.push_back({word, false, 0, true});
    return all;
  }();
  return words;
}

bool StartsWith(std::string_view text, std::size_t begin, std::string_view word) {
  if (text.size() - begin < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (Lower(text[begin + i]) != word[i] && text[begin + i] != word[i]) return false;
  }
  return true;
}

// "Länge, Breite": one common word beside another is meant as a label.
bool BeginsWithLabelWord(std::string_view text, std::size_t i) {
  while (i < text.size() && text[i] == ' ') ++i;
  return i < text.size() && std::any_of(LabelWords().begin(), LabelWords().end(),
                                        [&](const LabelWord& word) { return StartsWith(text, i, word.text); });
}

// "GPSLatitudeRef" and "gps_latitude_ref" to gps, latitude, ref.
std::vector<std::string> Words(std::string_view key) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char c = key[i];
    const bool letter = IsAlpha(c) || static_cast<unsigned char>(c) >= 0x80;
    if (!letter) {
      if (!words.back().empty()) words.emplace_back();
      continue;
    }
    const bool upper = c >= 'A' && c <= 'Z';
    const bool lower_before = i > 0 && key[i - 1] >= 'a' && key[i - 1] <= 'z';
    const bool lower_after = i + 1 < key.size() && key[i + 1] >= 'a' && key[i + 1] <= 'z';
    const bool upper_before = i > 0 && key[i - 1] >= 'A' && key[i - 1] <= 'Z';
    if (upper && !words.back().empty() && (lower_before || (upper_before && lower_after))) words.emplace_back();
    words.back() += Lower(c);
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

template <std::size_t N>
bool Any(const std::vector<std::string>& words, const std::array<std::string_view, N>& of) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(of.begin(), of.end(), std::string_view(word)) != of.end();
  });
}

constexpr std::array<std::string_view, 20> kNotAValue{
    "min",  "max",   "range", "error",      "uncertainty", "delta", "std",   "offset",   "bounds",     "margin",
    "span", "lower", "upper", "confidence", "precision",   "step",  "count", "accuracy", "confidence", "size"};
constexpr std::array<std::string_view, 5> kLetterWords{"ref", "direction", "dir", "hemisphere", "cardinal"};
constexpr std::array<std::string_view, 13> kPairWords{"coordinates", "coordinate", "coords",  "coord", "latlon",
                                                      "latlng",      "latlong",    "gps",     "point", "坐标",
                                                      "wkt",         "geom",       "geometry"};
constexpr std::array<std::string_view, 5> kPairLonLatWords{"lonlat", "lnglat", "longlat", "xy", "lonlats"};

}  // namespace

KeyKind KindOfKey(std::string_view key) {
  if (key.size() > 64) return KeyKind::kOther;
  const std::string normalized = NormalizeSymbols(key);
  const std::vector<std::string> words = Words(normalized);
  if (Any(words, kNotAValue)) return KeyKind::kOther;
  int lat = -1;
  int lon = -1;
  // Labels of several words: "vĩ độ".
  const std::string spaced = Join(words, " ");
  for (const auto& word : LabelWords()) {
    if (word.text.find(' ') == std::string_view::npos || spaced.find(word.text) == std::string::npos) continue;
    (word.latitude ? lat : lon) = 0;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (const auto& word : LabelWords()) {
      if (words[i] != word.text) continue;
      int& where = word.latitude ? lat : lon;
      if (where < 0) where = static_cast<int>(i);
    }
  }
  if (lat >= 0 && lon >= 0) return lat < lon ? KeyKind::kPair : KeyKind::kPairLonLat;
  if (lat >= 0) return Any(words, kLetterWords) ? KeyKind::kLatitudeLetter : KeyKind::kLatitude;
  if (lon >= 0) return Any(words, kLetterWords) ? KeyKind::kLongitudeLetter : KeyKind::kLongitude;
  if (words.size() == 1 && (words[0] == "x" || words[0] == "y")) return words[0] == "x" ? KeyKind::kX : KeyKind::kY;
  if (Any(words, kPairLonLatWords)) return KeyKind::kPairLonLat;
  if (Any(words, kPairWords)) return KeyKind::kPair;
  return KeyKind::kOther;
}

namespace {

// "South latitude", "latitude sud", "Longitude (W)": the direction beside a label belongs to it.
TextLabel WithDirection(std::string_view text, std::size_t begin, TextLabel label) {
  const auto fits = [&](char letter) {
    return letter == 'N' || letter == 'S' ? label.latitude : letter != kEastOrWest && !label.latitude;
  };
  if (label.hemisphere == 0) {
    if (const auto before = DirectionBefore(text, begin); before && fits(*before)) label.hemisphere = *before;
  }
  std::size_t i = label.end;
  while (i < text.size() && (text[i] == ' ' || text[i] == '*')) ++i;
  const bool bracket = i < text.size() && text[i] == '(';
  const auto direction = MatchDirection(text, i + (bracket ? 1 : 0));
  if (!direction || !fits(direction->letter)) return label;
  const char next = direction->end < text.size() ? text[direction->end] : '\0';
  const bool capital = direction->word || text[direction->end - 1] == direction->letter;
  // Of "latitude N 48.86" the letter is the number's; "(N/S)" names both.
  const bool whole = bracket ? next == ')' : direction->word || next == ':' || next == '=';
  if (!capital || !whole) return label;
  label.hemisphere = direction->letter;
  label.end = direction->end + (bracket ? 1 : 0);
  return label;
}

}  // namespace

std::optional<TextLabel> MatchLabel(std::string_view text, std::size_t begin) {
  const bool ascii = IsAlpha(text[begin]);
  if (ascii && begin > 0 && IsAlpha(text[begin - 1])) {
    // "GPSLatitude", "predLat": a capital after a lower-case letter begins a word, and so does Lat after GPS.
    const bool upper = text[begin] >= 'A' && text[begin] <= 'Z';
    const bool lower_next = begin + 1 < text.size() && text[begin + 1] >= 'a' && text[begin + 1] <= 'z';
    if (!upper || !lower_next) return std::nullopt;
    // "LatLng(" and its like name an order.
    for (const std::string_view other : {"lat", "lng", "lon", "long"}) {
      if (begin >= other.size() && StartsWith(text, begin - other.size(), other)) return std::nullopt;
    }
  }
  for (const auto& word : LabelWords()) {
    if (!StartsWith(text, begin, word.text)) continue;
    const std::size_t end = begin + word.text.size();
    const char next = end < text.size() ? text[end] : '\0';
    if (IsAlpha(next) && IsAlpha(word.text.back())) continue;
    if (word.common) {
      std::size_t i = end;
      while (i < text.size() && (text[i] == ' ' || text[i] == '*' || text[i] == '"' || text[i] == '\'')) ++i;
      const char mark = i < text.size() ? text[i] : '\0';
      const bool heads = mark == ':' || mark == '=' || mark == ')' || mark == ']' || mark == '|';
      if (!heads && !(std::string_view(",;/-").find(mark) != std::string_view::npos && mark != '\0' &&
                      BeginsWithLabelWord(text, i + 1))) {
        continue;
      }
    }
    // An order of coordinates, not a coordinate: "longitude first".
    std::size_t after = end;
    while (after < text.size() && (text[after] == ' ' || text[after] == '-')) ++after;
    if (after > end && text.substr(after, 5) == "first") return std::nullopt;
    return WithDirection(text, begin, TextLabel{word.latitude, word.hemisphere, end});
  }
  // x=2.2945, y=48.8584
  const char c = Lower(text[begin]);
  if ((c == 'x' || c == 'y') && (begin == 0 || !(IsAlpha(text[begin - 1]) || text[begin - 1] == '_'))) {
    std::size_t i = begin + 1;
    while (i < text.size() && text[i] == ' ') ++i;
    if (i < text.size() && (text[i] == '=' || text[i] == ':')) return TextLabel{c == 'y', 0, begin + 1, true};
  }
  return std::nullopt;
}

}  // namespace dualgeo
