// HTML from parts, each of which is escaped where it enters. No template engine: the sections are loops and conditions
// over data that lie in memory, which would have to be made JSON first, and be told apart from markup in every
// template.
#pragma once

#include <string>
#include <vector>

namespace dualgeo {

// Text as content or as a quoted attribute's value. Control characters and bytes that are not UTF-8 become visible
// escapes; beyond max_length characters it ends in "...".
std::string EscapeHtml(const std::string& text, std::size_t max_length = 200);

// The same, line by line and without an end.
std::string EscapeLines(const std::string& text);

// "12.3", "-0.0" as "0.0".
std::string Decimals(double value, int decimals);
// A distance for people: "0.021 km", "3.4 km", "812 km".
std::string Kilometres(double km);
// "12.3 [10.1, 14.2]"
std::string WithCi(double value, double low, double high, int decimals);

struct HtmlTable {
  std::string caption;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // text; the first cell heads the row; after "\n": small
  std::size_t text_columns = 1;                // the first so many are words, the rest numbers
};

// <table> with caption and scopes in a region that scrolls by itself when it is wider than the page, and that the
// keyboard reaches.
std::string TableHtml(const HtmlTable& table);

// <details>: closed until asked for.
std::string DetailsHtml(const std::string& summary, const std::string& html);

// The line that stands for a section without its inputs.
std::string AbsentHtml(const std::string& text);

std::string ParagraphHtml(const std::string& text, const std::string& css_class = "");

}  // namespace dualgeo
