// Small text helpers shared by error messages and parsers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dualgeo {

// The known word nearest to `word` (edit distance, at most about a third of its length), for "did you mean ...?".
std::optional<std::string> Nearest(std::string_view word, const std::vector<std::string>& known);

// ASCII alone, whatever the locale.
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string LowerCase(std::string_view text);

// "a, b, c"
std::string Join(const std::vector<std::string>& words, std::string_view separator = ", ");

// The whole of `text` as a finite or infinite number, blanks at the ends allowed; nothing when it is not one.
// Locale-independent.
std::optional<double> ParseDouble(std::string_view text);
std::optional<long long> ParseInteger(std::string_view text);

// Shortest text that reads back as the same double; never in a locale's way.
std::string FormatDouble(double value);

// A file's text in one line of a message: control characters and bytes that are not printable ASCII or UTF-8 escaped,
// at most max_length characters.
std::string Printable(std::string_view text, std::size_t max_length = 80);

}  // namespace dualgeo
