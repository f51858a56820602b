// Long lists of words in the source, compactly.
#pragma once

#include <string_view>
#include <vector>

namespace dualgeo {

// "a|b|c" to a, b, c: views of `list`.
inline std::vector<std::string_view> Split(std::string_view list, char separator) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t end = list.find(separator);
    words.push_back(list.substr(0, end));
    if (end == std::string_view::npos) return words;
    list.remove_prefix(end + 1);
  }
}

}  // namespace dualgeo
