#include "html.h"

#include <cmath>
#include <sstream>

#include "dualgeo/util/text.h"
#include "eval/text_table.h"

namespace dualgeo {

std::string EscapeHtml(const std::string& text, std::size_t max_length) {
  std::string escaped;
  for (const char c : Printable(text, max_length)) {
    switch (c) {
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '&':
        escaped += "&amp;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string EscapeLines(const std::string& text) {
  std::string escaped;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) escaped += EscapeHtml(line, line.size()) + "\n";
  return escaped;
}

std::string Decimals(double value, int decimals) {
  std::string result = Fixed(value, decimals);
  if (result.find_first_not_of("-0.") == std::string::npos && result[0] == '-') result.erase(0, 1);
  return result;
}

std::string Kilometres(double km) { return Decimals(km, km < 1 ? 3 : km < 100 ? 1 : 0) + " km"; }

std::string WithCi(double value, double low, double high, int decimals) {
  return Decimals(value, decimals) + " [" + Decimals(low, decimals) + ", " + Decimals(high, decimals) + "]";
}

namespace {

// What follows a line break stands small below the rest.
std::string Cell(const std::string& text) {
  const auto end = text.find('\n');
  if (end == std::string::npos) return EscapeHtml(text);
  return EscapeHtml(text.substr(0, end)) + " <small>" + EscapeHtml(text.substr(end + 1)) + "</small>";
}

}  // namespace

std::string TableHtml(const HtmlTable& table) {
  std::string html = "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"" +
                     EscapeHtml("Table: " + table.caption) + "\"><table><caption><span>" +
                     EscapeHtml(table.caption, 600) + "</span></caption>\n<thead><tr>";
  const auto css = [&](std::size_t column) { return column < table.text_columns ? "" : " class=\"n\""; };
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    html += std::string("<th scope=\"col\"") + css(i) + ">" + EscapeHtml(table.header[i]) + "</th>";
  }
  html += "</tr></thead>\n<tbody>";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string tag = i == 0 ? "th" : "td";
      html += "<" + tag + (i == 0 ? " scope=\"row\"" : "") + css(i) + ">" + Cell(row[i]) + "</" + tag + ">";
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string DetailsHtml(const std::string& summary, const std::string& html) {
  return "<details><summary>" + EscapeHtml(summary) + "</summary>\n" + html + "</details>\n";
}

std::string AbsentHtml(const std::string& text) { return ParagraphHtml(text, "absent"); }

std::string ParagraphHtml(const std::string& text, const std::string& css_class) {
  return "<p" + (css_class.empty() ? "" : " class=\"" + css_class + "\"") + ">" + EscapeHtml(text, 2000) + "</p>\n";
}

}  // namespace dualgeo
