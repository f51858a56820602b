#include "coordinate_labels.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

struct Word {
  std::string_view text;  // lower case
  bool latitude;
  char hemisphere = 0;
};

// Longer words before their beginnings.
constexpr Word kWords[] = {
    {"latitude", true},    {"latitudine", true},   {"latitud", true},    {"lat", true},          {"breitengrad", true},
    {"breite", true},      {"szerokość", true},    {"longitude", false}, {"longitudine", false}, {"longitud", false},
    {"längengrad", false}, {"laengengrad", false}, {"länge", false},     {"lon", false},         {"lng", false},
    {"long", false},       {"широта", true},       {"долгота", false},   {"Широта", true},       {"Долгота", false},
    {"위도", true},        {"경도", false},        {"북위", true, 'N'},  {"남위", true, 'S'},    {"동경", false, 'E'},
    {"서경", false, 'W'},  {"北纬", true, 'N'},    {"南纬", true, 'S'},  {"东经", false, 'E'},   {"西经", false, 'W'},
    {"北緯", true, 'N'},   {"南緯", true, 'S'},    {"東經", false, 'E'}, {"東経", false, 'E'},   {"西經", false, 'W'},
    {"西経", false, 'W'},  {"纬度", true},         {"经度", false},      {"緯度", true},         {"經度", false},
    {"経度", false},       {"vĩ độ", true},        {"kinh độ", false},
};

bool IsAsciiAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool StartsWith(std::string_view text, std::size_t begin, std::string_view word) {
  if (text.size() - begin < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (Lower(text[begin + i]) != word[i] && text[begin + i] != word[i]) return false;
  }
  return true;
}

// "GPSLatitudeRef" and "gps_latitude_ref" to gps, latitude, ref.
std::vector<std::string> Words(std::string_view key) {
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char c = key[i];
    const bool letter = IsAsciiAlpha(c) || static_cast<unsigned char>(c) >= 0x80;
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
constexpr std::array<std::string_view, 10> kPairWords{"coordinates", "coordinate", "coords", "coord", "latlon",
                                                      "latlng",      "latlong",    "gps",    "point", "坐标"};
constexpr std::array<std::string_view, 5> kPairLonLatWords{"lonlat", "lnglat", "longlat", "xy", "lonlats"};

}  // namespace

KeyKind KindOfKey(std::string_view key) {
  if (key.size() > 64) return KeyKind::kOther;
  const std::vector<std::string> words = Words(key);
  if (Any(words, kNotAValue)) return KeyKind::kOther;
  int lat = -1;
  int lon = -1;
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (const auto& word : kWords) {
      if (words[i] != word.text) continue;
      int& where = word.latitude ? lat : lon;
      if (where < 0) where = static_cast<int>(i);
    }
  }
  if (lat >= 0 && lon >= 0) return lat < lon ? KeyKind::kPair : KeyKind::kPairLonLat;
  if (lat >= 0) return Any(words, kLetterWords) ? KeyKind::kLatitudeLetter : KeyKind::kLatitude;
  if (lon >= 0) return Any(words, kLetterWords) ? KeyKind::kLongitudeLetter : KeyKind::kLongitude;
  if (Any(words, kPairLonLatWords)) return KeyKind::kPairLonLat;
  if (Any(words, kPairWords)) return KeyKind::kPair;
  return KeyKind::kOther;
}

std::optional<TextLabel> MatchLabel(std::string_view text, std::size_t begin) {
  const bool ascii = IsAsciiAlpha(text[begin]);
  if (ascii && begin > 0 && IsAsciiAlpha(text[begin - 1])) {
    // "GPSLatitude", "predLat": a capital after a lower-case letter begins a word, and so does Lat after GPS.
    const bool upper = text[begin] >= 'A' && text[begin] <= 'Z';
    const bool lower_next = begin + 1 < text.size() && text[begin + 1] >= 'a' && text[begin + 1] <= 'z';
    if (!upper || !lower_next) return std::nullopt;
  }
  for (const auto& word : kWords) {
    if (!StartsWith(text, begin, word.text)) continue;
    const std::size_t end = begin + word.text.size();
    const char next = end < text.size() ? text[end] : '\0';
    if (IsAsciiAlpha(next) && IsAsciiAlpha(word.text.back())) continue;
    // "long" and "breite" are common words too: as labels they stand before a colon, an equals sign or a quote.
    if (word.text == "long" || word.text == "breite" || word.text == "länge") {
      std::size_t i = end;
      while (i < text.size() && (text[i] == ' ' || text[i] == '*' || text[i] == '"' || text[i] == '\'')) ++i;
      if (i >= text.size() || (text[i] != ':' && text[i] != '=' && text[i] != ')' && text[i] != '|')) continue;
    }
    return TextLabel{word.latitude, word.hemisphere, end};
  }
  return std::nullopt;
}

}  // namespace dualgeo
