// Line charts as inline SVG for the HTML report: linear or logarithmic axis, intervals, marked thresholds. Series
// differ in colour, dash and marker, so that none of them has to be told by its colour; colours come from ChartCss and
// follow the reader's light or dark scheme.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"

namespace dualgeo {

struct ChartPoint {
  double x = 0, y = 0;
  std::optional<Interval> ci95;
};

struct ChartSeries {
  std::string name;
  std::vector<ChartPoint> points;
  int style = 0;        // one of six colours, dashes and markers; the remainder counts
  bool line = true;     // join the points
  bool step = false;    // by steps: a cumulative share
  bool markers = true;  // at the points
  bool band = false;    // intervals as a band, else as bars
};

struct ChartAxis {
  std::string label;  // with its unit
  double low = 0, high = 1;
  bool log = false;
};

struct ChartMark {
  double x = 0;
  std::string label;
};

struct Chart {
  std::string id;     // unique on the page
  std::string title;  // also the figure's caption
  std::string text;   // what a screen reader says instead of the picture
  ChartAxis x, y;
  std::vector<ChartSeries> series;
  std::vector<ChartMark> marks;  // vertical lines
  bool diagonal = false;         // y = x
  bool small = false;            // one of several side by side
  bool legend = true;            // where there are several series
};

// <figure>: caption, picture, legend, and `data`, the numbers as a table (the chart's
// own points where it is empty).
std::string ChartFigure(const Chart& chart, std::string data = "");

// The names of the series with their dash and marker, for several charts together.
std::string ChartLegend(const std::vector<ChartSeries>& series);

std::string ChartCss();

// Ends for an axis that shows all values: of a logarithm, whole powers of ten; otherwise round numbers.
ChartAxis FittedAxis(std::string label, const std::vector<ChartSeries>& series, bool of_x, bool log = false);

}  // namespace dualgeo
