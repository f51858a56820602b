#include "text_answer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "angle.h"
#include "areas_in_text.h"
#include "coordinate_labels.h"
#include "directions.h"
#include "dualgeo/util/text.h"
#include "guess_choice.h"
#include "place_from_angles.h"
#include "said_order.h"

namespace dualgeo {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

template <std::size_t N>
bool ContainsAny(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

// A label or an angle, in order of appearance.
struct Event {
  bool is_label = false;
  TextLabel label;
  Angle angle;
  bool decimal_comma = false;
  std::size_t begin = 0;
  std::size_t end = 0;
};

bool IsWordByte(char c) { return IsAlpha(c) || static_cast<unsigned char>(c) >= 0x80; }

// A number with a decimal comma: where its parts end, and what stands behind.
struct CommaNumber {
  std::size_t fraction = 0;  // digits behind the comma
  std::size_t end = 0;
  bool degrees = false;  // a degree sign or a direction follows
};

// "48,8584" at `begin` (a sign or digit), neither "1,234,567" nor "48,8584.5".
std::optional<CommaNumber> CommaNumberAt(std::string_view text, std::size_t begin) {
  const auto at = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  std::size_t i = begin;
  if (at(i) == '-' || at(i) == '+') ++i;
  const std::size_t whole = i;
  while (IsDigit(at(i)) && i - whole <= 3) ++i;
  if (i == whole || i - whole > 3 || at(i) != ',') return std::nullopt;
  CommaNumber number;
  for (++i; IsDigit(at(i)); ++i) ++number.fraction;
  if (number.fraction == 0 || ((at(i) == '.' || at(i) == ',') && IsDigit(at(i + 1)))) return std::nullopt;
  number.end = i;
  while (at(i) == ' ') ++i;
  const auto direction = MatchDirection(text, i);
  number.degrees = at(i) == kDegree || (direction && (direction->word || at(i) < 'a'));
  return number;
}

// Whether the comma at this number is a decimal one. `before`: what was found right before it.
bool IsDecimalComma(std::string_view text, std::size_t begin, const Event* before) {
  const auto number = CommaNumberAt(text, begin);
  if (!number) return false;
  if (number->degrees) return true;
  if (before != nullptr && before->is_label && begin - before->end <= 12) return number->fraction >= 2;
  // Two of a kind: "48,8584; 2,2945". With three digits each they may count something.
  std::size_t i = number->end;
  std::size_t separators = 0;
  while (i < text.size() && std::string_view(" \t\n;/|,").find(text[i]) != std::string_view::npos) {
    separators += text[i] == ' ' || text[i] == '\t' ? 0 : 1;
    ++i;
  }
  const bool apart = i > number->end && separators <= 1 && !(text[number->end] == ',' && i == number->end + 1);
  if (const auto next = apart ? CommaNumberAt(text, i) : std::nullopt) {
    return number->fraction >= 2 && next->fraction >= 2 && !(number->fraction == 3 && next->fraction == 3);
  }
  // The second of such a pair.
  return before != nullptr && !before->is_label && before->decimal_comma && begin - before->end <= 4 &&
         number->fraction >= 2;
}

std::vector<Event> Events(std::string_view text) {
  std::vector<Event> events;
  const std::vector<ListItem> items = ListItems(text);
  auto item = items.begin();
  for (std::size_t i = 0; i < text.size();) {
    while (item != items.end() && item->mark < i) ++item;
    const Event* before = events.empty() ? nullptr : &events.back();
    if (item != items.end() && item->mark == i && !(before != nullptr && before->is_label && i - before->end <= 8)) {
      i = item->text;  // its number counts the list
      continue;
    }
    const char c = text[i];
    Event event;
    event.begin = i;
    const bool word = IsWordByte(c);
    if (word) {
      if (const auto label = MatchLabel(text, i)) {
        event.is_label = true;
        event.label = *label;
        event.end = label->end;
      }
    }
    const bool word_start = word && (i == 0 || !IsWordByte(text[i - 1]));
    const bool may_begin = IsDigit(c) || c == '-' || c == '+' || c == '.' || word_start;
    if (!event.is_label && may_begin) {
      std::size_t digits = i;
      if (word) {  // "Nord 48,8584"
        while (digits < text.size() && digits - i < 24 && !IsDigit(text[digits]) && text[digits] != '-') ++digits;
      }
      event.decimal_comma = digits < text.size() && IsDecimalComma(text, digits, before);
      if (const auto angle = ParseAngle(text, i, {event.decimal_comma})) {
        event.angle = *angle;
        event.end = angle->end;
      }
    }
    if (event.end > i) {
      i = event.end;
      events.push_back(event);
    } else {
      ++i;
    }
  }
  return events;
}

// Every run of letters in `gap` is one of `words`; no digits; no other characters than blanks and `marks`.
template <std::size_t N>
bool OnlyOf(std::string_view gap, std::size_t max_length, const std::array<std::string_view, N>& words,
            std::string_view marks, std::size_t max_foreign = 12) {
  if (gap.size() > max_length) return false;
  std::size_t foreign = 0;  // bytes of other scripts: 为, 约, は
  for (std::size_t i = 0; i < gap.size();) {
    const char c = gap[i];
    if (IsAlpha(c)) {
      std::size_t end = i;
      while (end < gap.size() && IsAlpha(gap[end])) ++end;
      const std::string word = LowerCase(gap.substr(i, end - i));
      if (std::find(words.begin(), words.end(), std::string_view(word)) == words.end()) return false;
      i = end;
      // The point of an abbreviation.
      if (i < gap.size() && gap[i] == '.' && (word == "approx" || word == "ca" || word == "c" || word == "est")) ++i;
      continue;
    }
    if (static_cast<unsigned char>(c) >= 0x80) {
      if (++foreign > max_foreign) return false;
    } else if (!IsBlank(c) && c != kDegree && marks.find(c) == std::string_view::npos) {
      return false;
    }
    ++i;
  }
  return true;
}

constexpr std::array<std::string_view, 42> kValueWords{
    "order",       "format",        "circa",  "environ", "etwa",    "unos",       "is",    "of",        "the",
    "at",          "approximately", "approx", "about",   "around",  "roughly",    "would", "be",        "value",
    "degrees",     "degree",        "deg",    "in",      "decimal", "coordinate", "est",   "estimated", "to",
    "coordinates", "are",           "should", "likely",  "n",       "s",          "ca",    "c",         "es",
    "est",         "equals",        "dd",     "wgs",     "near",    "as"};
constexpr std::array<std::string_view, 14> kAndWords{"then", "followed", "and", "y",   "et",  "und", "e",
                                                     "by",   "og",       "i",   "och", "dan", "en",  "ve"};
// Between the two numbers of a pair, approximations too.
constexpr std::array<std::string_view, 20> kBetweenPair{
    "and",           "y",      "et",    "und",    "e",       "by", "og",    "i",      "och", "dan", "en", "ve",
    "approximately", "approx", "about", "around", "roughly", "ca", "circa", "environ"};

bool IsValueGap(std::string_view gap) { return OnlyOf(gap, 60, kValueWords, "\"'`:=~()[]*_\\,|->{}#/<"); }
bool IsLabelGap(std::string_view gap) { return OnlyOf(gap, 24, kAndWords, "/,;&|\"'`()*_-[]"); }
bool IsHeadingGap(std::string_view gap) { return OnlyOf(gap, 160, kValueWords, "\"'`:=~()[]*_\\,|->{}#/<"); }
bool IsPairGap(std::string_view gap) { return OnlyOf(gap, 28, kBetweenPair, ",;/|()[]*_`\"'&~", 3); }
// "48.9 (lat)", "48,9° de latitude"
bool IsSuffixGap(std::string_view gap) {
  static constexpr std::array<std::string_view, 5> kOfWords{"de", "of", "di", "do", "da"};
  return OnlyOf(gap, 5, kOfWords, " (");
}

struct Guess {
  PlaceOrReason found;
  std::size_t begin = 0;
  std::size_t end = 0;
};

Angle WithLabel(Angle angle, const TextLabel& label) {
  if (angle.hemisphere == 0) angle.hemisphere = label.hemisphere;
  return angle;
}

class Search {
 public:
  explicit Search(std::string_view text) : text_(text), events_(Events(text)) {}

  ParsedAnswer Run() {
    FindWellKnownText();
    if (guesses_.empty()) FindLabelled();
    if (!guesses_.empty()) return Choose();
    const bool only_one = seen_lat_ != seen_lon_;
    if (only_one) return Failure(seen_lat_ ? "latitude without longitude" : "longitude without latitude");
    FindPairs();
    return Choose();
  }

 private:
  std::string_view Gap(std::size_t k) const {  // between event k and the next
    return text_.substr(events_[k].end, events_[k + 1].begin - events_[k].end);
  }
  bool Label(std::size_t k) const { return k < events_.size() && events_[k].is_label; }
  bool Number(std::size_t k) const { return k < events_.size() && !events_[k].is_label; }

  static ParsedAnswer Failure(std::string reason) {
    ParsedAnswer answer;
    answer.reason = std::move(reason);
    return answer;
  }

  void Add(const Event& first, const Event& second, Angle lat, Angle lon) {
    for (Angle* angle : {&lat, &lon}) {
      if (angle->hemisphere == kEastOrWest) angle->hemisphere = angle->value < 0 ? 'W' : MeaningOfO(text_);
    }
    guesses_.push_back(
        {PlaceFromAngles(lat, lon), std::min(first.begin, second.begin), std::max(first.end, second.end)});
  }

  void FindWellKnownText() {
    for (std::size_t i = 0; i < text_.size();) {
      const char c = text_[i];
      const auto point = c == 'p' || c == 'P' || c == 'm' || c == 'M' ? MatchWktPoint(text_, i) : std::nullopt;
      if (point) guesses_.push_back({point->found, point->begin, point->end});
      i = point ? point->end : i + 1;
    }
  }

  void FindLabelled() {
    const Event* lat = nullptr;  // waiting for its longitude
    const Event* lon = nullptr;
    TextLabel lat_label, lon_label;
    for (std::size_t k = 0; k < events_.size();) {
      // 48.9 (lat), 2.3 (lon)
      if (Number(k) && Label(k + 1) && Number(k + 2) && Label(k + 3) && IsSuffixGap(Gap(k)) &&
          IsSuffixGap(Gap(k + 2)) && Gap(k + 1).find_first_of(":=") == std::string_view::npos &&
          events_[k + 1].label.latitude != events_[k + 3].label.latitude) {
        const bool order = events_[k + 1].label.latitude;
        const Angle first = WithLabel(events_[k].angle, events_[k + 1].label);
        const Angle second = WithLabel(events_[k + 2].angle, events_[k + 3].label);
        Add(events_[k], events_[k + 3], order ? first : second, order ? second : first);
        k += 4;
        continue;
      }
      if (!Label(k)) {
        ++k;
        continue;
      }
      const TextLabel& label = events_[k].label;
      // lat/lon: 48.9, 2.3
      if (Label(k + 1) && Number(k + 2) && Number(k + 3) && label.latitude != events_[k + 1].label.latitude &&
          IsLabelGap(Gap(k)) && IsHeadingGap(Gap(k + 1)) && IsPairGap(Gap(k + 2))) {
        const std::size_t y = label.latitude ? k + 2 : k + 3;
        const std::size_t x = label.latitude ? k + 3 : k + 2;
        Add(events_[k], events_[k + 3], events_[y].angle, events_[x].angle);
        k += 4;
        lat = lon = nullptr;
        continue;
      }
      if (Number(k + 1) && IsValueGap(Gap(k)) && !(label.axis && !events_[k + 1].angle.decimal)) {
        if (label.latitude) {
          lat = &events_[k + 1];
          lat_label = label;
          seen_lat_ = true;
        } else {
          lon = &events_[k + 1];
          lon_label = label;
          seen_lon_ = true;
        }
        if (lat != nullptr && lon != nullptr) {
          const Event& first = lat->begin < lon->begin ? *lat : *lon;
          const Event& second = lat->begin < lon->begin ? *lon : *lat;
          if (second.begin - first.end <= 400) {
            Add(first, second, WithLabel(lat->angle, lat_label), WithLabel(lon->angle, lon_label));
            lat = lon = nullptr;
          } else {
            (lat == &first ? lat : lon) = nullptr;
          }
        }
        k += 2;
        continue;
      }
      ++k;
    }
  }

  // "Scores: 0.92, 0.85", "bounding box 48.1, 2.1, 49.0, 3.0"
  bool CountsSomethingElse(std::size_t k) const {
    const std::size_t previous = k == 0 ? 0 : events_[k - 1].end;
    const std::size_t begin = events_[k].begin;
    const std::size_t from = std::max(previous, begin - std::min<std::size_t>(begin, 24));
    static constexpr std::array<std::string_view, 10> kOthers{
        "score", "confidence", "version", "probabilit", "zoom", "aperture", "bounding", "bbox", "bounds", "extent"};
    const std::string lead = LowerCase(text_.substr(from, begin - from));
    return ContainsAny(lead, kOthers) || IsCounted(lead) || MeasuresSomethingElse(k);
  }

  // "Rated 4.5, 5.0", "Chapter 3.1, 4.2", "f/2.8": the very word before the number. ("The intersection at" is none.)
  static bool IsCounted(std::string_view lead) {  // lower case
    const std::size_t end = lead.find_last_not_of(" :(");
    if (end == std::string_view::npos) return false;
    std::size_t begin = end;
    while (begin > 0 && !IsBlank(lead[begin - 1])) --begin;
    static constexpr std::array<std::string_view, 6> kWords{"rated", "rating", "chapter", "section", "figure", "f/"};
    return std::find(kWords.begin(), kWords.end(), lead.substr(begin, end + 1 - begin)) != kWords.end();
  }

  // "4.5/5.0 stars", "4.0 by 3.0 inches": the unit behind the second number is none of coordinates.
  bool MeasuresSomethingElse(std::size_t k) const {
    if (!Number(k + 1) || !IsPairGap(Gap(k))) return false;
    static constexpr std::array<std::string_view, 20> kUnits{
        "stars", "star",  "inches", "inch", "cm",      "mm",     "km", "m",  "metres", "meters",
        "metre", "meter", "feet",   "ft",   "percent", "pixels", "px", "kg", "hours",  "years"};
    std::size_t i = events_[k + 1].end;
    while (i < text_.size() && IsBlank(text_[i])) ++i;
    std::size_t end = i;
    while (end < text_.size() && IsWordByte(text_[end])) ++end;
    const std::string word = LowerCase(text_.substr(i, end - i));
    return std::find(kUnits.begin(), kUnits.end(), std::string_view(word)) != kUnits.end();
  }

  // Two numbers in running text are seldom a place: they must look like coordinates.
  bool LooksLikePair(std::size_t k) const {
    const Angle& a = events_[k].angle;
    const Angle& b = events_[k + 1].angle;
    if ((a.hemisphere != 0 && b.hemisphere != 0) || (a.degrees && b.degrees)) return true;
    if (a.decimal && b.decimal) return true;
    const auto blank = [](char c) {
      return IsBlank(c) || c == '(' || c == ')' || c == '[' || c == ']' || c == '`' || c == '*' || c == '.' || c == '"';
    };
    const std::string_view before = text_.substr(0, events_[k].begin);
    const std::string_view after = text_.substr(events_[k + 1].end);
    const bool whole =
        std::all_of(before.begin(), before.end(), blank) && std::all_of(after.begin(), after.end(), blank);
    if (whole) return true;
    static constexpr std::array<std::string_view, 9> kCues{"coordinate", "location", "answer",   "gps", "position",
                                                           "坐标",       "guess",    "estimate", "geo:"};
    return ContainsAny(LowerCase(before.substr(before.size() - std::min<std::size_t>(before.size(), 40))), kCues);
  }

  // A direction in a language that is not known must not be left out: the other half of the Earth is far.
  bool UnknownDirection(std::size_t k) const {
    const Angle& angle = events_[k].angle;
    if (angle.hemisphere != 0 || !angle.degrees) return false;
    std::size_t i = events_[k].end;
    while (i < text_.size() && text_[i] == ' ') ++i;
    std::size_t end = i;
    while (end < text_.size() && IsWordByte(text_[end])) ++end;
    if (end == i) return false;
    static constexpr std::array<std::string_view, 22> kOthers{
        "in", "at", "near", "is",   "and", "or",   "with", "which", "the", "for", "on",
        "of", "as", "from", "that", "to",  "this", "a",    "y",     "et",  "und", "i"};
    const std::string word = LowerCase(text_.substr(i, end - i));
    return std::find(kOthers.begin(), kOthers.end(), std::string_view(word)) == kOthers.end();
  }

  void AddPair(std::size_t k) {
    const Event& first = events_[k];
    const Event& second = events_[k + 1];
    if (first.angle.hemisphere != 0 && UnknownDirection(k + 1)) {
      guesses_.push_back({{std::nullopt, "a direction that is not understood"}, first.begin, second.end});
    } else if (SaidOrder(text_, first.begin, second.end) == PairOrder::kLonLat) {
      Add(first, second, second.angle, first.angle);
    } else {
      Add(first, second, first.angle, second.angle);
    }
  }

  void FindPairs() {
    const std::size_t refusal = RefusalEnd(text_);
    bool refused = false;
    if (refusal != std::string_view::npos) {
      static constexpr std::array<std::string_view, 14> kStill{
          "best guess", "estimate", "guess",  "however",  "but ",        "nonetheless", "still",
          "approximat", "answer",   "likely", "probably", "if i had to", "based on",    "speculat"};
      refused = !ContainsAny(LowerCase(text_.substr(refusal)), kStill);
    }
    if (refused) return;
    for (std::size_t k = 0; k + 1 < events_.size();) {
      if (Number(k) && CountsSomethingElse(k)) {  // and all numbers that go on from it
        for (++k; Number(k) && IsPairGap(Gap(k - 1));) ++k;
        continue;
      }
      const bool after_refusal = refusal == std::string_view::npos || events_[k].begin >= refusal;
      if (after_refusal && Number(k) && Number(k + 1) && IsPairGap(Gap(k)) && LooksLikePair(k)) {
        AddPair(k);
        k += 2;
      } else {
        ++k;
      }
    }
  }

  // An object that never closes and ends in a number may have lost digits.
  bool CutOff(const Guess& guess) const {
    if (guess.end != text_.size()) return false;
    std::int64_t open = 0;
    for (const char c : text_) open += c == '{' ? 1 : c == '}' ? -1 : 0;
    return open > 0;
  }

  ParsedAnswer Choose() {
    if (guesses_.empty()) return Failure("no coordinates");
    ParsedAnswer answer;
    std::vector<GuessSpan> spans;
    std::vector<LatLon> places;
    for (Guess& guess : guesses_) {
      if (CutOff(guess)) guess.found = {std::nullopt, "cut off in the middle of a number"};
      if (guess.found.place) {
        spans.push_back({guess.begin, guess.end});
        places.push_back(*guess.found.place);
      } else {
        answer.reason = guess.found.reason;
      }
    }
    if (places.empty()) return answer;
    const std::size_t meant = MeantGuess(text_, spans);
    answer.reason.clear();
    answer.location = places[meant];
    places.erase(places.begin() + static_cast<std::ptrdiff_t>(meant));
    answer.alternatives = std::move(places);
    return answer;
  }

  std::string_view text_;
  std::vector<Event> events_;
  std::vector<Guess> guesses_;
  bool seen_lat_ = false;
  bool seen_lon_ = false;
};

}  // namespace

std::size_t RefusalEnd(std::string_view text) {
  static constexpr std::array<std::string_view, 40> kPhrases{"can't determine",
                                                             "cannot determine",
                                                             "can not determine",
                                                             "unable to determine",
                                                             "can't identify",
                                                             "cannot identify",
                                                             "unable to identify",
                                                             "can't provide",
                                                             "cannot provide",
                                                             "unable to provide",
                                                             "not able to provide",
                                                             "not able to determine",
                                                             "can't assist",
                                                             "cannot assist",
                                                             "unable to assist",
                                                             "can't help",
                                                             "cannot help",
                                                             "unable to help",
                                                             "can't locate",
                                                             "cannot locate",
                                                             "unable to locate",
                                                             "can't pinpoint",
                                                             "cannot pinpoint",
                                                             "won't be able to",
                                                             "cannot be determined",
                                                             "impossible to determine",
                                                             "not possible to determine",
                                                             "i can't tell",
                                                             "i cannot tell",
                                                             "not able to identify",
                                                             "cannot comply",
                                                             "can't comply",
                                                             "no puedo",
                                                             "je ne peux pas",
                                                             "kann nicht",
                                                             "無法",
                                                             "无法",
                                                             "できません",
                                                             "할 수 없",
                                                             "не могу"};
  const std::string lower = LowerCase(text);
  std::size_t last = std::string_view::npos;
  for (const auto phrase : kPhrases) {
    for (std::size_t at = lower.find(phrase); at != std::string::npos; at = lower.find(phrase, at + 1)) {
      const std::size_t end = at + phrase.size();
      // "cannot determine the exact spot" goes on to answer.
      const std::string_view rest = std::string_view(lower).substr(end, 40);
      static constexpr std::array<std::string_view, 5> kOnlyModest{"exact", "precise", "certain", "sure", "definitive"};
      if (ContainsAny(rest, kOnlyModest)) continue;
      if (last == std::string_view::npos || end > last) last = end;
    }
  }
  return last;
}

ParsedAnswer FindInText(std::string_view text) {
  const TextWithoutAreas without = WithoutAreas(text);
  ParsedAnswer answer = Search(without.text).Run();
  if (!answer.location && !without.reason.empty()) answer.reason = without.reason;
  return answer;
}

}  // namespace dualgeo
