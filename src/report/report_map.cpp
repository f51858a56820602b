// Where the photos were taken and where the answers are.

#include "html.h"
#include "report/map.h"
#include "report_sections.h"

namespace dualgeo {

std::string MapSection(const Report& report) {
  if (report.benchmarks.empty()) return AbsentHtml("No map: the run has no BENCHMARK/errors.csv (step evaluate).");
  std::string html;
  for (std::size_t i = 0; i < report.benchmarks.size(); ++i) {
    const auto& benchmark = report.benchmarks[i];
    const Evaluation& e = benchmark.evaluations.front();
    const PageMap map = PredictionsPageMap(
        e, report.gallery, BenchmarkId("map", i),
        {"Map of truths and predictions: " + benchmark.name, 10000, i == 0 ? "" : BenchmarkId("map", 0)});
    html += BenchmarkHeading(benchmark) +
            "<figure class=\"wide\"><div class=\"scroll\" tabindex=\"0\" role=\"region\" " + "aria-label=\"Map\">" +
            map.svg + "</div>\n<ul class=\"legend\">";
    if (!report.gallery.empty()) {
      html +=
          "<li><svg class=\"map key\" viewBox=\"0 0 12 12\" aria-hidden=\"true\"><path class=\"gallery\" "
          "d=\"M6 6h0\"/></svg> gallery</li>";
    }
    HtmlTable counts{benchmark.name + ": answers by error", {"error", "photos", "percent"}, {}, 1};
    for (const auto& entry : map.legend) {
      html += "<li><svg class=\"map key\" viewBox=\"0 0 12 12\" aria-hidden=\"true\"><path class=\"" + entry.css_class +
              "\" d=\"M6 6h0\"/></svg> " + EscapeHtml(entry.label) +
              (entry.label == "truth" ? "" : ": " + std::to_string(entry.count)) + "</li>";
      if (entry.label != "truth") {
        counts.rows.push_back({entry.label, std::to_string(entry.count),
                               Decimals(100.0 * entry.count / static_cast<double>(e.count), 1)});
      }
    }
    html += "</ul>\n<figcaption>" + std::string(map.caption) + "</figcaption>\n" +
            DetailsHtml("Numbers", TableHtml(counts)) + "</figure>\n";
  }
  return html;
}

}  // namespace dualgeo
