#include "lmm/answer_parser.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "angle.h"
#include "coordinate_labels.h"
#include "dualgeo/util/text.h"
#include "guess_choice.h"
#include "place_from_angles.h"
#include "said_order.h"
#include "text_answer.h"

namespace dualgeo {
namespace {

using Json = nlohmann::ordered_json;  // the order of guesses is the model's

constexpr int kMaxNesting = 32;

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// What a JSON value says: places in its order of preference, or why none. Neither: it is about something else.
struct Findings {
  std::vector<LatLon> places;
  std::string reason;

  void Add(const PlaceOrReason& found) {
    if (found.place) {
      places.push_back(*found.place);
    } else {
      reason = found.reason;
    }
  }
  void Add(const Findings& other) {
    places.insert(places.end(), other.places.begin(), other.places.end());
    if (!other.reason.empty()) reason = other.reason;
  }
};

// "48.8584° N", "about 48.86", "48,8584", "33.9 (approx.)": the whole of a string as one angle.
std::optional<Angle> AngleFromString(const std::string& raw) {
  if (raw.size() > 200) return std::nullopt;
  const std::string text = NormalizeSymbols(Trimmed(raw));
  std::size_t begin = 0;
  // Words such as "approximately" and signs such as "~" before the number.
  while (begin < text.size()) {
    const char c = text[begin];
    if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.') break;
    if (const auto angle = ParseAngle(text, begin)) break;
    ++begin;
  }
  const std::string lead = LowerCase(std::string_view(text).substr(0, begin));
  static constexpr std::array<std::string_view, 9> kLeads{
      "", "~", "~ ", "approximately ", "approx. ", "approx ", "about ", "around ", "c. "};
  if (std::find(kLeads.begin(), kLeads.end(), std::string_view(lead)) == kLeads.end()) return std::nullopt;
  const bool one_comma = std::count(text.begin(), text.end(), ',') == 1 && text.find('.') == std::string::npos;
  const auto angle = ParseAngle(text, begin, {one_comma});
  if (!angle) return std::nullopt;
  const std::string_view rest = Trimmed(std::string_view(text).substr(angle->end));
  return rest.empty() || rest.front() == '(' ? angle : std::nullopt;
}

std::optional<Angle> AngleFromJson(const Json& value, int depth = 0);

// {"value": 48.86, "unit": "degrees"}, {"degrees": 48, "minutes": 51, "seconds": 30, "direction": "N"}
std::optional<Angle> AngleFromObject(const Json& object, int depth) {
  if (depth > 2) return std::nullopt;
  std::optional<Angle> angle;
  double minutes = 0;
  double seconds = 0;
  char letter = 0;
  for (const auto& [key, value] : object.items()) {
    const std::string name = LowerCase(key);
    if (name == "value" || name == "decimal" || name == "degrees" || name == "deg" || name == "decimal_degrees") {
      if (!angle) angle = AngleFromJson(value, depth + 1);
    } else if ((name == "minutes" || name == "min") && value.is_number()) {
      minutes = value.get<double>();
    } else if ((name == "seconds" || name == "sec") && value.is_number()) {
      seconds = value.get<double>();
    } else if ((name == "direction" || name == "hemisphere" || name == "ref") && value.is_string()) {
      const std::string text = LowerCase(value.get<std::string>());
      if (!text.empty()) letter = static_cast<char>(text[0] - 'a' + 'A');
    }
  }
  if (!angle || !(minutes >= 0 && minutes < 60 && seconds >= 0 && seconds < 60)) return std::nullopt;
  const double more = minutes / 60 + seconds / 3600;
  angle->value += angle->value < 0 ? -more : more;
  if (angle->hemisphere == 0 && (letter == 'N' || letter == 'S' || letter == 'E' || letter == 'W')) {
    angle->hemisphere = letter;
  }
  return angle;
}

std::optional<Angle> AngleFromJson(const Json& value, int depth) {
  if (value.is_number()) {
    Angle angle;
    angle.value = value.get<double>();
    angle.decimal = value.is_number_float();
    return angle;
  }
  if (value.is_string()) return AngleFromString(value.get_ref<const std::string&>());
  if (value.is_object()) return AngleFromObject(value, depth);
  return std::nullopt;
}

// "order": "longitude, latitude" beside the pair.
bool SaysLonFirst(const Json& object) {
  for (const auto& [key, value] : object.items()) {
    const std::string name = LowerCase(key);
    const bool about_order = name.find("order") != std::string::npos || name.find("format") != std::string::npos ||
                             name.find("axis") != std::string::npos;
    if (!about_order || !value.is_string()) continue;
    const std::string text = NormalizeSymbols(value.get_ref<const std::string&>());
    if (SaidOrder(text, text.size(), text.size()) == PairOrder::kLonLat) return true;
  }
  return false;
}

// [48.86, 2.29], perhaps with an altitude; strings, too.
std::optional<Findings> PairFromArray(const Json& array, bool lon_first) {
  if (array.size() < 2 || array.size() > 3) return std::nullopt;
  for (const auto& item : array) {
    if (!item.is_number() && !item.is_string()) return std::nullopt;
  }
  const auto first = AngleFromJson(array[0]);
  const auto second = AngleFromJson(array[1]);
  if (!first || !second) return std::nullopt;
  Findings findings;
  findings.Add(lon_first ? PlaceFromAngles(*second, *first) : PlaceFromAngles(*first, *second));
  return findings;
}

Findings FromText(std::string_view text, int depth);

// How much a field's name promises: 0 the answer, 1 anything, 2 what is only there beside the answer.
int Tier(const std::string& key) {
  const std::string name = LowerCase(key);
  static constexpr std::array<std::string_view, 12> kBeside{"alternativ", "other",     "second",    "runner",
                                                            "similar",    "candidate", "reference", "example",
                                                            "properties", "reject",    "prompt",    "input"};
  for (const auto word : kBeside) {
    if (name.find(word) != std::string::npos) return 2;
  }
  static constexpr std::array<std::string_view, 14> kAnswer{
      "final",  "best",     "answer",     "primary",  "predict", "likely",   "result",
      "output", "location", "coordinate", "position", "gps",     "estimate", "geolocation"};
  for (const auto word : kAnswer) {
    if (name.find(word) != std::string::npos) return 0;
  }
  return 1;
}

Findings FromJson(const Json& value, int depth, bool lon_first = false);

std::optional<double> Confidence(const Json& guess) {
  if (!guess.is_object()) return std::nullopt;
  for (const auto& [key, value] : guess.items()) {
    const std::string name = LowerCase(key);
    if ((name == "confidence" || name == "probability" || name == "score" || name == "likelihood") &&
        value.is_number()) {
      return value.get<double>();
    }
  }
  return std::nullopt;
}

Findings FromArray(const Json& array, int depth, bool lon_first) {
  std::vector<std::pair<double, Findings>> guesses;
  bool all_stated = true;
  for (const auto& item : array) {
    Findings found;
    if (item.is_array()) {
      if (auto pair = PairFromArray(item, lon_first)) {
        found = *pair;
      } else {
        found = FromJson(item, depth + 1, lon_first);
      }
    } else if (item.is_object()) {
      found = FromJson(item, depth + 1, lon_first);
    }
    if (found.places.empty() && found.reason.empty()) continue;
    const auto confidence = Confidence(item);
    all_stated = all_stated && confidence;
    guesses.emplace_back(confidence.value_or(0), std::move(found));
  }
  if (all_stated) {
    std::stable_sort(guesses.begin(), guesses.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  }
  Findings all;
  for (const auto& guess : guesses) all.Add(guess.second);
  return all;
}

// Latitude and longitude in fields of their own. False when they are not both there, with a reason where one is.
bool FromAxes(const Json& object, Findings& findings) {
  const Json* lat = nullptr;
  const Json* lon = nullptr;
  const Json* x_axis = nullptr;
  const Json* y_axis = nullptr;
  char lat_letter = 0;
  char lon_letter = 0;
  const auto letter = [](const Json& value) {
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) return '\0';
    const char c = value.get_ref<const std::string&>()[0];
    return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  };
  for (const auto& [key, value] : object.items()) {
    switch (KindOfKey(key)) {
      case KeyKind::kLatitude:
        if (lat == nullptr) lat = &value;
        break;
      case KeyKind::kLongitude:
        if (lon == nullptr) lon = &value;
        break;
      case KeyKind::kX:
        x_axis = &value;
        break;
      case KeyKind::kY:
        y_axis = &value;
        break;
      case KeyKind::kLatitudeLetter:
        lat_letter = letter(value);
        break;
      case KeyKind::kLongitudeLetter:
        lon_letter = letter(value);
        break;
      default:
        break;
    }
  }
  if (lat == nullptr && lon == nullptr && x_axis != nullptr && y_axis != nullptr && x_axis->is_number_float() &&
      y_axis->is_number_float()) {  // whole numbers are pixels
    lat = y_axis;
    lon = x_axis;
  }
  if (lat != nullptr || lon != nullptr) {
    auto y = lat != nullptr ? AngleFromJson(*lat) : std::nullopt;
    auto x = lon != nullptr ? AngleFromJson(*lon) : std::nullopt;
    if (y && x) {
      if (y->hemisphere == 0 && (lat_letter == 'N' || lat_letter == 'S')) y->hemisphere = lat_letter;
      if (x->hemisphere == 0 && (lon_letter == 'E' || lon_letter == 'W')) x->hemisphere = lon_letter;
      findings.Add(PlaceFromAngles(*y, *x));
      return true;
    }
    if (lat != nullptr && lon != nullptr && lat->is_null() && lon->is_null()) {
      findings.reason = "latitude and longitude are null";
    } else if (y || x) {
      findings.reason = y ? "latitude without longitude" : "longitude without latitude";
    } else if (!(lat != nullptr && lat->is_object()) && !(lon != nullptr && lon->is_object())) {
      findings.reason = "latitude and longitude are not numbers";
    }
  }
  return false;
}

Findings FromObject(const Json& object, int depth, bool outer_lon_first) {
  Findings findings;
  if (FromAxes(object, findings)) return findings;

  const std::string type =
      object.contains("type") && object["type"].is_string() ? object["type"].get<std::string>() : "";
  const bool geojson = type == "Point" || type == "MultiPoint";
  if (object.contains("coordinates") &&
      (type == "Polygon" || type == "MultiPolygon" || type == "LineString" || type == "MultiLineString")) {
    findings.reason = "a " + type + " is no place";
    return findings;
  }
  const bool says_lon_first = outer_lon_first || SaysLonFirst(object);
  std::array<Findings, 3> tiers;
  for (const auto& [key, value] : object.items()) {
    const KeyKind kind = KindOfKey(key);
    const int tier = Tier(key);
    const bool pair_key = kind == KeyKind::kPair || kind == KeyKind::kPairLonLat || tier == 0;
    Findings& found = tiers[static_cast<std::size_t>(tier)];
    if (value.is_array()) {
      const bool lon_first = kind == KeyKind::kPairLonLat || (geojson && key == "coordinates") ||
                             (says_lon_first && kind != KeyKind::kPair) || (says_lon_first && key == "coordinates");
      if (auto pair = pair_key ? PairFromArray(value, lon_first) : std::nullopt) {
        found.Add(*pair);
      } else {
        found.Add(FromJson(value, depth + 1, lon_first));
      }
    } else if (value.is_object()) {
      found.Add(FromJson(value, depth + 1, says_lon_first));
    } else if (value.is_string() && pair_key) {
      std::string text = value.get<std::string>();
      // The field's name says the order of a bare pair.
      if (kind == KeyKind::kPairLonLat || says_lon_first) text = "lon, lat: " + text;
      found.Add(FromText(text, depth + 1));
    }
  }
  for (const auto& tier : tiers) {
    if (!tier.places.empty()) {
      Findings best;
      best.places = tier.places;
      return best;
    }
  }
  for (const auto& tier : tiers) {
    if (findings.reason.empty()) findings.reason = tier.reason;
  }
  return findings;
}

Findings FromJson(const Json& value, int depth, bool lon_first) {
  if (depth > kMaxNesting) return {};
  if (value.is_object()) return FromObject(value, depth, lon_first);
  if (value.is_array()) {
    // A bare [48.86, 2.29] needs decimals: [1, 2] may be a footnote.
    const bool decimals = value.size() == 2 && value[0].is_number_float() && value[1].is_number_float();
    if (decimals) return *PairFromArray(value, lon_first);
    return FromArray(value, depth, lon_first);
  }
  return {};
}

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t parent = SIZE_MAX;
};

// Matching brackets, in order of their beginnings, quotes disregarded (apostrophes in prose would swallow the rest).
std::vector<Span> BracketSpans(std::string_view text) {
  std::vector<Span> spans;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{' || c == '[') {
      spans.push_back({i, 0, SIZE_MAX});
      open.push_back(spans.size() - 1);
    } else if (c == '}' || c == ']') {
      const char opener = c == '}' ? '{' : '[';
      // An opener that never closes does not take its surroundings with it.
      std::size_t k = open.size();
      while (k > 0 && open.size() - k < kMaxNesting && text[spans[open[k - 1]].begin] != opener) --k;
      if (k == 0 || text[spans[open[k - 1]].begin] != opener) continue;
      spans[open[k - 1]].end = i + 1;
      open.resize(k - 1);
    }
  }
  std::vector<Span> closed;
  for (const auto& span : spans) {
    if (span.end > 0) closed.push_back(span);
  }
  return closed;
}

// {'latitude': 48.86, 'longitude': None,} as JSON.
std::string Repaired(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\' && i + 1 < text.size()) {
        if (text[i + 1] == '\'') {
          out += '\'';
        } else {
          out += c;
          out += text[i + 1];
        }
        ++i;
      } else if (c == quote) {
        out += '"';
        quote = 0;
      } else if (c == '"') {
        out += "\\\"";
      } else if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
      continue;
    }
    if (c == '"' || c == '\'') {
      quote = c;
      out += '"';
    } else if (c == ',') {
      std::size_t next = text.find_first_not_of(" \t\r\n", i + 1);
      if (next != std::string_view::npos && (text[next] == '}' || text[next] == ']')) continue;
      out += c;
    } else if (text.substr(i, 4) == "None") {
      out += "null";
      i += 3;
    } else if (text.substr(i, 4) == "True") {
      out += "true";
      i += 3;
    } else if (text.substr(i, 5) == "False") {
      out += "false";
      i += 4;
    } else if (c == '+' && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9') {
      continue;  // +48.86
    } else {
      out += c;
    }
  }
  return out;
}

std::optional<Json> ParseJson(std::string_view text) {
  Json value = Json::parse(text, nullptr, false, true);
  if (value.is_discarded()) value = Json::parse(Repaired(text), nullptr, false, true);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

// The bare pair of an array stands in the order that the words round it say.
bool IsLonFirst(std::string_view text, const Span& span, const Json& value) {
  if (!value.is_array()) return false;
  constexpr std::size_t kContext = 200;
  const std::size_t from = span.begin - std::min(span.begin, kContext);
  const std::string before = NormalizeSymbols(text.substr(from, span.begin - from));
  const std::string after = NormalizeSymbols(text.substr(span.end, kContext));
  return SaidOrder(before + after, before.size(), before.size()) == PairOrder::kLonLat;
}

Findings FromText(std::string_view text, int depth) {
  if (depth > kMaxNesting) return {};
  std::vector<Findings> guesses;
  std::vector<GuessSpan> spans;
  std::string reason;
  std::size_t done = 0;                            // up to here the text belongs to a value that was read
  std::size_t budget = text.size() * kMaxNesting;  // nested brackets that do not parse are read once a level
  for (const auto& span : BracketSpans(text)) {
    if (span.begin < done) continue;
    const std::size_t length = span.end - span.begin;
    if (length > budget) break;
    budget -= length;
    const auto value = ParseJson(text.substr(span.begin, length));
    if (!value) continue;
    Findings found = FromJson(*value, depth + 1, IsLonFirst(text, span, *value));
    done = span.end;
    if (!found.places.empty()) {
      guesses.push_back(std::move(found));
      spans.push_back({span.begin, span.end});
    } else if (!found.reason.empty()) {
      reason = found.reason;
    }
  }
  if (!guesses.empty()) {
    Findings meant = std::move(guesses[MeantGuess(text, spans)]);
    meant.reason.clear();
    return meant;
  }
  Findings found;
  found.reason = reason;
  if (!reason.empty()) return found;
  const ParsedAnswer answer = FindInText(NormalizeSymbols(text));
  if (answer.location) {
    found.places.push_back(*answer.location);
    found.places.insert(found.places.end(), answer.alternatives.begin(), answer.alternatives.end());
  } else if (answer.reason != "no coordinates") {
    found.reason = answer.reason;
  }
  return found;
}

bool Declines(std::string_view raw) {
  const std::string text = NormalizeSymbols(raw);
  if (RefusalEnd(text) != std::string_view::npos) return true;
  const std::string lower = LowerCase(text);
  static constexpr std::array<std::string_view, 12> kPhrases{"i'm sorry", "i am sorry",   "sorry, ", "i cannot",
                                                             "i can't",   "as an ai",     "i won't", "lo siento",
                                                             "désolé",    "tut mir leid", "抱歉",    "申し訳"};
  return std::any_of(kPhrases.begin(), kPhrases.end(),
                     [&](std::string_view phrase) { return lower.find(phrase) != std::string::npos; });
}

}  // namespace

ParsedAnswer ParseAnswer(std::string_view text) {
  ParsedAnswer answer;
  if (text.size() > kMaxAnswerBytes) text = text.substr(text.size() - kMaxAnswerBytes);
  // Reasoning models think aloud first, and name many places while they do.
  for (const std::string_view tag : {"think", "thinking", "reasoning"}) {
    const std::string open = "<" + std::string(tag) + ">";
    const std::string close = "</" + std::string(tag) + ">";
    const std::size_t end = text.rfind(close);
    const std::size_t begin = text.rfind(open);
    if (begin != std::string_view::npos && (end == std::string_view::npos || begin > end)) {
      answer.reason = "cut off inside its reasoning";
      return answer;
    }
    if (end != std::string_view::npos) text = text.substr(end + close.size());
  }
  text = Trimmed(text);
  if (text.empty()) {
    answer.reason = "empty answer";
    return answer;
  }
  const Findings found = FromText(text, 0);
  if (!found.places.empty()) {
    answer.location = found.places.front();
    answer.alternatives.assign(found.places.begin() + 1, found.places.end());
    return answer;
  }
  if (!found.reason.empty()) {
    answer.reason = found.reason;
  } else if (Declines(text)) {
    answer.reason = "refusal: " + Printable(text, 80);
  } else {
    answer.reason = "no coordinates: " + Printable(text, 80);
  }
  return answer;
}

}  // namespace dualgeo
