#include "answer_symbols.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

bool IsSpaceByte(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct Replacement {
  std::string_view from;
  std::string_view to;
};

constexpr std::string_view kDegreeText{"\x01", 1};

constexpr Replacement kSymbols[] = {
    {"\u2212", "-"},         {"\u2013", "-"},         {"\u2014", "-"},         {"\u2010", "-"},
    {"\u2011", "-"},         {"\uff0d", "-"},         {"\u00b0", kDegreeText}, {"\u00ba", kDegreeText},
    {"\u02da", kDegreeText}, {"\u1d52", kDegreeText}, {"\u2070", kDegreeText}, {"\u5ea6", kDegreeText},
    {"\ub3c4", kDegreeText}, {"\u2032", "'"},         {"\u2019", "'"},         {"\u2018", "'"},
    {"\u02b9", "'"},         {"\u00b4", "'"},         {"\u5206", "'"},         {"\ubd84", "'"},
    {"\u2033", "\""},        {"\u201c", "\""},        {"\u201d", "\""},        {"\u02ba", "\""},
    {"\u79d2", "\""},        {"\ucd08", "\""},        {"\u00a0", " "},         {"\u2009", " "},
    {"\u202f", " "},         {"\u2007", " "},         {"\u3000", " "},         {"\u200b", ""},
    {"\u200e", ""},          {"\u200f", ""},          {"\u202a", ""},          {"\u202b", ""},
    {"\u202c", ""},          {"\u2060", ""},          {"\ufeff", ""},          {"\uff0c", ","},
    {"\u3001", ","},         {"\u060c", ","},         {"\uff1a", ":"},         {"\uff08", "("},
    {"\uff09", ")"},         {"\uff3b", "["},         {"\uff3d", "]"},         {"\u3010", "["},
    {"\u3011", "]"},         {"\uff1b", ";"},         {"\u061b", ";"},         {"\u2248", "~"},
    {"\u223c", "~"},         {"\u2243", "~"},         {"\u2245", "~"},         {"\uff5e", "~"},
    {"\u3002", ". "},        {"\uff0e", "."},         {"\u066b", "."},         {"\u00d7", "x"},
    {"\u2116", "#"},         {"\u20e3", ") "},        {"\ufe0f", ""},
};

// First digit zero of the scripts whose digits stand for ASCII's.
constexpr std::array<std::uint32_t, 6> kZeros{0xff10, 0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50};

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 1;  // 1 for a byte that is no UTF-8
};

CodePoint Decode(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = (lead >> 5) == 6 ? 2 : (lead >> 4) == 14 ? 3 : (lead >> 3) == 30 ? 4 : 1;
  if (length == 1 || length > text.size()) return {0, 1};
  std::uint32_t value = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte >> 6) != 2) return {0, 1};
    value = value << 6 | (byte & 63U);
  }
  return {value, length};
}

void Encode(std::uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 63));
  } else {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 63));
    out += static_cast<char>(0x80 | (c & 63));
  }
}

// Latin, Greek and Cyrillic capitals.
std::uint32_t LowerCodePoint(std::uint32_t c) {
  if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f)) return c + 32;
  if (c == 0x130) return 'i';
  if (c >= 0x400 && c <= 0x40f) return c + 80;
  if (c >= 0x388 && c <= 0x38a) return c + 37;
  if (c == 0x386) return 0x3ac;
  if (c == 0x38c) return 0x3cc;
  const bool capitals_odd = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);
  if (capitals_odd) return c % 2 == 1 ? c + 1 : c;
  if ((c >= 0x100 && c <= 0x177) || (c >= 0x1e00 && c <= 0x1eff)) return c % 2 == 0 ? c + 1 : c;
  return c;
}

// ---- LaTeX and HTML ----------------------------------------------------------------------------------------------

// What a command shows; commands that only dress their argument show nothing themselves.
constexpr Replacement kCommands[] = {
    {"circ", "\u00b0"},
    {"degree", "\u00b0"},
    {"degrees", "\u00b0"},
    {"textdegree", "\u00b0"},
    {"deg", "\u00b0"},
    {"prime", "'"},
    {"approx", "~"},
    {"sim", "~"},
    {"simeq", "~"},
    {"thickapprox", "~"},
    {"pm", "\u00b1"},
    {"quad", " "},
    {"qquad", " "},
    {"thinspace", " "},
    {"enspace", " "},
    {"space", " "},
    {"times", "x"},
    {"cdot", "x"},
    {"lambda", "\u03bb"},
    {"phi", "\u03c6"},
    {"varphi", "\u03c6"},
    {"text", ""},
    {"textrm", ""},
    {"textbf", ""},
    {"textit", ""},
    {"textsf", ""},
    {"textnormal", ""},
    {"mathrm", ""},
    {"mathbf", ""},
    {"mathit", ""},
    {"mathsf", ""},
    {"mathord", ""},
    {"operatorname", ""},
    {"boldsymbol", ""},
    {"mbox", ""},
    {"rm", ""},
    {"bf", ""},
    {"it", ""},
    {"emph", ""},
    {"ensuremath", ""},
    {"ang", ""},
    {"num", ""},
    {"si", ""},
    {"SI", ""},
    {"qty", ""},
    {"unit", ""},
    {"boxed", ""},
    {"left", ""},
    {"right", ""},
    {"big", ""},
    {"bigl", ""},
    {"bigr", ""},
    {"displaystyle", ""},
};

constexpr Replacement kEntities[] = {
    {"&deg;", "\u00b0"}, {"&#176;", "\u00b0"}, {"&#xb0;", "\u00b0"}, {"&#xB0;", "\u00b0"}, {"&nbsp;", " "},
    {"&#160;", " "},     {"&prime;", "'"},     {"&#39;", "'"},       {"&apos;", "'"},      {"&#8242;", "'"},
    {"&Prime;", "\""},   {"&quot;", "\""},     {"&#34;", "\""},      {"&#8243;", "\""},    {"&minus;", "-"},
    {"&#8722;", "-"},    {"&asymp;", "~"},     {"&lt;", "<"},        {"&gt;", ">"},
};

class Markup {
 public:
  explicit Markup(std::string_view text) : text_(text) {}

  std::string Plain() {
    out_.reserve(text_.size());
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\') {
        Backslash();
      } else if (c == '^') {
        Raised();
      } else if (c == '$') {
        Dollar();
      } else if (c == '{') {
        Open(IsGroup());
      } else if (c == '}') {
        Close();
      } else if (c == '&') {
        Entity();
      } else {
        out_ += c;
        ++at_;
      }
    }
    return std::move(out_);
  }

 private:
  char Peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void Backslash() {
    const std::size_t begin = at_;
    while (Peek() == '\\' && at_ - begin < 8) ++at_;
    const char next = Peek();
    if (IsAlpha(next)) {
      Command(begin);
    } else if (next != '\0' && std::string_view(",;:! ()[]").find(next) != std::string_view::npos) {
      out_ += ' ';  // spaces, and the brackets of formulas
      ++at_;
    } else if (next != '\0' && std::string_view("{}$%#_&").find(next) != std::string_view::npos) {
      out_ += next == '{' ? '(' : next == '}' ? ')' : next;
      ++at_;
    } else if (at_ - begin >= 2 && IsSpaceByte(next)) {
      out_ += '\n';  // the end of a line of a formula
    } else {
      out_ += text_.substr(begin, at_ - begin);
    }
  }

  // `begin`: of the backslashes; at_ stands on the name.
  void Command(std::size_t begin) {
    std::size_t end = at_;
    while (end < text_.size() && IsAlpha(text_[end])) ++end;
    const std::string_view name = text_.substr(at_, end - at_);
    for (const auto& command : kCommands) {
      if (name != command.from) continue;
      out_ += command.to;
      at_ = end;
      // A blank ends a command's name and is not shown.
      if (Peek() == ' ' && !command.to.empty() && command.to != " ") ++at_;
      if (Peek() == '{') Open(true);
      return;
    }
    if (name == "u" && at_ + 5 <= text_.size()) {
      std::uint32_t value = 0;
      bool hexadecimal = true;
      for (const char c : text_.substr(at_ + 1, 4)) {
        const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        hexadecimal = hexadecimal && (IsDigit(c) || letter);
        value = value * 16 + static_cast<std::uint32_t>(IsDigit(c) ? c - '0' : (c | 32) - 'a' + 10);
      }
      if (hexadecimal && value >= 0x20 && (value < 0xd800 || value > 0xdfff)) {
        Encode(value, out_);
        at_ += 5;
        return;
      }
    }
    if (name[0] == 'n' || name[0] == 't' || name[0] == 'r') {  // an escaped end of line
      out_ += name[0] == 't' ? ' ' : '\n';
      ++at_;
      return;
    }
    out_ += text_.substr(begin, at_ - begin);
  }

  // ^\circ, ^{\circ}, ^o, ^{\prime}
  void Raised() {
    std::size_t i = 1;
    while (Peek(i) == ' ' || Peek(i) == '{') ++i;
    const char next = Peek(i);
    const bool ring = next == 'o' && !IsAlpha(Peek(i + 1));
    const bool sign = next == '\'' || static_cast<unsigned char>(next) >= 0x80;
    const bool command = next == '\\' && IsAlpha(Peek(i + 1)) && Peek(i + 1) != 'n';
    if (!ring && !sign && !command && !(next == '\\' && Peek(i + 1) == '\\')) {
      out_ += '^';
      ++at_;
      return;
    }
    ++at_;
    while (Peek() == ' ' || Peek() == '{') {
      if (Peek() == '{') {
        Open(true);
      } else {
        ++at_;
      }
    }
    if (ring) {
      out_ += "\u00b0";
      ++at_;
    }
  }

  // $...$ and $$...$$ around formulas; a dollar sign before a price is none.
  void Dollar() {
    if (Peek(1) == '$') {
      out_ += ' ';
      at_ += 2;
      return;
    }
    const auto closes = [&](std::size_t i) {
      return text_[i] == '$' && !IsSpaceByte(text_[i - 1]) && !(i + 1 < text_.size() && IsDigit(text_[i + 1]));
    };
    bool drop = false;
    if (formula_) {
      drop = at_ > 0 && closes(at_);
      if (drop) formula_ = false;
    } else if (!IsSpaceByte(Peek(1))) {
      const std::size_t line = std::min({text_.find('\n', at_), text_.size(), at_ + 200});
      for (std::size_t i = at_ + 2; i < line && !drop; ++i) drop = closes(i);
      formula_ = drop;
    }
    if (!drop) out_ += '$';
    ++at_;
  }

  // A brace of LaTeX, not of JSON: {}, {\circ}, {48.8584}^
  bool IsGroup() const {
    if (Peek(1) == '}') return true;
    if (Peek(1) == '\\') return IsAlpha(Peek(2)) && Peek(2) != 'n' && Peek(2) != 't' && Peek(2) != 'r';
    std::size_t i = 1;
    while (IsDigit(Peek(i)) || Peek(i) == '.' || Peek(i) == '-' || Peek(i) == ',') ++i;
    return i > 1 && Peek(i) == '}' && (Peek(i + 1) == '^' || Peek(i + 1) == '{' || Peek(i + 1) == '\\');
  }

  void Open(bool group) {
    if (!group) out_ += '{';
    groups_.push_back(group);
    ++at_;
  }

  void Close() {
    const bool group = !groups_.empty() && groups_.back();
    if (!groups_.empty()) groups_.pop_back();
    if (!group) out_ += '}';
    ++at_;
  }

  void Entity() {
    for (const auto& entity : kEntities) {
      if (text_.substr(at_, entity.from.size()) != entity.from) continue;
      out_ += entity.to;
      at_ += entity.from.size();
      return;
    }
    out_ += '&';
    ++at_;
  }

  std::string_view text_;
  std::string out_;
  std::size_t at_ = 0;
  std::vector<bool> groups_;  // open braces: of LaTeX?
  bool formula_ = false;      // between dollar signs
};

// Behind a plus-minus sign, blanks and a number with its degree sign; 0 when no number follows.
std::size_t UncertaintyAt(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() && text[i] == ' ') ++i;
  const std::size_t number = i;
  while (i < text.size() && (IsDigit(text[i]) || (text[i] == '.' && i + 1 < text.size() && IsDigit(text[i + 1])))) {
    ++i;
  }
  if (i == number) return 0;
  if (text.substr(i, 2) == "\u00b0") i += 2;
  return i;
}

}  // namespace

std::string NormalizeSymbols(std::string_view raw) {
  const std::string text =
      raw.find_first_of("\\^$&") == std::string_view::npos ? std::string(raw) : Markup(raw).Plain();
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = std::string_view(text).substr(i);
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == 1) {  // the byte that is about to mean a degree sign
      out += ' ';
      ++i;
      continue;
    }
    const std::size_t plus_minus = rest.starts_with("\u00b1") ? 2 : rest.starts_with("+/-") ? 3 : 0;
    if (const std::size_t skip = plus_minus > 0 ? UncertaintyAt(rest.substr(plus_minus)) : 0; skip > 0) {
      i += plus_minus + skip;
      continue;
    }
    if (c < 0x80) {
      // LaTeX's blank that does not break.
      const bool blank = c == '~' && !out.empty() && (IsDigit(out.back()) || out.back() == kDegree) &&
                         rest.size() > 1 && IsAlpha(rest[1]);
      out += blank ? ' ' : text[i];
      ++i;
      continue;
    }
    const auto symbol = std::find_if(std::begin(kSymbols), std::end(kSymbols), [&](const Replacement& candidate) {
      if (!rest.starts_with(candidate.from)) return false;
      // 度, 分, 秒 are units behind a number, and part of a word elsewhere (纬度).
      const bool unit = candidate.from == "\u5ea6" || candidate.from == "\u5206" || candidate.from == "\u79d2" ||
                        candidate.from == "\ub3c4" || candidate.from == "\ubd84" || candidate.from == "\ucd08";
      return !unit || (!out.empty() && (IsDigit(out.back()) || out.back() == ' '));
    });
    if (symbol != std::end(kSymbols)) {
      out += symbol->to;
      i += symbol->from.size();
      continue;
    }
    const CodePoint point = Decode(rest);
    const auto zero = std::find_if(kZeros.begin(), kZeros.end(), [&](std::uint32_t first) {
      return point.value >= first && point.value < first + 10;
    });
    if (point.length > 1 && zero != kZeros.end()) {
      out += static_cast<char>('0' + (point.value - *zero));
    } else if (point.value >= 0x2460 && point.value <= 0x2473) {  // (1) to (20) in circles
      out += "(" + std::to_string(point.value - 0x2460 + 1) + ") ";
    } else if (point.length == 2 || point.length == 3) {
      Encode(LowerCodePoint(point.value), out);
    } else {
      out += rest.substr(0, point.length);
    }
    i += point.length;
  }
  return out;
}

}  // namespace dualgeo
