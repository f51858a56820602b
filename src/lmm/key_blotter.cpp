#include "key_blotter.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "util/base64.h"

namespace dualgeo {
namespace {

constexpr std::size_t kShortestSecret = 4, kShortestBase64 = 8, kMostBackslashes = 32;

bool IsBase64(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/' || c == '-' || c == '_' || c == '=';
}

// Length of the number `value`, in the given base, at the front of `text`, leading zeros allowed; 0: another number.
std::size_t NumberAt(std::string_view text, unsigned value, unsigned base, std::size_t most_digits) {
  unsigned found = 0;
  std::size_t i = 0;
  for (; i < text.size() && i < most_digits; ++i) {
    const unsigned char c = static_cast<unsigned char>(std::tolower(static_cast<unsigned char>(text[i])));
    const unsigned digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10U : base;
    if (digit >= base) break;
    found = found * base + digit;
  }
  return i > 0 && found == value ? i : 0;
}

// &quot; &#34; &#x22;
std::size_t EntityAt(std::string_view text, char c) {
  static constexpr std::pair<char, std::string_view> kNames[] = {
      {'"', "&quot;"}, {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'\'', "&apos;"}};
  for (const auto& [named, entity] : kNames) {
    if (named == c && text.starts_with(entity)) return entity.size();
  }
  if (!text.starts_with("&#")) return 0;
  const bool hexadecimal = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
  const std::size_t begin = hexadecimal ? 3 : 2;
  const std::size_t digits = NumberAt(text.substr(begin), static_cast<unsigned char>(c), hexadecimal ? 16 : 10, 7);
  const std::size_t end = begin + digits;
  return digits > 0 && end < text.size() && text[end] == ';' ? end + 1 : 0;
}

// Length of `c` in any spelling at the front of `text`; 0: something else.
std::size_t CharacterAt(std::string_view text, char c) {
  if (text.empty()) return 0;
  if (text[0] == '%') {
    const std::size_t begin = text.starts_with("%25") && c != '%' ? 3 : 1;  // %2525 is %25 once more
    if (const std::size_t digits = NumberAt(text.substr(begin, 2), static_cast<unsigned char>(c), 16, 2); digits == 2) {
      return begin + digits;
    }
  }
  if (const std::size_t entity = EntityAt(text, c)) return entity;
  // \u003c, \x3c; with JSON within JSON each backslash is doubled.
  std::size_t slashes = 0;
  while (slashes < text.size() && slashes < kMostBackslashes && text[slashes] == '\\') ++slashes;
  if (slashes > 0 && slashes < text.size() && (text[slashes] == 'u' || text[slashes] == 'x')) {
    const std::size_t width = text[slashes] == 'u' ? 4 : 2;
    const std::size_t digits = NumberAt(text.substr(slashes + 1, width), static_cast<unsigned char>(c), 16, width);
    if (digits == width) return slashes + 1 + digits;
  }
  if (c == '\\') return slashes;
  return slashes < text.size() && text[slashes] == c ? slashes + 1 : 0;
}

std::string UrlAlphabet(std::string base64) {
  std::replace(base64.begin(), base64.end(), '+', '-');
  std::replace(base64.begin(), base64.end(), '/', '_');
  return base64;
}

}  // namespace

KeyBlotter::KeyBlotter(std::string key) : key_(std::move(key)) {
  if (key_.size() < kShortestSecret) key_.clear();
  for (std::size_t before = 0; before < 3 && !key_.empty(); ++before) {
    const std::string whole = Base64(std::string(before, 'x') + key_);
    // Six bits a character: those that hold bits of what stands before or behind are not the key's alone.
    const std::size_t first = (before * 8 + 5) / 6, last = (before + key_.size()) * 8 / 6;
    if (last < first + kShortestBase64) continue;
    base64_.push_back(whole.substr(first, last - first));
    if (std::string other = UrlAlphabet(base64_.back()); other != base64_.back()) base64_.push_back(std::move(other));
  }
  // Escaping multiplies backslashes, so a run of them is matched as one.
  key_.erase(std::unique(key_.begin(), key_.end(), [](char a, char b) { return a == '\\' && b == '\\'; }), key_.end());
}

std::size_t KeyBlotter::SpelledAt(std::string_view text) const {
  std::size_t at = 0;
  for (const char c : key_) {
    const std::size_t length = CharacterAt(text.substr(at), c);
    if (length == 0) return 0;
    at += length;
  }
  return at;
}

std::string KeyBlotter::Blot(std::string_view text) const {
  if (key_.empty()) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = SpelledAt(text.substr(i));
    out += length > 0 ? std::string_view("(key)") : text.substr(i, 1);
    i += std::max<std::size_t>(length, 1);
  }
  for (const std::string& encoded : base64_) {
    for (std::size_t at = 0; (at = out.find(encoded, at)) != std::string::npos;) {
      // The whole run: its edges hold the rest of the key.
      std::size_t begin = at, end = at + encoded.size();
      while (begin > 0 && at - begin < 512 && IsBase64(out[begin - 1])) --begin;
      while (end < out.size() && end - at < 4096 && IsBase64(out[end])) ++end;
      out.replace(begin, end - begin, "(key)");
      at = begin;
    }
  }
  return out;
}

}  // namespace dualgeo
