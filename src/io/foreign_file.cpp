#include "dualgeo/io/foreign_file.h"

#include <cctype>

namespace dualgeo {
namespace {

bool StartsWithIgnoringCase(std::string_view text, std::string_view lower_case_prefix) {
  if (text.size() < lower_case_prefix.size()) return false;
  for (std::size_t i = 0; i < lower_case_prefix.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(text[i])) != lower_case_prefix[i]) return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> DescribeForeignFile(std::string_view head) {
  if (head.substr(0, 3) == "\xEF\xBB\xBF") head.remove_prefix(3);
  if (StartsWithIgnoringCase(head, "version https://git-lfs.github.com/spec/")) {
    return "this is a git-LFS pointer, not weights: fetch the file itself with `git lfs pull`";
  }
  while (!head.empty() && std::isspace(static_cast<unsigned char>(head.front()))) head.remove_prefix(1);
  for (const std::string_view start : {"<!doctype html", "<html", "<head", "<?xml", "<body"}) {
    if (StartsWithIgnoringCase(head, start)) {
      return "this is a web page, not weights: the download gave an error or login page";
    }
  }
  return std::nullopt;
}

}  // namespace dualgeo
