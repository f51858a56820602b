// Which of several guesses in one text is meant: the last, unless the text calls it an alternative, ranks them in a
// list (then the first), or names one as final.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace dualgeo {

// A place in the text, from its first byte to behind its last.
struct GuessSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Number of the list's items: 1, 2, 3 of "1. ...", "(a) ...", "#2", and where their texts begin.
struct ListItem {
  int number = 0;
  std::size_t mark = 0;  // first byte of the mark
  std::size_t text = 0;  // behind it
};

// Items of lists that begin with 1, a or i and go on without a gap, on lines of their own or within one line.
std::vector<ListItem> ListItems(std::string_view text);

// The index of the guess that is meant; `guesses` in order of the text, at least one. text: normalized or not.
std::size_t MeantGuess(std::string_view text, const std::vector<GuessSpan>& guesses);

}  // namespace dualgeo
