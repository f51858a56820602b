#include "said_order.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "angle.h"
#include "coordinate_labels.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

constexpr std::size_t kBefore = 160, kAfter = 80;  // bytes that are looked at

bool IsLetterOrByte(char c) { return IsAlpha(c) || static_cast<unsigned char>(c) >= 0x80; }

struct OrderHint {
  PairOrder order;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool loose = false;  // "longitude and latitude": a way of speaking, too
};

// Between the two labels of an order: "lon/lat", "[longitude, latitude]", "longitude first, then latitude".
bool IsOrderGap(std::string_view gap, bool& loose) {
  static constexpr std::array<std::string_view, 13> kWords{"then", "followed", "by",  "before", "and",   "first", "the",
                                                           "y",    "et",       "und", "dann",   "luego", "puis"};
  loose = false;
  if (gap.size() > 28) return false;
  for (std::size_t i = 0; i < gap.size();) {
    if (IsLetterOrByte(gap[i])) {
      std::size_t end = i;
      while (end < gap.size() && IsLetterOrByte(gap[end])) ++end;
      const std::string_view word = gap.substr(i, end - i);
      if (std::find(kWords.begin(), kWords.end(), word) == kWords.end()) return false;
      loose = loose || word == "and" || word == "y" || word == "et" || word == "und";
      i = end;
      continue;
    }
    if (std::string_view(" ,;/|-_&\"'`*()[]>").find(gap[i]) == std::string_view::npos) return false;
    ++i;
  }
  return true;
}

// A label without the demands that MatchLabel makes of common words; x and y standing alone.
std::optional<TextLabel> OrderWordAt(const std::string& text, std::size_t i) {
  if (i > 0 && IsLetterOrByte(text[i - 1])) return std::nullopt;
  for (const std::string_view word : {"longitude", "latitude", "longitud", "latitud", "long", "lon", "lng", "lat"}) {
    if (text.compare(i, word.size(), word) != 0) continue;
    const std::size_t end = i + word.size();
    if (end < text.size() && IsLetterOrByte(text[end])) continue;
    return TextLabel{word.starts_with("la"), 0, end};
  }
  const bool alone = i + 1 >= text.size() || !(IsLetterOrByte(text[i + 1]) || IsDigit(text[i + 1]));
  if ((text[i] == 'x' || text[i] == 'y') && alone) return TextLabel{text[i] == 'y', 0, i + 1, true};
  return IsLetterOrByte(text[i]) ? MatchLabel(text, i) : std::nullopt;
}

std::vector<OrderHint> OrderHints(const std::string& text) {  // lower case
  std::vector<OrderHint> hints;
  struct Token {
    std::string_view text;
    PairOrder order;
  };
  static constexpr Token kTokens[] = {
      {"lonlat", PairOrder::kLonLat},         {"lnglat", PairOrder::kLonLat},   {"longlat", PairOrder::kLonLat},
      {"latlon", PairOrder::kLatLon},         {"latlng", PairOrder::kLatLon},   {"latlong", PairOrder::kLatLon},
      {"st_makepoint", PairOrder::kLonLat},   {"st_point", PairOrder::kLonLat}, {"geojson", PairOrder::kLonLat},
      {"geometry.point", PairOrder::kLonLat}, {"yandex.", PairOrder::kLonLat},  {"2gis.", PairOrder::kLonLat},
      {"<coordinates>", PairOrder::kLonLat},  // KML
      {"(e, n)", PairOrder::kLonLat},         {"(n, e)", PairOrder::kLatLon}};
  bool after_word = false;  // of the order, which `last` is
  TextLabel last;
  std::size_t last_begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto token = std::find_if(std::begin(kTokens), std::end(kTokens), [&](const Token& candidate) {
      return text.compare(i, candidate.text.size(), candidate.text) == 0;
    });
    if (token != std::end(kTokens)) {
      hints.push_back({token->order, i, i + token->text.size()});
      i = hints.back().end;
      continue;
    }
    // "type": "Point"
    if (text.compare(i, 6, "\"type\"") == 0) {
      const std::size_t value = text.find_first_not_of(" :", i + 6);
      if (value != std::string::npos && text.compare(value, 7, "\"point\"") == 0) {
        hints.push_back({PairOrder::kLonLat, i, value + 7});
      }
    }
    const auto label = OrderWordAt(text, i);
    if (!label) {
      ++i;
      continue;
    }
    bool loose = false;
    if (after_word && last.latitude != label->latitude && last.axis == label->axis &&
        IsOrderGap(std::string_view(text).substr(last.end, i - last.end), loose)) {
      hints.push_back({last.latitude ? PairOrder::kLatLon : PairOrder::kLonLat, last_begin, label->end, loose});
      after_word = false;
    } else {
      std::size_t after = label->end;
      while (after < text.size() && (text[after] == ' ' || text[after] == '-')) ++after;
      if (after > label->end && text.compare(after, 5, "first") == 0) {
        hints.push_back({label->latitude ? PairOrder::kLatLon : PairOrder::kLonLat, i, after + 5});
      }
      last = *label;
      last_begin = i;
      after_word = true;
    }
    i = label->end;
  }
  return hints;
}

}  // namespace

std::optional<PairOrder> SaidOrder(std::string_view text, std::size_t begin, std::size_t end) {
  // Beyond another number the words speak of that.
  std::size_t from = begin;
  while (from > 0 && begin - from < kBefore && !IsDigit(text[from - 1])) --from;
  const std::string before = LowerCase(text.substr(from, begin - from));
  const auto hints = OrderHints(before);
  for (auto hint = hints.rbegin(); hint != hints.rend(); ++hint) {
    const std::string_view rest = std::string_view(before).substr(hint->end);
    const bool other_sentence = rest.find(". ") != std::string_view::npos || rest.find('\n') != std::string_view::npos;
    if (!hint->loose || !other_sentence) return hint->order;
  }
  std::size_t to = end;
  while (to < text.size() && to - end < kAfter && !IsDigit(text[to])) ++to;
  const std::string after = LowerCase(text.substr(end, to - end));
  for (const auto& hint : OrderHints(after)) {
    // "...; lon/lat: 2.29, 48.86" heads the next pair.
    const std::size_t next = after.find_first_not_of(" )]*`\"'", hint.end);
    const bool heads = next != std::string::npos && (after[next] == ':' || after[next] == '=') && to < text.size() &&
                       IsDigit(text[to]);
    const bool other_sentence = after.substr(0, hint.begin).find("\n\n") != std::string::npos;
    if (!heads && !hint.loose && !other_sentence) return hint.order;
  }
  return std::nullopt;
}

std::optional<WktPoint> MatchWktPoint(std::string_view text, std::size_t begin) {
  if (begin > 0 && (IsLetterOrByte(text[begin - 1]) || text[begin - 1] == '_' || text[begin - 1] == '.')) {
    return std::nullopt;
  }
  const std::string head = LowerCase(text.substr(begin, 24));
  const bool multi = head.starts_with("multipoint");
  if (!multi && !head.starts_with("point")) return std::nullopt;
  std::size_t i = begin + (multi ? 10 : 5);
  const auto skip = [&] {
    while (i < text.size() && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r')) ++i;
  };
  skip();
  while (i < text.size() && (text[i] == 'Z' || text[i] == 'M' || text[i] == 'z' || text[i] == 'm')) ++i;
  skip();
  if (i >= text.size() || text[i] != '(') return std::nullopt;
  const bool attached = !multi && i == begin + 5;
  ++i;
  skip();
  if (multi && i < text.size() && text[i] == '(') ++i;
  skip();
  const auto first = ParseAngle(text, i);
  if (!first) return std::nullopt;
  i = first->end;
  skip();
  const bool comma = i < text.size() && text[i] == ',';
  if (comma) ++i;
  skip();
  const auto second = ParseAngle(text, i);
  if (!second) return std::nullopt;
  WktPoint point;
  point.begin = begin;
  point.end = std::min(text.find(')', second->end), text.size());
  point.end += point.end < text.size() ? 1 : 0;
  if (comma) {
    // No well-known text. In capitals it is a database's POINT(x, y); "Point(a, b)" is either order in Python's
    // libraries; "the point (a, b)" is prose.
    if (text.substr(begin, 5) == "point" && !attached) return std::nullopt;
    if (text.substr(begin, 5) != "POINT") {
      point.found.reason = "Point(a, b) does not say which is the latitude";
      return point;
    }
  }
  point.found = PlaceFromAngles(*second, *first);
  const std::string lead =
      LowerCase(text.substr(begin - std::min<std::size_t>(begin, 20), std::min<std::size_t>(begin, 20)));
  if (const std::size_t srid = lead.rfind("srid="); srid != std::string::npos) {
    const std::string code = lead.substr(srid + 5, lead.find_first_not_of("0123456789", srid + 5) - srid - 5);
    // WGS 84 and those within metres of it.
    static constexpr std::array<std::string_view, 5> kDegrees{"4326", "4979", "4258", "4269", "0"};
    if (std::find(kDegrees.begin(), kDegrees.end(), std::string_view(code)) == kDegrees.end()) {
      point.found = {std::nullopt, "coordinates in another reference system (SRID " + code + ")"};
    }
  }
  return point;
}

}  // namespace dualgeo
