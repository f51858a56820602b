// A file or an id that is there under another name. Tables travel between machines and programs, and what they call a
// photo comes to differ from what is on the disk, or in another table, by
//
//   \ for /, a leading ./        another system's paths, absolute ones too
//   folders                      one too many or too few at the front
//   upper and lower case
//   the extension                .JPG, .jpeg or .png for .jpg, none; "123.0" for a number that a table made of 123
//   Unicode form                 é as one character (NFC) or as e and an accent (NFD): it looks the same
//   _ for /                      as the two releases of MP-16 differ
//
// Nothing is renamed silently: an error says which name is there, or what makes two tables' ids match.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dualgeo {

// Ways in which a wanted name and one that is there differ.
struct NameDifferences {
  bool separators = false;   // \ for /, a leading ./
  bool unicode = false;      // composed or decomposed
  bool letter_case = false;  // upper and lower
  bool extension = false;
  bool number = false;  // 123.0 for 123
  bool underscores = false;
  bool folders = false;

  bool operator==(const NameDifferences&) const = default;
};

// The least that must be overlooked for the two to be one name; nothing when they are two.
std::optional<NameDifferences> CompareNames(std::string_view wanted, std::string_view there);

// Names to look among.
class OtherNames {
 public:
  explicit OtherNames(std::vector<std::string> names);

  struct Match {
    std::string name;
    NameDifferences differences;
    bool unique = true;  // no other name is as near
  };
  // The nearest name; nothing when there is none.
  std::optional<Match> Find(std::string_view wanted) const;

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_key_;
};

// "; city/a.jpg is there", to stand behind "photos/city\\a.jpg: no such file"; empty when no name is near.
std::string NameThatIsThere(const OtherNames& there, std::string_view wanted);

// "3 of 3 match without their folders", of ids that a table lacks; empty when no two of them match in the same way (or
// the only one does not).
std::string WhatMakesThemMatch(const std::vector<std::string>& wanted, const std::vector<std::string>& there);

}  // namespace dualgeo
