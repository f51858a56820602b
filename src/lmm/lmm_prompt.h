// Prompts from a template file.
//
//   {{similar}}      the photo's first k similar candidates, one line each: "- 48.858400, 2.294500 (Paris, France)"
//   {{dissimilar}}   as many dissimilar ones
//   {{#similar}} ... {{/similar}}, {{#dissimilar}} ... {{/dissimilar}}   left out when there are none to show
// A tag that stands alone on its line takes the line with it. The names in brackets are there for candidates whose
// place is named (PromptPlaces).
#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "dualgeo/gallery/candidates.h"

namespace dualgeo {

// gallery_id to the place's name.
using PromptPlaces = std::unordered_map<std::string, std::string>;

// From a table with a column gallery_id (or IMG_ID) and a column place; a candidates file with such a column will do.
// Throws InputError.
PromptPlaces ReadPlaceNames(const std::filesystem::path& path);

class PromptTemplate {
 public:
  // The name of a built-in one (configs/prompts: geo; img2loc and g3 after the systems of that name, in our own words);
  // anything else is a file. Throws InputError, naming file and line, for unknown or unclosed tags and for a template
  // that is empty.
  static PromptTemplate Load(const std::string& name_or_path);
  static PromptTemplate Parse(const std::string& text, const std::string& name);

  static bool IsBuiltIn(const std::string& name);
  static std::vector<std::string> BuiltIns();

  // "geo", or the file's name without folder and extension.
  const std::string& name() const { return name_; }

  // The candidates that a prompt with `positives` similar candidates shows, and the text with them.
  struct Prompt {
    std::string text;
    int similar = 0;
    int dissimilar = 0;
  };
  Prompt Render(const CandidateList& list, int positives, bool negatives, const PromptPlaces& places = {}) const;

 private:
  enum class Kind { kText, kSimilar, kDissimilar };
  struct Piece {
    Kind kind = Kind::kText;
    std::string text;
    Kind section = Kind::kText;  // kText: always shown
  };
  std::string name_;
  std::vector<Piece> pieces_;
};

}  // namespace dualgeo
