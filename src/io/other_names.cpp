#include "io/other_names.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <set>

#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

// Folders of many thousand photos named alike ("1.jpg" in each) are not compared one by one.
constexpr std::size_t kMostCompared = 32;
// Of a table of millions, some thousands tell as well as all.
constexpr std::size_t kMostLookedAt = 10'000;

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// As it is where it is not UTF-8.
std::string MapUtf8(std::string_view text, int options) {
  utf8proc_uint8_t* mapped = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &mapped, static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, std::free);
  if (size < 0) return std::string(text);
  return {reinterpret_cast<const char*>(mapped), static_cast<std::size_t>(size)};
}

std::string ComposedName(std::string text) {
  return IsAscii(text) ? text : MapUtf8(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
}

std::string FoldedName(std::string text) {
  if (!IsAscii(text)) return MapUtf8(text, UTF8PROC_STABLE | UTF8PROC_CASEFOLD);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string WithSlashes(std::string name) {
  std::replace(name.begin(), name.end(), '\\', '/');
  while (name.starts_with("./")) name.erase(0, 2);
  return name;
}

std::string WithoutPhotoExtension(std::string name) {
  static constexpr std::array<std::string_view, 15> kExtensions = {
      "jpg", "jpeg", "jpe", "jfif", "png", "webp", "tif", "tiff", "bmp", "gif", "heic", "heif", "avif", "jxl", "jp2"};
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0 || name[dot - 1] == '/') return name;
  const std::string extension = FoldedName(name.substr(dot + 1));
  if (std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end()) name.resize(dot);
  return name;
}

// "123.0", "12.00": what a table of floating-point numbers makes of an id.
std::string WithoutZeroDecimals(std::string name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == name.size()) return name;
  const auto is = [&](std::size_t begin, std::size_t end, std::string_view allowed) {
    return std::string_view(name).substr(begin, end - begin).find_first_not_of(allowed) == std::string_view::npos;
  };
  if (is(0, dot, "0123456789") && is(dot + 1, name.size(), "0")) name.resize(dot);
  return name;
}

// With what `overlooked` says made equal, but for folders and underscores.
std::string Loosened(std::string_view name, const NameDifferences& overlooked) {
  std::string text(name);
  if (overlooked.separators) text = WithSlashes(std::move(text));
  if (overlooked.unicode) text = ComposedName(std::move(text));
  if (overlooked.letter_case) text = FoldedName(std::move(text));
  if (overlooked.extension) text = WithoutPhotoExtension(std::move(text));
  if (overlooked.number) text = WithoutZeroDecimals(std::move(text));
  return text;
}

std::string FlatName(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

// The name, and what is behind each of its slashes.
std::vector<std::string_view> EndsOfName(std::string_view name) {
  std::vector<std::string_view> ends = {name};
  for (std::size_t i = 0; i + 1 < name.size(); ++i) {
    if (name[i] == '/') ends.push_back(name.substr(i + 1));
  }
  return ends;
}

bool AreOneName(std::string_view wanted, std::string_view there, const NameDifferences& overlooked) {
  const std::string a = Loosened(wanted, overlooked), b = Loosened(there, overlooked);
  if (a == b) return true;
  if (!overlooked.folders) return overlooked.underscores && FlatName(a) == FlatName(b);
  const auto ends_a = EndsOfName(a), ends_b = EndsOfName(b);
  if (!overlooked.underscores) return ends_a.back() == ends_b.back();
  for (const auto end_a : ends_a) {
    for (const auto end_b : ends_b) {
      if (FlatName(end_a) == FlatName(end_b)) return true;
    }
  }
  return false;
}

constexpr NameDifferences kEverything = {true, true, true, true, true, true, true};

// What names that differ in nothing but all that can be overlooked have in common.
std::string KeyOf(std::string_view loosened_end) { return FlatName(loosened_end); }

// Which of two names is nearer: spelling counts less than another extension, and that less than another folder.
int NameDistance(const NameDifferences& d) {
  return int{d.separators} + int{d.unicode} + int{d.letter_case} + int{d.number} + 2 * int{d.underscores} +
         4 * int{d.extension} + 8 * int{d.folders};
}

std::string InWords(const NameDifferences& differences) {
  std::vector<std::string> words;
  if (differences.separators) words.emplace_back("with / for \\ and without a leading ./");
  if (differences.unicode) words.emplace_back("in one Unicode form (composed, NFC)");
  if (differences.letter_case) words.emplace_back("in lower case");
  if (differences.extension) words.emplace_back("without their extensions");
  if (differences.number) words.emplace_back("without the .0");
  if (differences.underscores) words.emplace_back("with slashes for underscores (/ for _)");
  if (differences.folders) words.emplace_back("without their folders");
  return Join(words, " and ");
}

void Include(NameDifferences& sum, const NameDifferences& more) {
  sum.separators |= more.separators;
  sum.unicode |= more.unicode;
  sum.letter_case |= more.letter_case;
  sum.extension |= more.extension;
  sum.number |= more.number;
  sum.underscores |= more.underscores;
  sum.folders |= more.folders;
}

}  // namespace

std::optional<NameDifferences> CompareNames(std::string_view wanted, std::string_view there) {
  NameDifferences needed = kEverything;
  if (!AreOneName(wanted, there, needed)) return std::nullopt;
  for (bool NameDifferences::*difference :
       {&NameDifferences::folders, &NameDifferences::underscores, &NameDifferences::extension, &NameDifferences::number,
        &NameDifferences::unicode, &NameDifferences::letter_case, &NameDifferences::separators}) {
    needed.*difference = false;
    if (!AreOneName(wanted, there, needed)) needed.*difference = true;
  }
  return needed;
}

OtherNames::OtherNames(std::vector<std::string> names) : names_(std::move(names)) {
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const std::string loosened = Loosened(names_[i], kEverything);
    for (const auto end : EndsOfName(loosened)) {
      auto& alike = by_key_[KeyOf(end)];
      if (alike.size() < kMostCompared) alike.push_back(i);
    }
  }
}

std::optional<OtherNames::Match> OtherNames::Find(std::string_view wanted) const {
  const std::string loosened = Loosened(wanted, kEverything);
  for (const auto end : EndsOfName(loosened)) {
    const auto alike = by_key_.find(KeyOf(end));
    if (alike == by_key_.end()) continue;
    std::optional<Match> best;
    for (const std::size_t i : alike->second) {
      const auto differences = CompareNames(wanted, names_[i]);
      if (!differences || (best && NameDistance(*differences) > NameDistance(best->differences))) continue;
      const bool again = best && NameDistance(*differences) == NameDistance(best->differences);
      if (again) {
        best->unique = false;
      } else {
        best = Match{names_[i], *differences, true};
      }
    }
    if (best) return best;
  }
  return std::nullopt;
}

std::string NameThatIsThere(const OtherNames& there, std::string_view wanted) {
  const auto match = there.Find(wanted);
  if (!match) return "";
  std::string text = "; " + Printable(match->name, 200) + " is there";
  if (match->differences.unicode) text += ", its accents in another Unicode form";
  return text;
}

std::string WhatMakesThemMatch(const std::vector<std::string>& wanted, const std::vector<std::string>& there) {
  const OtherNames names(there);
  const std::size_t looked_at = std::min(wanted.size(), kMostLookedAt);
  std::set<std::string> matched;
  NameDifferences differences;
  for (std::size_t i = 0; i < looked_at; ++i) {
    const auto match = names.Find(wanted[i]);
    // Of two names for one, only one can be meant.
    if (!match || !match->unique || !matched.insert(match->name).second) continue;
    Include(differences, match->differences);
  }
  if (matched.empty() || differences == NameDifferences{}) return "";
  return std::to_string(matched.size()) + " of " + (looked_at < wanted.size() ? "the first " : "") +
         std::to_string(looked_at) + " match " + InWords(differences);
}

}  // namespace dualgeo
