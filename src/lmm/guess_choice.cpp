#include "guess_choice.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

constexpr std::size_t kLead = 100;  // bytes before a guess that speak of it

bool IsGapByte(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

template <std::size_t N>
bool HoldsAny(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

struct Mark {
  char style = 0;  // 1: numbers, a: letters, i: Roman, w: words
  int number = 0;
  ListItem item;
};

// "One:", "first:", "2nd:" at the word's end: the number it counts.
int CountOf(std::string_view word) {  // lower case
  static constexpr std::array<std::string_view, 4> kWords{"one", "two", "three", "four"};
  static constexpr std::array<std::string_view, 4> kOrdinals{"first", "second", "third", "fourth"};
  static constexpr std::array<std::string_view, 4> kShort{"1st", "2nd", "3rd", "4th"};
  for (const auto& words : {kWords, kOrdinals, kShort}) {
    const auto found = std::find(words.begin(), words.end(), word);
    if (found != words.end()) return static_cast<int>(found - words.begin()) + 1;
  }
  return 0;
}

// At the beginning of a line, or behind one of `marks`.
bool StartsLineOr(std::string_view marks, std::string_view text, std::size_t begin) {
  while (begin > 0 && std::string_view(" \t*#>_|").find(text[begin - 1]) != std::string_view::npos) --begin;
  return begin == 0 || text[begin - 1] == '\n' || marks.find(text[begin - 1]) != std::string_view::npos;
}

// "| 1 | 48.86 | 2.29 |", "1 - 48.86, 2.29": a number in a row's first cell, or before a dash.
bool IsRowNumber(std::string_view text, std::size_t begin, std::size_t end) {
  std::size_t before = begin;
  while (before > 0 && text[before - 1] == ' ') --before;
  const bool cell = before > 0 && text[before - 1] == '|';
  const std::size_t next = text.find_first_not_of(' ', end);
  if (next == std::string_view::npos) return false;
  if (cell) return text[next] == '|';
  return text[next] == '-' && next + 1 < text.size() && text[next + 1] == ' ';
}

// "1." "1)" "(1)" "[1]" "#1" "1:" "**1.**" "a)" "(a)" "ii."; a blank behind it.
std::optional<Mark> MarkAt(std::string_view text, std::size_t begin) {
  const auto at = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
  const char before = begin == 0 ? '\n' : text[begin - 1];
  if (!IsGapByte(before) && std::string_view(";,:.*_|-(>").find(before) == std::string_view::npos) return std::nullopt;
  std::size_t i = begin;
  const char open = at(i) == '(' || at(i) == '[' || at(i) == '#' ? at(i) : '\0';
  if (open != '\0') ++i;
  Mark mark;
  std::size_t end = i;
  while (IsAlpha(at(end)) || IsDigit(at(end))) ++end;
  // "Step one:" counts no guesses.
  const bool heads = end - i <= 6 && at(end) == ':' && StartsLineOr(";,.", text, begin);
  if (const int count = heads ? CountOf(LowerCase(text.substr(i, end - i))) : 0; count > 0) {
    return Mark{'w', count, {count, begin, end + 1}};
  }
  end = i;
  if (IsDigit(at(i))) {
    while (IsDigit(at(end))) ++end;
    if (end - i > 2) return std::nullopt;
    mark.style = '1';
    for (; i < end; ++i) mark.number = mark.number * 10 + (text[i] - '0');
  } else {
    while (IsAlpha(at(end))) ++end;
    const std::string word = LowerCase(text.substr(i, std::min<std::size_t>(end - i, 4)));
    static constexpr std::array<std::string_view, 5> kRoman{"i", "ii", "iii", "iv", "v"};
    const auto roman = std::find(kRoman.begin(), kRoman.end(), std::string_view(word));
    if (word.size() == 1 && word[0] >= 'a' && word[0] <= 'd') {
      mark.style = 'a';
      mark.number = word[0] - 'a' + 1;
    } else if (roman != kRoman.end()) {
      mark.style = 'i';
      mark.number = static_cast<int>(roman - kRoman.begin()) + 1;
    } else {
      return std::nullopt;
    }
    i = end;
  }
  const char close = at(i);
  const bool closed = (open == '(' && close == ')') || (open == '[' && close == ']');
  if (open == '(' || open == '[') {
    if (!closed) return std::nullopt;
    ++i;
  } else if (open == '#') {
    if (close == ':' || close == '.' || close == ')') ++i;
  } else if (!(mark.style == '1' && close == ' ' && StartsLineOr(";", text, begin) && IsRowNumber(text, begin, i))) {
    if (close != '.' && close != ')' && close != ':') return std::nullopt;
    // "(48, 2) is" holds no list; "48.85" no item.
    if (close == ')') {
      const std::string_view line = text.substr(0, begin);
      const std::size_t opened = line.find_last_of("()\n");
      if (opened != std::string_view::npos && line[opened] == '(') return std::nullopt;
    }
    ++i;
  }
  while (at(i) == '*' || at(i) == '_') ++i;
  if (!IsGapByte(at(i)) && !(closed && at(i) != '\0' && !IsDigit(at(i)))) return std::nullopt;
  mark.item = {mark.number, begin, i};
  return mark;
}

bool HasHedge(std::string_view lead) {  // lower case
  static constexpr std::array<std::string_view, 26> kHedges{
      "alternativ",       "second",     "otherwise",     "less likely",     "runner-up",   "another possib",
      "other possib",     "could also", "might also",    "backup",          "or possibly", "third",
      "or perhaps",       "or maybe",   "also consider", "other candidate", "rather than", "instead of",
      "ruled out",        "rule out",   "as opposed to", "initially",       "at first",    "first thought",
      "first considered", "unlike "};
  if (HoldsAny(lead, kHedges)) return true;
  const std::size_t end = lead.find_last_not_of(" \n\t(*`");
  const std::string_view trimmed = lead.substr(0, end == std::string_view::npos ? 0 : end + 1);
  return trimmed.ends_with(" not") || trimmed == "not" || trimmed.ends_with(" not at") ||
         trimmed.ends_with(", not the");
}

// "... (45.76, 4.84) is less likely"
bool HasHedgeBehind(std::string_view behind) {  // lower case
  static constexpr std::array<std::string_view, 9> kHedges{"less likely",   "alternativ", "another possib",
                                                           "also possible", "unlikely",   "runner-up",
                                                           "second choice", "backup",     "ruled out"};
  return HoldsAny(behind, kHedges);
}

bool NamesFinal(std::string_view lead) {  // lower case
  static constexpr std::array<std::string_view, 12> kFinal{"final",   "conclusion", "conclude",  "therefore",
                                                           "overall", "i choose",   "i pick",    "i go with",
                                                           "i'd go",  "my answer",  "answer is", "best guess"};
  return HoldsAny(lead, kFinal);
}

// "Guess 2:", "option b", "rank 3", "top-2"
bool IsLaterChoice(const std::string& lead) {
  for (const std::string_view word : {"guess", "option", "location", "place", "possibility", "choice", "prediction",
                                      "candidate", "rank", "top", "hypothesis", "answer"}) {
    for (std::size_t at = lead.find(word); at != std::string::npos; at = lead.find(word, at + 1)) {
      std::size_t i = at + word.size();
      while (i < lead.size() && (lead[i] == ' ' || lead[i] == '#' || lead[i] == '-')) ++i;
      if (i >= lead.size()) continue;
      const char after = i + 1 < lead.size() ? lead[i + 1] : '\0';
      const bool ends = !IsAlpha(after) && !IsDigit(after);
      if (ends && ((lead[i] >= '2' && lead[i] <= '9') || (lead[i] >= 'b' && lead[i] <= 'd' && i > at + word.size()))) {
        return true;
      }
    }
  }
  return false;
}

class Choice {
 public:
  Choice(std::string_view text, const std::vector<GuessSpan>& guesses)
      : text_(text), guesses_(guesses), items_(ListItems(text)), item_of_(guesses.size(), 0) {
    for (std::size_t g = 0; g < guesses.size(); ++g) item_of_[g] = ItemOf(g);
  }

  std::size_t Meant() const {
    if (const auto named = NamedAtTheEnd()) return *named;
    std::size_t last_final = guesses_.size(), last_proper = guesses_.size();
    for (std::size_t g = 0; g < guesses_.size(); ++g) {
      const std::string lead = Lead(g);
      const bool hedged = HasHedge(lead) || HasHedgeBehind(Behind(g));
      if (!hedged && lead.find("final") != std::string::npos) last_final = g;
      const bool named = !hedged && NamesFinal(lead);
      const bool alternative = hedged || (!named && (IsLaterChoice(lead) || item_of_[g] > 1));
      if (!alternative) last_proper = g;
    }
    if (last_final < guesses_.size()) return last_final;
    if (last_proper < guesses_.size()) return last_proper;
    return 0;  // of mere alternatives the first
  }

 private:
  // What leads up to the guess, in lower case.
  std::string Lead(std::size_t g) const {
    const std::size_t previous = g == 0 ? 0 : guesses_[g - 1].end;
    const std::size_t begin = guesses_[g].begin;
    return LowerCase(text_.substr(std::max(previous, begin - std::min(begin, kLead)),
                                  begin - std::max(previous, begin - std::min(begin, kLead))));
  }

  // The rest of the guess's clause, in lower case.
  std::string Behind(std::size_t g) const {
    const std::size_t begin = guesses_[g].end;
    const std::size_t next = g + 1 < guesses_.size() ? guesses_[g + 1].begin : text_.size();
    const std::size_t clause = std::min(text_.find_first_of(".;\n", begin), text_.size());
    return LowerCase(text_.substr(begin, std::min({next, clause, begin + 60}) - begin));
  }

  // Number of the list's item that holds the guess; 0: none.
  int ItemOf(std::size_t g) const {
    const std::size_t previous = g == 0 ? 0 : guesses_[g - 1].end;
    const ListItem* item = nullptr;
    for (const auto& candidate : items_) {
      if (candidate.mark <= guesses_[g].begin) item = &candidate;
    }
    if (item != nullptr && item->mark >= previous) return item->number;
    const bool same_line = text_.substr(previous, guesses_[g].begin - previous).find('\n') == std::string_view::npos;
    if (item != nullptr && same_line && g > 0) return item_of_[g - 1];
    // "2. Lyon: ..." on a line of its own, of a list that does not begin with 1.
    std::size_t line = guesses_[g].begin;
    while (line > 0 && text_[line - 1] != '\n' && guesses_[g].begin - line < 200) --line;
    while (line < guesses_[g].begin && (IsGapByte(text_[line]) || text_[line] == '*' || text_[line] == '#')) ++line;
    const auto mark = MarkAt(text_, line);
    return mark && mark->style == '1' && mark->item.mark >= previous && mark->item.text <= guesses_[g].begin
               ? mark->number
               : 0;
  }

  // "Final answer: 2", "I choose option (b)", "The second is right", "Final answer: New York", behind all guesses.
  std::optional<std::size_t> NamedAtTheEnd() const {
    if (items_.size() < 2) return std::nullopt;
    const std::string tail = LowerCase(text_.substr(guesses_.back().end));
    std::size_t at = std::string::npos, length = 0;
    for (const std::string_view cue :
         {"final answer", "final choice",   "final guess", "final:",          "my answer",    "answer:",
          "i choose",     "i pick",         "i go with",   "i would go with", "i'd go with",  "i select",
          "my choice",    "best guess",     "conclusion:", "most likely is",  "most likely:", "best match is",
          "best match:",  "best candidate", "best option"}) {
      const std::size_t found = tail.rfind(cue);
      if (found != std::string::npos && (at == std::string::npos || found > at)) {
        at = found;
        length = cue.size();
      }
    }
    if (at == std::string::npos) return std::nullopt;
    std::string phrase = tail.substr(at + length, tail.find_first_of(".\n;!", at + length) - at - length);
    static constexpr std::array<std::string_view, 14> kFillers{"is",   "option", "candidate", "number",   "no",
                                                               "item", "choice", "guess",     "location", "place",
                                                               "the",  "would",  "be",        "one"};
    // The words that matter.
    std::vector<std::string> words(1);
    for (const char c : phrase) {
      if (IsAlpha(c) || IsDigit(c) || static_cast<unsigned char>(c) >= 0x80) {
        words.back() += c;
      } else if (!words.back().empty()) {
        words.emplace_back();
      }
    }
    std::erase_if(words, [&](const std::string& word) {
      return word.empty() || std::find(kFillers.begin(), kFillers.end(), std::string_view(word)) != kFillers.end();
    });
    if (words.empty()) return std::nullopt;
    if (const int number = NumberOf(words.front()); number > 0) {
      const auto found = std::find(item_of_.begin(), item_of_.end(), number);
      return found == item_of_.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - item_of_.begin()));
    }
    if (const auto named = ItemThatNames(words)) return named;
    return ItemThatNames({words.front()});  // "Paris, France" of "2. Paris"
  }

  static int NumberOf(const std::string& word) {
    static constexpr std::array<std::string_view, 4> kOrdinals{"first", "second", "third", "fourth"};
    const auto ordinal = std::find(kOrdinals.begin(), kOrdinals.end(), std::string_view(word));
    if (ordinal != kOrdinals.end()) return static_cast<int>(ordinal - kOrdinals.begin()) + 1;
    if (word.size() <= 2 && std::all_of(word.begin(), word.end(), IsDigit)) return std::stoi(word);
    return word.size() == 1 && word[0] >= 'a' && word[0] <= 'd' ? word[0] - 'a' + 1 : 0;
  }

  // The only item in whose text all these words stand.
  std::optional<std::size_t> ItemThatNames(const std::vector<std::string>& words) const {
    std::optional<std::size_t> named;
    for (std::size_t k = 0; k < items_.size(); ++k) {
      const std::size_t end = k + 1 < items_.size() ? items_[k + 1].mark : guesses_.back().end;
      const std::string item = LowerCase(text_.substr(items_[k].text, std::max(end, items_[k].text) - items_[k].text));
      // The last item's text goes on behind its coordinates: "(New York)".
      const std::size_t line = text_.find('\n', guesses_.back().end);
      const std::string more =
          k + 1 < items_.size()
              ? ""
              : LowerCase(text_.substr(guesses_.back().end, std::min<std::size_t>(line - guesses_.back().end, 40)));
      const bool all = std::all_of(words.begin(), words.end(), [&](const std::string& word) {
        return item.find(word) != std::string::npos ||
               more.substr(0, more.find("final")).find(word) != std::string::npos;
      });
      if (!all) continue;
      if (named) return std::nullopt;
      const auto found = std::find(item_of_.begin(), item_of_.end(), items_[k].number);
      if (found == item_of_.end()) return std::nullopt;
      named = static_cast<std::size_t>(found - item_of_.begin());
    }
    return named;
  }

  std::string_view text_;
  const std::vector<GuessSpan>& guesses_;
  std::vector<ListItem> items_;
  std::vector<int> item_of_;
};

}  // namespace

std::vector<ListItem> ListItems(std::string_view text) {
  std::vector<ListItem> items;
  std::array<int, 4> last{};  // of each style
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto mark = MarkAt(text, i);
    if (!mark) continue;
    int& number = last[std::string_view("1aiw").find(mark->style)];
    if (mark->number != 1 && mark->number != number + 1) continue;
    number = mark->number;
    items.push_back(mark->item);
    i = mark->item.text - 1;
  }
  return items;
}

std::size_t MeantGuess(std::string_view text, const std::vector<GuessSpan>& guesses) {
  return guesses.size() == 1 ? 0 : Choice(text, guesses).Meant();
}

}  // namespace dualgeo
