#include "util/path_list.h"

#include <glob.h>

#include <algorithm>
#include <system_error>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMostPaths = 100'000;

bool IsThere(const std::string& path) {
  std::error_code code;
  return fs::exists(fs::symlink_status(path, code));
}

// Parts between commas that stand in no braces.
std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '{' ? 1 : c == '}' && depth > 0 ? -1 : 0;
    if (c == ',' && depth == 0) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// What stands in a pair of braces; nothing when it is no pattern.
std::vector<std::string> Alternatives(const std::string& inside, const std::string& text) {
  const auto dots = inside.find("..");
  if (dots == std::string::npos) {
    auto words = SplitAtCommas(inside);
    return words.size() > 1 ? words : std::vector<std::string>();
  }
  const std::string from = inside.substr(0, dots), to = inside.substr(dots + 2);
  const auto is_number = [](const std::string& number) {
    return !number.empty() && number.size() <= 12 && std::ranges::all_of(number, IsDigit);
  };
  if (!is_number(from) || !is_number(to)) return {};
  const auto first = *ParseInteger(from), last = *ParseInteger(to);
  if (last < first) throw InputError(Printable(text, 300) + ": {" + inside + "} counts down");
  if (last - first >= static_cast<long long>(kMostPaths)) {
    throw InputError(Printable(text, 300) + ": {" + inside + "} names more than 100,000 files");
  }
  std::vector<std::string> numbers;
  for (auto number = first; number <= last; ++number) {
    std::string digits = std::to_string(number);
    // A leading zero asks for one width.
    if (from.size() == to.size() && digits.size() < from.size()) digits.insert(0, from.size() - digits.size(), '0');
    numbers.push_back(std::move(digits));
  }
  return numbers;
}

void ExpandBraces(const std::string& text, std::size_t from, std::vector<std::string>& out) {
  for (auto open = text.find('{', from); open != std::string::npos; open = text.find('{', open + 1)) {
    const auto close = text.find('}', open);
    if (close == std::string::npos) break;
    const auto words = Alternatives(text.substr(open + 1, close - open - 1), text);
    for (const auto& word : words) {
      ExpandBraces(text.substr(0, open) + word + text.substr(close + 1), open + word.size(), out);
      if (out.size() > kMostPaths) throw InputError(Printable(text, 300) + ": names more than 100,000 files");
    }
    if (!words.empty()) return;
  }
  out.push_back(text);
}

std::vector<std::string> Matches(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos || IsThere(pattern)) return {pattern};
  glob_t found = {};
  const int result = glob(pattern.c_str(), 0, nullptr, &found);  // sorted
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  if (result != 0 || paths.empty()) throw InputError(Printable(pattern, 300) + ": no file has such a name");
  std::ranges::sort(paths);  // by bytes, in every locale
  return paths;
}

}  // namespace

std::vector<fs::path> PathsOf(const std::string& text) {
  if (IsThere(text)) return {text};
  std::vector<fs::path> paths;
  for (const std::string& part : SplitAtCommas(text)) {
    const auto begin = part.find_first_not_of(" \t");
    if (begin == std::string::npos) continue;
    const std::string trimmed = part.substr(begin, part.find_last_not_of(" \t") + 1 - begin);
    std::vector<std::string> patterns;
    IsThere(trimmed) ? patterns.push_back(trimmed) : ExpandBraces(trimmed, 0, patterns);
    for (const auto& pattern : patterns) std::ranges::move(Matches(pattern), std::back_inserter(paths));
  }
  if (paths.empty()) paths.emplace_back(text);
  return paths;
}

std::string CanonicalPaths(const std::string& text) {
  if (text.empty()) return text;
  std::string canonical;
  for (const auto& path : PathsOf(text)) {
    if (!canonical.empty()) canonical += ',';
    canonical += fs::weakly_canonical(path).string();
  }
  return canonical;
}

}  // namespace dualgeo
