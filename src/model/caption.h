// Captions of photos from templates: "A photo taken in {city}, {region}, {country}." and a row of a table.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace dualgeo {

// One sentence with columns in braces.
class CaptionSentence {
 public:
  // key: of the option, for messages. Throws InputError for braces that do not match, and for a sentence without a
  // column.
  CaptionSentence(const std::string& sentence, const std::string& key);

  // In their order, each as often as it stands there.
  const std::vector<std::string>& columns() const { return columns_; }

  // value: of a column, in one photo's row; empty: there is none, and the column is left out with the comma behind it,
  // or before it where it is the last that is left. Empty when all values are.
  std::string Of(const std::function<std::string(const std::string& column)>& value) const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::string> texts_;  // before each column, and behind the last
};

}  // namespace dualgeo
