#include "model/caption.h"

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

CaptionSentence::CaptionSentence(const std::string& sentence, const std::string& key) {
  const auto refuse = [&](const std::string& what) {
    return InputError(key + ": \"" + Printable(sentence, 200) + "\" " + what);
  };
  std::size_t at = 0;
  for (std::size_t open; (open = sentence.find_first_of("{}", at)) != std::string::npos;) {
    const std::size_t close = sentence.find_first_of("{}", open + 1);
    if (sentence[open] == '}' || close == std::string::npos || sentence[close] == '{') {
      throw refuse("has a brace without its other half; a column is written {city}");
    }
    if (close == open + 1) throw refuse("has braces without a column's name");
    texts_.push_back(sentence.substr(at, open - at));
    columns_.push_back(sentence.substr(open + 1, close - open - 1));
    at = close + 1;
  }
  if (columns_.empty()) throw refuse("names no column of the photo table, so it would be the same for all photos");
  texts_.push_back(sentence.substr(at));
}

std::string CaptionSentence::Of(const std::function<std::string(const std::string& column)>& value) const {
  std::string text = texts_.front();
  bool any = false;
  bool open = false;  // the last column was left out, and no comma behind it
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::string own = value(columns_[i]);
    std::string behind = texts_[i + 1];
    if (!own.empty()) {
      text += own;
      any = true;
      open = false;
    } else if (behind.starts_with(", ")) {
      behind.erase(0, 2);
    } else {
      open = true;
    }
    if (open && text.ends_with(", ")) text.resize(text.size() - 2);
    text += behind;
  }
  return any ? text : "";
}

}  // namespace dualgeo
