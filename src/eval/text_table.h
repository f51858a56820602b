// A table of cells as Markdown or LaTeX, for every command that prints one.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace dualgeo {

// What a command prints: a table for people, papers or spreadsheets, or JSON for programs.
enum class TableFormat { kMarkdown, kLatex, kCsv, kJson };

const std::vector<std::string>& TableFormatNames();
// Throws InputError naming what is allowed.
TableFormat ParseTableFormat(const std::string& name);

// A cell: "0.50", with so many decimals.
std::string Fixed(double value, int decimals);

struct TextTable {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header
  std::size_t text_columns = 0;                // the first so many are words, the rest numbers
};

// Columns are padded, so that the table reads as well in a terminal as on a page.
std::string MarkdownTable(TextTable table);

// A tabular of the package booktabs; special characters are escaped.
std::string LatexTable(const TextTable& table);

// LaTeX for kLatex, Markdown otherwise: CSV and JSON hold more than such a table does.
std::string RenderTable(const TextTable& table, TableFormat format);

}  // namespace dualgeo
