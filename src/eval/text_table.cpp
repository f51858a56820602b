#include "eval/text_table.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

std::size_t Width(const std::string& text) {  // code points
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

std::string Latex(const std::string& plain) {
  std::string text;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const char c = plain[i];
    if (plain.compare(i, 2, "\u00b1") == 0) {  // plus or minus
      text += "$\\pm$";
      ++i;
      continue;
    }
    if (std::string_view("&%$#_{}").find(c) != std::string_view::npos) text += '\\';
    if (c == '\\') {
      text += "\\textbackslash{}";
    } else if (c == '~' || c == '^') {
      text += std::string("\\") + c + "{}";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string MarkdownTable(TextTable table) {
  for (auto& row : table.rows) {
    for (auto& cell : row) {
      std::string escaped;
      for (const char c : cell) escaped += c == '|' ? "\\|" : std::string(1, c == '\n' || c == '\r' ? ' ' : c);
      cell = escaped;
    }
  }
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    std::size_t width = std::max<std::size_t>(3, Width(table.header[i]));
    for (const auto& row : table.rows) width = std::max(width, Width(row[i]));
    widths.push_back(width);
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string padding(widths[i] - Width(cells[i]), ' ');
      text += " " + (i < table.text_columns ? cells[i] + padding : padding + cells[i]) + " |";
    }
    return text + "\n";
  };
  std::string text = line(table.header) + "|";
  for (std::size_t i = 0; i < widths.size(); ++i) {
    text += i < table.text_columns ? " " + std::string(widths[i], '-') + " |"
                                   : " " + std::string(widths[i] - 1, '-') + ": |";
  }
  text += "\n";
  for (const auto& row : table.rows) text += line(row);
  return text;
}

std::string LatexTable(const TextTable& table) {
  std::string text = "\\begin{tabular}{" + std::string(table.text_columns, 'l') +
                     std::string(table.header.size() - table.text_columns, 'r') + "}\n\\toprule\n";
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string row;
    for (const auto& cell : cells) row += (row.empty() ? "" : " & ") + (cell.empty() ? "{}" : Latex(cell));
    return row + " \\\\\n";
  };
  text += line(table.header) + "\\midrule\n";
  for (const auto& row : table.rows) text += line(row);
  return text + "\\bottomrule\n\\end{tabular}\n";
}

std::string RenderTable(const TextTable& table, TableFormat format) {
  return format == TableFormat::kLatex ? LatexTable(table) : MarkdownTable(table);
}

std::string Fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

const std::vector<std::string>& TableFormatNames() {
  static const std::vector<std::string> names = {"markdown", "latex", "csv", "json"};
  return names;
}

TableFormat ParseTableFormat(const std::string& name) {
  return static_cast<TableFormat>(FindName(TableFormatNames(), name, "format"));
}

}  // namespace dualgeo
