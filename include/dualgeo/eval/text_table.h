// A table of cells as Markdown or LaTeX, for every command that prints one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace dualgeo {

struct TextTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header
  std::size_t text_columns = 0;                // the first so many are words, the rest numbers
};

// Columns are padded, so that the table reads as well in a terminal as on a page.
std::string MarkdownTable(TextTable table);

// A tabular of the package booktabs; special characters are escaped.
std::string LatexTable(const TextTable& table);

}  // namespace dualgeo
