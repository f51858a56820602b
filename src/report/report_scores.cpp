// The table of accuracies, and what training did to them.

#include "dualgeo/util/text.h"
#include "html.h"
#include "report_sections.h"

namespace dualgeo {
namespace {

// The interval below its value.
std::string Stacked(double value, const std::optional<Interval>& ci95, int decimals) {
  if (!ci95) return Decimals(value, decimals);
  return Decimals(value, decimals) + "\n[" + Decimals(ci95->low, decimals) + ", " + Decimals(ci95->high, decimals) +
         "]";
}

std::string Optional(const std::optional<double>& value, const std::optional<Interval>& ci95, int decimals) {
  return value ? Stacked(*value, ci95, decimals) : "-";
}

// One line a method: thresholds as bars, so that the table can be read from the back of a room.
std::string Glance(const ReportBenchmark& benchmark) {
  const Evaluation& e = benchmark.evaluations.front();
  std::string html = "<ul class=\"glance\">";
  for (const auto& accuracy : e.all.accuracy) {
    html += "<li><span class=\"big\">" + Decimals(accuracy.percent, 1) + "<small> %</small></span> <span>within " +
            ThresholdName(accuracy.threshold_km) + "</span> <span class=\"ci\">95 % interval " +
            Decimals(accuracy.ci95.low, 1) + " to " + Decimals(accuracy.ci95.high, 1) + "</span></li>";
  }
  return html + "</ul>\n";
}

// Of the first row, where intervals are over clusters.
std::string DesignEffects(const Evaluation& e) {
  std::string text;
  for (const auto& accuracy : e.all.accuracy) {
    if (accuracy.design_effect) text += (text.empty() ? "" : ", ") + Decimals(*accuracy.design_effect, 1);
  }
  return text.empty() ? "" : " (design effects of the first row: " + text + ")";
}

HtmlTable Scores(const ReportBenchmark& benchmark) {
  const Evaluation& first = benchmark.evaluations.front();
  HtmlTable table;
  table.caption = benchmark.name +
                  ": photos within each distance of the truth, percent of all, with 95 % intervals over " +
                  OverWhat(first.subject.clusters) + DesignEffects(first);
  table.header = {"method", "photos"};
  for (const double km : first.options.thresholds_km) table.header.push_back("< " + ThresholdName(km));
  for (const char* name : {"median km", "mean km", "GeoScore"}) table.header.emplace_back(name);
  const auto add = [&](const Evaluation& e, const GroupAccuracy& group, const std::string& name, bool distances,
                       bool geoscore) {
    std::vector<std::string> row = {name, std::to_string(group.count)};
    for (const auto& a : group.accuracy) row.push_back(Stacked(a.percent, a.ci95, 1));
    row.push_back(distances && e.median_km ? Optional(e.median_km, e.median_ci95, *e.median_km < 100 ? 1 : 0) : "-");
    row.push_back(distances ? Optional(e.mean_km, e.mean_ci95, 0) : "-");
    row.push_back(geoscore ? Optional(e.geoscore, e.geoscore_ci95, 0) : "-");
    table.rows.push_back(std::move(row));
  };
  for (const auto& e : benchmark.evaluations) {
    const bool complete = e.answered == e.count;
    add(e, e.all, e.subject.method, complete, true);
    if (!complete) add(e, e.answered_only, e.subject.method + ", answered only", true, false);
  }
  return table;
}

HtmlTable Comparison(const ReportBenchmark& benchmark) {
  const auto& clusters = benchmark.evaluations.front().subject.clusters;
  HtmlTable table;
  table.caption = benchmark.name +
                  ": the trained model against the same model before training, on the same photos (two-sided " +
                  (clusters ? "sign flips over " + OverWhat(clusters) : std::string("exact McNemar test")) + ")";
  table.header = {"within", "trained %", "untrained %", "difference", "only trained right", "only untrained right",
                  "p"};
  for (const auto& c : benchmark.against_untrained) {
    const double difference = c.percent_a - c.percent_b;
    table.rows.push_back({ThresholdName(c.threshold_km), Decimals(c.percent_a, 1), Decimals(c.percent_b, 1),
                          (difference > 0 ? "+" : "") + Decimals(difference, 1), std::to_string(c.only_a),
                          std::to_string(c.only_b), c.p_value < 0.001 ? "< 0.001" : Decimals(c.p_value, 3)});
  }
  return table;
}

}  // namespace

std::string ScoresSection(const Report& report) {
  if (report.benchmarks.empty()) return AbsentHtml("No scores: the run has no BENCHMARK/errors.csv (step evaluate).");
  std::string html;
  for (const auto& benchmark : report.benchmarks) {
    html += BenchmarkHeading(benchmark) + Glance(benchmark) + TableHtml(Scores(benchmark));
    if (!benchmark.against_untrained.empty()) html += TableHtml(Comparison(benchmark));
  }
  const Evaluation& first = report.benchmarks.front().evaluations.front();
  return html + ParagraphHtml("Within a distance means strictly closer (" + first.options.distance +
                                  "). A photo without an answer counts as a miss. GeoScore: mean of "
                                  "5000 exp(-d / 1492.7 km).",
                              "note");
}

}  // namespace dualgeo
