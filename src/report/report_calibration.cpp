// Whether stated probabilities are true, and what is gained by answering only where the method is sure.

#include "html.h"
#include "report_sections.h"
#include "svg_chart.h"

namespace dualgeo {
namespace {

Chart StatedAgainstObserved(const std::string& name, const ThresholdCalibration& calibration, const std::string& id) {
  Chart chart;
  chart.id = id;
  chart.small = true;
  chart.diagonal = true;
  const std::string km = ThresholdName(calibration.threshold_km);
  chart.title = "within " + km;
  chart.text = name + ": stated and observed probability of being within " + km + ", in ten bins. Over all answers " +
               Decimals(calibration.stated, 1) + " % stated, " + Decimals(calibration.observed, 1) +
               " % observed; mean distance of the two " + Decimals(calibration.expected_error, 1) + " points.";
  chart.x = {"stated, %", 0, 100};
  chart.y = {"observed, %", 0, 100};
  ChartSeries series{"answers", {}};
  for (const auto& bin : calibration.bins) series.points.push_back({bin.stated, bin.observed, bin.ci95});
  chart.series.push_back(std::move(series));
  return chart;
}

std::string Bins(const std::string& name, const ThresholdCalibration& calibration) {
  HtmlTable table;
  table.caption = name + ", within " + ThresholdName(calibration.threshold_km) + ": stated and observed, percent";
  table.header = {"stated in", "answers", "mean stated", "observed [95 % interval]"};
  for (const auto& bin : calibration.bins) {
    table.rows.push_back({Decimals(bin.low, 0) + " - " + Decimals(bin.high, 0) + " %", std::to_string(bin.count),
                          Decimals(bin.stated, 1), WithCi(bin.observed, bin.ci95.low, bin.ci95.high, 1)});
  }
  return TableHtml(table);
}

std::string Summary(const std::string& name, const Calibration& calibration) {
  HtmlTable table;
  table.caption = name + ": stated and observed over all " + std::to_string(calibration.count) +
                  " answers; intervals over " + calibration.over;
  table.header = {"within", "stated %", "observed %", "Brier score", "calibration error, points"};
  for (const auto& t : calibration.thresholds) {
    table.rows.push_back({ThresholdName(t.threshold_km), Decimals(t.stated, 1), Decimals(t.observed, 1),
                          Decimals(t.brier, 4), Decimals(t.expected_error, 1)});
  }
  return TableHtml(table);
}

Chart Selective(const std::string& name, const std::vector<SelectiveRow>& rows, const std::string& id) {
  Chart chart;
  chart.id = id;
  chart.title = name + ": accuracy of the surest answers";
  chart.x = {"answers kept, surest first, %", 0, 100};
  chart.y = {"of these within the distance, %", 0, 100};
  for (std::size_t t = 0; t < kAccuracyKm.size(); ++t) {
    ChartSeries series{"within " + ThresholdName(kAccuracyKm[t]), {}, static_cast<int>(t)};
    for (const auto& row : rows) {
      series.points.push_back({static_cast<double>(row.percent), row.accuracy[t], row.ci95[t]});
    }
    chart.text += (t == 0 ? "" : " ") + series.name + ": " + Decimals(rows.front().accuracy[t], 1) +
                  " % of the surest " + std::to_string(rows.front().percent) + " %, " +
                  Decimals(rows.back().accuracy[t], 1) + " % of all.";
    chart.series.push_back(std::move(series));
  }
  return chart;
}

}  // namespace

std::string CalibrationSection(const Report& report) {
  std::string html;
  for (std::size_t i = 0; i < report.benchmarks.size(); ++i) {
    const auto& benchmark = report.benchmarks[i];
    if (!benchmark.calibration) continue;
    const Calibration& calibration = *benchmark.calibration;
    html += BenchmarkHeading(benchmark) + "<div class=\"charts\">";
    for (std::size_t t = 0; t < calibration.thresholds.size(); ++t) {
      html += ChartFigure(StatedAgainstObserved(benchmark.name, calibration.thresholds[t],
                                                BenchmarkId("calibration" + std::to_string(t), i)),
                          Bins(benchmark.name, calibration.thresholds[t]));
    }
    html += "</div>\n" + Summary(benchmark.name, calibration);
    html += ParagraphHtml("The stated radius, meant to hold the truth half of the time, holds it for " +
                          WithCi(calibration.held, calibration.held_ci95.low, calibration.held_ci95.high, 1) +
                          " % of the answers.");
    if (!benchmark.selective.empty()) {
      html += "<div class=\"charts\">" +
              ChartFigure(Selective(benchmark.name, benchmark.selective, BenchmarkId("selective", i))) + "</div>\n";
    }
  }
  if (html.empty()) {
    return AbsentHtml("No calibration: no re-ranked list states probabilities (rerank.method bayes does).");
  }
  return ParagraphHtml(
             "On the dashed line a stated probability is true. Bars are 95 % intervals (Wilson; over "
             "photographers where the table names them).",
             "note") +
         html;
}

}  // namespace dualgeo
