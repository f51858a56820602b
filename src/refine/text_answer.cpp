#include "text_answer.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "angle.h"
#include "coordinate_labels.h"
#include "dualgeo/util/text.h"
#include "place_from_angles.h"

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
  std::size_t begin = 0;
  std::size_t end = 0;
};

std::vector<Event> Events(std::string_view text) {
  std::vector<Event> events;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    Event event;
    event.begin = i;
    if (IsAlpha(c) || static_cast<unsigned char>(c) >= 0x80) {
      if (const auto label = MatchLabel(text, i)) {
        event.is_label = true;
        event.label = *label;
        event.end = label->end;
      }
    }
    const bool may_begin = IsDigit(c) || c == '-' || c == '+' || c == '.' || c == 'N' || c == 'S' || c == 'E' ||
                           c == 'W' || c == 'n' || c == 's' || c == 'e' || c == 'w';
    if (!event.is_label && may_begin) {
      // "48,8584" is one number only where a label stands right before it.
      const bool labelled = !events.empty() && events.back().is_label && i - events.back().end <= 8;
      AngleRules rules;
      if (labelled) {
        std::size_t j = i;
        while (j < text.size() && !IsDigit(text[j]) && text[j] != ',') ++j;
        while (j < text.size() && IsDigit(text[j])) ++j;
        std::size_t fraction = 0;
        if (j < text.size() && text[j] == ',') {
          while (j + 1 + fraction < text.size() && IsDigit(text[j + 1 + fraction])) ++fraction;
          const char next = j + 1 + fraction < text.size() ? text[j + 1 + fraction] : '\0';
          rules.decimal_comma = fraction >= 2 && next != '.';
        }
      }
      if (const auto angle = ParseAngle(text, i, rules)) {
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
            std::string_view marks) {
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
      if (++foreign > 12) return false;
    } else if (!IsBlank(c) && c != kDegree && marks.find(c) == std::string_view::npos) {
      return false;
    }
    ++i;
  }
  return true;
}

constexpr std::array<std::string_view, 36> kValueWords{
    "is",    "of",        "the",   "at",          "approximately", "approx", "about",  "around",  "roughly",
    "would", "be",        "value", "degrees",     "degree",        "deg",    "in",     "decimal", "coordinate",
    "est",   "estimated", "to",    "coordinates", "are",           "should", "likely", "n",       "s",
    "ca",    "c",         "es",    "est",         "equals",        "dd",     "wgs",    "near",    "as"};
constexpr std::array<std::string_view, 8> kAndWords{"and", "y", "et", "und", "e", "by", "og", "i"};

bool IsValueGap(std::string_view gap) { return OnlyOf(gap, 60, kValueWords, "\"'`:=~()[]*_\\,|->{}#/<"); }
bool IsLabelGap(std::string_view gap) { return OnlyOf(gap, 24, kAndWords, "/,&|\"'`()*_-[]"); }
bool IsHeadingGap(std::string_view gap) { return OnlyOf(gap, 160, kValueWords, "\"'`:=~()[]*_\\,|->{}#/<"); }
bool IsPairGap(std::string_view gap) { return OnlyOf(gap, 16, kAndWords, ",;/|()[]*_`\"'&"); }
bool IsSuffixGap(std::string_view gap) {
  return gap.size() <= 3 && std::all_of(gap.begin(), gap.end(), [](char c) { return c == ' ' || c == '('; });
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
    FindLabelled();
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

  void Add(const Event& first, const Event& second, const Angle& lat, const Angle& lon) {
    guesses_.push_back(
        {PlaceFromAngles(lat, lon), std::min(first.begin, second.begin), std::max(first.end, second.end)});
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
        Add(events_[k], events_[k + 3], events_[order ? k : k + 2].angle, events_[order ? k + 2 : k].angle);
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
      if (Number(k + 1) && IsValueGap(Gap(k))) {
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
      const bool after_refusal = refusal == std::string_view::npos || events_[k].begin >= refusal;
      if (after_refusal && Number(k) && Number(k + 1) && IsPairGap(Gap(k)) && LooksLikePair(k)) {
        Add(events_[k], events_[k + 1], events_[k].angle, events_[k + 1].angle);
        k += 2;
      } else {
        ++k;
      }
    }
  }

  // Whether what leads up to guess g calls it a second choice.
  bool IsAlternative(std::size_t g) const {
    const Guess& guess = guesses_[g];
    const std::size_t previous = g == 0 ? 0 : guesses_[g - 1].end;
    const std::size_t from = std::max(previous, guess.begin - std::min<std::size_t>(guess.begin, 100));
    const std::string lead = LowerCase(text_.substr(from, guess.begin - from));
    static constexpr std::array<std::string_view, 16> kHedges{
        "alternativ",   "second",     "otherwise",     "less likely",    "runner-up",   "another possib",
        "other possib", "could also", "might also",    "backup",         "or possibly", "third",
        "or perhaps",   "or maybe",   "also consider", "other candidate"};
    if (ContainsAny(lead, kHedges)) return true;
    for (const std::string_view word :
         {"guess", "option", "location", "place", "possibility", "choice", "prediction"}) {
      for (std::size_t at = lead.find(word); at != std::string::npos; at = lead.find(word, at + 1)) {
        std::size_t i = at + word.size();
        while (i < lead.size() && (lead[i] == ' ' || lead[i] == '#')) ++i;
        if (i < lead.size() && lead[i] >= '2' && lead[i] <= '9') return true;
      }
    }
    // "2. 45.7, 4.8" or "3) Lyon: ...", an item of a list.
    std::size_t line = guess.begin;
    while (line > 0 && text_[line - 1] != '\n' && guess.begin - line < 200) --line;
    while (line < guess.begin && (IsBlank(text_[line]) || text_[line] == '*' || text_[line] == '#')) ++line;
    std::size_t number = line;
    while (number < guess.begin && IsDigit(text_[number])) ++number;
    const bool item = number > line && number - line <= 2 && number < text_.size() &&
                      (text_[number] == '.' || text_[number] == ')' || text_[number] == ':') &&
                      !(number + 1 < text_.size() && IsDigit(text_[number + 1]));
    return item && text_.substr(line, number - line) != "1";
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
    std::size_t chosen = guesses_.size();
    bool chosen_alternative = false;
    for (std::size_t g = 0; g < guesses_.size(); ++g) {
      if (CutOff(guesses_[g])) guesses_[g].found = {std::nullopt, "cut off in the middle of a number"};
      if (!guesses_[g].found.place) {
        answer.reason = guesses_[g].found.reason;
        continue;
      }
      const bool alternative = IsAlternative(g);
      // The last proper one; of mere alternatives the first.
      if (chosen == guesses_.size() || !alternative) {
        if (chosen != guesses_.size() && alternative && chosen_alternative) continue;
        chosen = g;
        chosen_alternative = alternative;
      }
    }
    if (chosen == guesses_.size()) return answer;
    answer.reason.clear();
    answer.location = guesses_[chosen].found.place;
    for (std::size_t g = 0; g < guesses_.size(); ++g) {
      if (g != chosen && guesses_[g].found.place) answer.alternatives.push_back(*guesses_[g].found.place);
    }
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

ParsedAnswer FindInText(std::string_view text) { return Search(text).Run(); }

}  // namespace dualgeo
