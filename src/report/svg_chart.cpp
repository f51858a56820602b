#include "svg_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "dualgeo/util/text.h"
#include "eval/text_table.h"
#include "html.h"

namespace dualgeo {
namespace {

constexpr int kStyles = 6;

struct Style {
  const char* light;  // at least 4.5 : 1 against the page
  const char* dark;
  const char* dash;
  const char* marker;  // path around 0, 0
};
constexpr std::array<Style, kStyles> kStyle = {{
    {"#0b62a8", "#6cb8f5", "none", "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0"},
    {"#b04a00", "#f2a65a", "7 3", "m-3.3 -3.3h6.6v6.6h-6.6z"},
    {"#12774a", "#5fcf98", "2.5 2.5", "m0 -4.4l4.2 7.6h-8.4z"},
    {"#8a3d9b", "#d59be6", "9 3 2 3", "m0 -4.8l4.8 4.8l-4.8 4.8l-4.8 -4.8z"},
    {"#b81d30", "#ff8f94", "14 4", "m-3.5 -3.5l7 7m0 -7l-7 7"},
    {"#4d5963", "#b3bdc6", "1.5 4", "m0 -4.5v9m-4.5 -4.5h9"},
}};

std::string Number(double value) {
  std::string result = Fixed(value, 1);
  if (result.ends_with(".0")) result.resize(result.size() - 2);
  return result == "-0" ? "0" : result;
}

// "20000", "0.05", "2.5"
std::string Label(double value) {
  if (std::abs(value) < 1e-12) return "0";
  char text[32];
  std::snprintf(text, sizeof text, std::abs(value) >= 1e6 || (value != 0 && std::abs(value) < 1e-4) ? "%.2g" : "%.6g",
                value);
  return text;
}

double RoundStep(double span, int ticks) {
  const double raw = span / ticks;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::vector<double> Ticks(const ChartAxis& axis, bool small) {
  std::vector<double> ticks;
  if (axis.log) {
    for (double power = std::ceil(std::log10(axis.low) - 1e-9); power <= std::log10(axis.high) + 1e-9; ++power) {
      ticks.push_back(std::pow(10.0, power));
    }
    return ticks;
  }
  const double step = RoundStep(axis.high - axis.low, small ? 5 : 6);
  for (double i = std::ceil(axis.low / step - 1e-9); i * step <= axis.high + step * 1e-6; ++i)
    ticks.push_back(i * step);
  return ticks;
}

class Drawing {
 public:
  explicit Drawing(const Chart& chart)
      : chart_(chart), width_(chart.small ? 250 : 460), height_(chart.small ? 240 : 320) {}

  std::string Svg() {
    const std::string& id = chart_.id;
    std::string svg = "<svg class=\"chart\" viewBox=\"0 0 " + Number(width_) + " " + Number(height_) +
                      "\" role=\"img\" aria-labelledby=\"" + id + "-title " + id + "-text\"><title id=\"" + id +
                      "-title\">" + EscapeHtml(chart_.title) + "</title><desc id=\"" + id + "-text\">" +
                      EscapeHtml(chart_.text, 2000) + "</desc>\n";
    svg += Axes();
    svg += "<clipPath id=\"" + id + "-clip\"><rect x=\"" + Number(kLeft - 5) + "\" y=\"" + Number(kTop - 5) +
           "\" width=\"" + Number(Right() - kLeft + 10) + "\" height=\"" + Number(Bottom() - kTop + 10) +
           "\"/></clipPath><g clip-path=\"url(#" + id + "-clip)\">\n";
    if (chart_.diagonal) {
      const double low = std::max(chart_.x.low, chart_.y.low), high = std::min(chart_.x.high, chart_.y.high);
      svg += "<path class=\"ideal\" d=\"M" + At(low, low) + "L" + At(high, high) + "\"/>\n";
    }
    for (const auto& series : chart_.series) svg += Intervals(series);
    // The first series last, so that it lies on top.
    for (std::size_t i = chart_.series.size(); i-- > 0;) svg += Line(chart_.series[i]);
    return svg + "</g></svg>";
  }

 private:
  static constexpr double kLeft = 44, kTop = 36;
  double Right() const { return width_ - 18; }
  double Bottom() const { return height_ - 44; }

  static double Share(const ChartAxis& axis, double value) {
    if (!axis.log) return (value - axis.low) / (axis.high - axis.low);
    return (std::log10(std::max(value, axis.low)) - std::log10(axis.low)) /
           (std::log10(axis.high) - std::log10(axis.low));
  }
  double X(double x) const { return kLeft + Share(chart_.x, x) * (Right() - kLeft); }
  double Y(double y) const { return Bottom() - Share(chart_.y, y) * (Bottom() - kTop); }
  std::string At(double x, double y) const { return Number(X(x)) + " " + Number(Y(y)); }

  std::string Text(double x, double y, const std::string& css_class, const std::string& text) const {
    return "<text class=\"" + css_class + "\" x=\"" + Number(x) + "\" y=\"" + Number(y) + "\">" + EscapeHtml(text) +
           "</text>";
  }

  std::string Axes() const {
    std::string grid, text;
    for (const double tick : Ticks(chart_.y, chart_.small)) {
      grid += "M" + Number(kLeft) + " " + Number(Y(tick)) + "H" + Number(Right());
      text += Text(kLeft - 6, Y(tick) + 4, "end", Label(tick));
    }
    for (const double tick : Ticks(chart_.x, chart_.small)) {
      grid += "M" + Number(X(tick)) + " " + Number(kTop) + "V" + Number(Bottom());
      text += Text(X(tick), Bottom() + 16, "middle", Label(tick));
    }
    std::string svg = "<path class=\"grid\" d=\"" + grid + "\"/><path class=\"axis\" d=\"M" + Number(kLeft) + " " +
                      Number(kTop) + "V" + Number(Bottom()) + "H" + Number(Right()) + "\"/>\n";
    std::string marks;
    for (const auto& mark : chart_.marks) {
      marks += "M" + Number(X(mark.x)) + " " + Number(kTop - 2) + "V" + Number(Bottom());
      text += Text(X(mark.x), kTop - 7, "middle mark", mark.label);
    }
    if (!marks.empty()) svg += "<path class=\"threshold\" d=\"" + marks + "\"/>";
    text += Text(4, 13, "label", chart_.y.label);
    text += Text((kLeft + Right()) / 2, height_ - 9, "middle label", chart_.x.label);
    return svg + text + "\n";
  }

  static std::string Css(const ChartSeries& series) { return "s" + std::to_string(series.style % kStyles); }

  std::string Intervals(const ChartSeries& series) const {
    std::string bars, upper, lower;
    for (const auto& point : series.points) {
      if (!point.ci95) continue;
      const std::string low = At(point.x, point.ci95->low), high = At(point.x, point.ci95->high);
      bars += "M" + low + "L" + high;
      upper += (upper.empty() ? "M" : "L") + high;
      lower.insert(0, "L" + low);
    }
    if (bars.empty()) return "";
    if (series.band) return "<path class=\"band " + Css(series) + "\" d=\"" + upper + lower + "z\"/>\n";
    return "<path class=\"bar " + Css(series) + "\" d=\"" + bars + "\"/>\n";
  }

  std::string Line(const ChartSeries& series) const {
    std::string line, markers;
    for (const auto& point : series.points) {
      const bool first = line.empty();
      if (series.step && !first) line += "H" + Number(X(point.x)) + "V" + Number(Y(point.y));
      if (!series.step || first) line += (first ? "M" : "L") + At(point.x, point.y);
      if (series.markers) {
        markers += "M" + At(point.x, point.y) + kStyle[static_cast<std::size_t>(series.style % kStyles)].marker;
      }
    }
    std::string svg;
    if (series.line && !line.empty()) svg += "<path class=\"curve " + Css(series) + "\" d=\"" + line + "\"/>\n";
    if (!markers.empty()) svg += "<path class=\"points " + Css(series) + "\" d=\"" + markers + "\"/>\n";
    return svg;
  }

  const Chart& chart_;
  double width_, height_;
};

}  // namespace

std::string ChartLegend(const std::vector<ChartSeries>& all) {
  std::string html = "<ul class=\"legend\">";
  for (const auto& series : all) {
    const auto style = static_cast<std::size_t>(series.style % kStyles);
    const std::string css = "s" + std::to_string(style);
    html += "<li><svg class=\"chart key\" viewBox=\"0 0 36 12\" aria-hidden=\"true\">";
    if (series.line) html += "<path class=\"curve " + css + "\" d=\"M1 6H35\"/>";
    if (series.markers) html += "<path class=\"points " + css + "\" d=\"M18 6" + kStyle[style].marker + "\"/>";
    html += "</svg> " + EscapeHtml(series.name) + "</li>";
  }
  return html + "</ul>\n";
}

namespace {

// One row an x, one column a series.
std::string Data(const Chart& chart) {
  std::map<double, std::vector<std::string>> rows;
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    for (const auto& point : chart.series[i].points) {
      auto& row = rows[point.x];
      row.resize(chart.series.size(), "-");
      row[i] = point.ci95 ? WithCi(point.y, point.ci95->low, point.ci95->high, 2) : Label(point.y);
    }
  }
  HtmlTable table;
  table.caption = chart.title + ": " + chart.y.label;
  table.header = {chart.x.label};
  for (const auto& series : chart.series) table.header.push_back(series.name);
  table.text_columns = 0;
  for (const auto& [x, cells] : rows) {
    table.rows.push_back({Label(x)});
    table.rows.back().insert(table.rows.back().end(), cells.begin(), cells.end());
  }
  return TableHtml(table);
}

}  // namespace

ChartAxis FittedAxis(std::string label, const std::vector<ChartSeries>& series, bool of_x, bool log) {
  double low = INFINITY, high = -INFINITY;
  const auto include = [&](double value) {
    if (!std::isfinite(value) || (log && value <= 0)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  };
  for (const auto& s : series) {
    for (const auto& point : s.points) {
      include(of_x ? point.x : point.y);
      if (!of_x && point.ci95) {
        include(point.ci95->low);
        include(point.ci95->high);
      }
    }
  }
  ChartAxis axis{std::move(label), 0, 1, log};
  if (low > high) {
    if (log) axis.low = 0.1;
    return axis;
  }
  if (log) {
    axis.low = std::pow(10.0, std::floor(std::log10(low)));
    axis.high = std::pow(10.0, std::ceil(std::log10(high)));
    if (axis.low == axis.high) axis.high *= 10;
    return axis;
  }
  if (low == high) {
    low -= 0.5;
    high += 0.5;
  }
  const double step = RoundStep(high - low, 6);
  axis.low = std::floor(low / step + 1e-9) * step;
  axis.high = std::ceil(high / step - 1e-9) * step;
  return axis;
}

std::string ChartFigure(const Chart& chart, std::string data) {
  if (data.empty()) data = Data(chart);
  return "<figure class=\"" + std::string(chart.small ? "small" : "plot") + "\"><figcaption>" +
         EscapeHtml(chart.title) + "</figcaption>\n" + Drawing(chart).Svg() + "\n" +
         (chart.legend && chart.series.size() > 1 ? ChartLegend(chart.series) : "") + DetailsHtml("Numbers", data) +
         "</figure>\n";
}

std::string ChartCss() {
  std::string css =
      ".chart text{fill:var(--text);font-size:12px}.chart .end{text-anchor:end}.chart .middle{text-anchor:middle}"
      ".small .chart text{font-size:10px}.chart .label{fill:var(--quiet)}.chart .mark{font-size:11px;fill:var(--quiet)}"
      ".chart path{fill:none}.chart .grid{stroke:var(--grid);stroke-width:.7}.chart .axis{stroke:var(--quiet)}"
      ".chart .threshold{stroke:var(--quiet);stroke-width:1;stroke-dasharray:3 3}"
      ".chart .ideal{stroke:var(--quiet);stroke-width:1.2;stroke-dasharray:5 4}"
      ".chart .curve{stroke-width:1.9;stroke-linejoin:round}.chart .points{stroke-width:1.6}"
      ".chart .bar{stroke-width:1.2;stroke-opacity:.75}.chart path.band{stroke:none;fill-opacity:.16}\n";
  const auto colours = [](const char* Style::*colour) {
    std::string rules;
    for (std::size_t i = 0; i < kStyle.size(); ++i) {
      rules += ".chart .s" + std::to_string(i) + "{stroke:" + kStyle[i].*colour + "}.chart path.band.s" +
               std::to_string(i) + "{fill:" + kStyle[i].*colour + "}";
    }
    return rules;
  };
  css += colours(&Style::light) + "\n";
  for (std::size_t i = 0; i < kStyle.size(); ++i) {
    css += ".chart .curve.s" + std::to_string(i) + "{stroke-dasharray:" + kStyle[i].dash + "}";
  }
  return css + "\n@media screen and (prefers-color-scheme:dark){" + colours(&Style::dark) + "}\n";
}

}  // namespace dualgeo
