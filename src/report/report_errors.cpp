// The share of photos within any distance.

#include <algorithm>
#include <cmath>

#include "eval/cluster_statistics.h"
#include "eval/statistics.h"
#include "html.h"
#include "report_sections.h"
#include "svg_chart.h"

namespace dualgeo {
namespace {

// Half way round the Earth; nothing is further away.
constexpr double kFarthest = 20020;

class ErrorsSection {
 public:
  explicit ErrorsSection(const Evaluation& evaluation) : count_(evaluation.count) {
    for (const auto& photo : evaluation.photos) {
      if (photo.error_km) sorted_.push_back(*photo.error_km);
      errors_.push_back(photo.error_km);
    }
    std::ranges::sort(sorted_);
    if (evaluation.subject.clusters) clusters_ = evaluation.subject.clusters->of_photo;
  }
  // Percent of all photos strictly closer.
  ChartPoint Within(double km) const {
    const auto within = std::ranges::lower_bound(sorted_, km) - sorted_.begin();
    const double percent = count_ == 0 ? 0 : 100.0 * static_cast<double>(within) / static_cast<double>(count_);
    if (clusters_.empty()) return {km, percent, WilsonPercent(within, count_)};
    GroupAccuracy group{count_, {{km, within, percent, {}}}};
    SetClusterIntervals(group, errors_, clusters_);
    return {km, percent, group.accuracy.front().ci95};
  }

 private:
  std::vector<std::optional<double>> errors_;
  std::vector<std::uint32_t> clusters_;  // none: over photos
  std::vector<double> sorted_;
  std::int64_t count_;
};

Chart ErrorChart(const ReportBenchmark& benchmark, const std::string& id) {
  Chart chart;
  chart.id = id;
  chart.title = benchmark.name + ": photos within a distance of the truth";
  chart.x = {"distance, km (logarithmic)", 0.1, kFarthest, true};
  chart.y = {"photos within the distance, % of all", 0, 100};
  int style = 0;
  for (const auto& evaluation : benchmark.evaluations) {
    const ErrorsSection errors(evaluation);
    ChartSeries series{evaluation.subject.method, {}, style};
    series.markers = false;
    series.band = style == 0;
    constexpr int kPoints = 240;
    const double low = std::log10(chart.x.low), high = std::log10(chart.x.high);
    for (int i = 0; i <= kPoints; ++i) {
      ChartPoint point = errors.Within(std::pow(10.0, low + (high - low) * i / kPoints));
      if (!series.band) point.ci95.reset();
      series.points.push_back(point);
    }
    chart.text += (style == 0 ? "" : " ") + evaluation.subject.method + ":";
    for (const auto& accuracy : evaluation.all.accuracy) {
      chart.text += " " + Decimals(accuracy.percent, 1) + " % within " + ThresholdName(accuracy.threshold_km) + ",";
    }
    chart.text.back() = '.';
    chart.series.push_back(std::move(series));
    ++style;
  }
  for (const double km : benchmark.evaluations.front().options.thresholds_km) {
    if (km > chart.x.low && km < chart.x.high) chart.marks.push_back({km, Decimals(km, km == std::floor(km) ? 0 : 2)});
  }
  return chart;
}

HtmlTable ErrorTable(const ReportBenchmark& benchmark) {
  HtmlTable table;
  table.caption = benchmark.name + ": percent of all photos within a distance, with 95 % intervals (Wilson, over " +
                  OverWhat(benchmark.evaluations.front().subject.clusters) + ")";
  table.header = {"within"};
  std::vector<double> distances = benchmark.evaluations.front().options.thresholds_km;
  for (const double km : {0.1, 10.0, 50.0, 100.0, 500.0, 1000.0, 5000.0, 10000.0}) distances.push_back(km);
  std::ranges::sort(distances);
  distances.erase(std::unique(distances.begin(), distances.end()), distances.end());
  for (const double km : distances) table.rows.push_back({ThresholdName(km)});
  for (const auto& evaluation : benchmark.evaluations) {
    const ErrorsSection errors(evaluation);
    table.header.push_back(evaluation.subject.method);
    for (std::size_t i = 0; i < distances.size(); ++i) {
      const ChartPoint point = errors.Within(distances[i]);
      table.rows[i].push_back(WithCi(point.y, point.ci95->low, point.ci95->high, 1));
    }
  }
  return table;
}

}  // namespace

std::string ErrorsSection(const Report& report) {
  if (report.benchmarks.empty()) return AbsentHtml("No errors: the run has no BENCHMARK/errors.csv (step evaluate).");
  std::string html = "<div class=\"charts\">";
  for (std::size_t i = 0; i < report.benchmarks.size(); ++i) {
    html += ChartFigure(ErrorChart(report.benchmarks[i], BenchmarkId("errors", i)),
                        TableHtml(ErrorTable(report.benchmarks[i])));
  }
  return html + "</div>\n" +
         ParagraphHtml(
             "The band is the 95 % interval of the first curve, over photographers where the "
             "table names them.",
             "note");
}

}  // namespace dualgeo
