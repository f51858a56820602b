#include "html_entities.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

constexpr std::string_view kEntityTable =
#include "html_entity_table.inc"
    ;

// What 128 to 159 mean in Windows-1252, in which old pages count.
constexpr std::array<std::int32_t, 32> kWindows1252 = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                                       0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                                       0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                                       0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

constexpr std::int32_t kReplacement = 0xfffd;

void AppendUtf8(std::string& text, std::int32_t code) {
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(code, bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

struct Entity {
  std::string text;
  bool without_semicolon = false;
};

const std::unordered_map<std::string_view, Entity>& Entities() {
  static const auto kEntities = [] {
    std::unordered_map<std::string_view, Entity> entities;
    std::string_view rest = kEntityTable;
    while (true) {
      const auto begin = rest.find_first_not_of(" \n");
      if (begin == std::string_view::npos) return entities;
      rest.remove_prefix(begin);
      const auto entry = rest.substr(0, rest.find_first_of(" \n"));
      rest.remove_prefix(entry.size());
      const auto sign = entry.find_first_of("=~");
      Entity entity{"", entry[sign] == '~'};
      const char* at = entry.data() + sign + 1;
      const char* const end = entry.data() + entry.size();
      while (at < end) {
        std::int32_t code = 0;
        at = std::from_chars(at, end, code, 16).ptr + 1;  // past a plus
        AppendUtf8(entity.text, code);
      }
      entities.emplace(entry.substr(0, sign), std::move(entity));
    }
  }();
  return kEntities;
}

bool IsHexDigit(char c) { return IsDigit(c) || (Lower(c) >= 'a' && Lower(c) <= 'f'); }

// Numbers that stand for no character.
bool IsNoCharacter(std::int64_t code) {
  return (code >= 0x1 && code <= 0x8) || code == 0xb || (code >= 0xe && code <= 0x1f) || code == 0x7f ||
         (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe;
}

// A reference at the front of a text that begins behind its `&`: how many bytes it has, and what it stands for.
struct Reference {
  std::size_t bytes = 0;
  std::string text;
};

std::optional<Reference> NumberAt(std::string_view text) {
  const bool hex = text.size() > 1 && Lower(text[1]) == 'x';
  std::size_t at = hex ? 2 : 1;
  const auto begin = at;
  std::int64_t code = 0;
  for (; at < text.size() && (hex ? IsHexDigit(text[at]) : IsDigit(text[at])); ++at) {
    const char digit = Lower(text[at]);
    code = std::min<std::int64_t>(code * (hex ? 16 : 10) + (IsDigit(digit) ? digit - '0' : digit - 'a' + 10), 0x110000);
  }
  if (at == begin) return std::nullopt;
  if (at < text.size() && text[at] == ';') ++at;
  Reference reference{at, ""};
  if (code == 0 || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) {
    AppendUtf8(reference.text, kReplacement);
  } else if (code >= 0x80 && code <= 0x9f) {
    AppendUtf8(reference.text, kWindows1252[static_cast<std::size_t>(code - 0x80)]);
  } else if (!IsNoCharacter(code)) {
    AppendUtf8(reference.text, static_cast<std::int32_t>(code));
  }
  return reference;
}

std::optional<Reference> NameAt(std::string_view text) {
  std::size_t end = 0;
  for (int characters = 0; end < text.size() && characters < 32; ++characters) {
    if (std::string_view("\t\n\f <&#;").find(text[end]) != std::string_view::npos) break;
    for (++end; end < text.size() && (static_cast<unsigned char>(text[end]) >> 6) == 2;) ++end;
  }
  const auto& entities = Entities();
  if (end < text.size() && text[end] == ';') {
    const auto found = entities.find(text.substr(0, end));
    if (found != entities.end()) return Reference{end + 1, found->second.text};
  }
  for (; end > 1; --end) {
    const auto found = entities.find(text.substr(0, end));
    if (found != entities.end() && found->second.without_semicolon) return Reference{end, found->second.text};
  }
  return std::nullopt;
}

}  // namespace

std::string UnescapeHtml(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (true) {
    const auto at = text.find('&');
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
    const bool number = text.starts_with('#');
    const auto reference = number ? NumberAt(text) : NameAt(text);
    if (reference) {
      out += reference->text;
      text.remove_prefix(reference->bytes);
    } else {
      out += '&';
    }
  }
}

}  // namespace dualgeo
