// Accuracy of one view and of both against the severity of a degradation, and what that says about the paper's claim.

#include <algorithm>
#include <cmath>

#include "html.h"
#include "report_sections.h"
#include "svg_chart.h"

namespace dualgeo {
namespace {

std::string CurveName(const ReportRobustness::Curve& curve) {
  std::string name = curve.view == "both"           ? "both views"
                     : curve.view == "image"        ? "image only"
                     : curve.view == "segmentation" ? "segmentation only"
                                                    : curve.view;
  if (curve.masks == "clean") name += ", masks of the clean photo";
  return name;
}

int CurveStyle(const ReportRobustness::Curve& curve) {
  const int view = curve.view == "both" ? 0 : curve.view == "image" ? 1 : 2;
  return curve.masks == "clean" ? (view == 0 ? 3 : 4) : view;
}

// A mark beside the word, so that neither colour nor reading is needed.
std::string Verdict(const std::string& verdict) {
  const std::string sign = verdict == "supported" ? "\u2713" : verdict == "contradicted" ? "\u2717" : "?";
  return sign + " " + verdict;
}

Chart ConditionChart(const ReportRobustness::Condition& condition, double km, const std::string& id) {
  Chart chart;
  chart.id = id;
  chart.small = true;
  chart.title = condition.name + ": within " + ThresholdName(km);
  for (const auto& curve : condition.curves) {
    ChartSeries series{CurveName(curve), {}, CurveStyle(curve)};
    for (const auto& point : curve.points) {
      const auto accuracy = point.accuracy.find(km);
      if (accuracy == point.accuracy.end()) continue;
      const auto ci95 = point.ci95.find(km);
      series.points.push_back(
          {point.severity, accuracy->second, ci95 == point.ci95.end() ? std::nullopt : std::optional(ci95->second)});
    }
    if (series.points.empty()) continue;
    chart.text += (chart.text.empty() ? "" : " ") + series.name + ": " + Decimals(series.points.front().y, 1) +
                  " % at severity " + Decimals(series.points.front().x, 0) + ", " +
                  Decimals(series.points.back().y, 1) + " % at " + Decimals(series.points.back().x, 0) + ".";
    chart.series.push_back(std::move(series));
  }
  chart.legend = false;
  return chart;
}

// All conditions at one threshold, on the same axes.
std::string Charts(const ReportRobustness& robustness, std::size_t threshold) {
  std::vector<Chart> charts;
  std::vector<ChartSeries> all, legend;
  for (std::size_t i = 0; i < robustness.conditions.size(); ++i) {
    Chart chart = ConditionChart(robustness.conditions[i], robustness.thresholds_km[threshold],
                                 "robustness-" + std::to_string(i) + "-" + std::to_string(threshold));
    for (const auto& series : chart.series) {
      all.push_back(series);
      if (std::ranges::find(legend, series.name, &ChartSeries::name) == legend.end()) legend.push_back(series);
    }
    if (!chart.series.empty()) charts.push_back(std::move(chart));
  }
  if (charts.empty()) return AbsentHtml("No accuracies at this distance.");
  const ChartAxis x = FittedAxis("severity", all, true);
  ChartAxis y = FittedAxis("% of all photos", all, false);
  y.low = 0;
  std::string html = ChartLegend(legend) + "<div class=\"charts\">";
  for (auto& chart : charts) {
    chart.x = x;
    chart.y = y;
    html += ChartFigure(chart);
  }
  return html + "</div>\n";
}

}  // namespace

std::string RobustnessSection(const Report& report) {
  if (!report.robustness || report.robustness->conditions.empty() || report.robustness->thresholds_km.empty()) {
    return AbsentHtml("No robustness curves: the run has no robustness.json (dualgeo robustness makes it).");
  }
  const ReportRobustness& robustness = *report.robustness;
  HtmlTable verdicts;
  verdicts.caption = "Does segmentation help where the photo is degraded?" +
                     (robustness.benchmark.empty() ? "" : " Benchmark " + robustness.benchmark) +
                     (robustness.synthetic ? " (synthetic)" : "");
  verdicts.header = {"condition", "made by", "the claim is", "because"};
  verdicts.text_columns = 4;
  for (const auto& condition : robustness.conditions) {
    verdicts.rows.push_back({condition.name, condition.source,
                             condition.verdict.empty() ? "-" : Verdict(condition.verdict), condition.reason});
  }
  std::string html = TableHtml(verdicts);

  // City scale is open; the rest is there for who asks.
  const auto& thresholds = robustness.thresholds_km;
  std::size_t shown = 0;
  for (std::size_t t = 0; t < thresholds.size(); ++t) {
    if (std::abs(thresholds[t] - 25) < std::abs(thresholds[shown] - 25)) shown = t;
  }
  html += Charts(robustness, shown);
  for (std::size_t t = 0; t < thresholds.size(); ++t) {
    if (t != shown) html += DetailsHtml("Curves within " + ThresholdName(thresholds[t]), Charts(robustness, t));
  }
  return html + ParagraphHtml("Severity 0 is the photo as it is. Bars are 95 % intervals.", "note");
}

}  // namespace dualgeo
