// Losses and validation scores over training.

#include <algorithm>

#include "html.h"
#include "report_sections.h"
#include "svg_chart.h"

namespace dualgeo {
namespace {

using Curve = ReportTraining::Curve;

// Means of equal stretches: what the eye would make of thousands of points.
Curve Thinned(const Curve& curve, std::size_t most) {
  if (curve.size() <= most) return curve;
  Curve thinned;
  for (std::size_t i = 0; i < most; ++i) {
    const std::size_t begin = curve.size() * i / most, end = curve.size() * (i + 1) / most;
    double x = 0, y = 0;
    for (std::size_t j = begin; j < end; ++j) {
      x += curve[j].first;
      y += curve[j].second;
    }
    const auto n = static_cast<double>(end - begin);
    thinned.emplace_back(x / n, y / n);
  }
  return thinned;
}

void Add(Chart& chart, const std::string& name, const std::map<std::string, Curve>& curves, const std::string& key,
         int style, bool markers) {
  const auto found = curves.find(key);
  if (found == curves.end() || found->second.empty()) return;
  ChartSeries series{name, {}, style};
  series.markers = markers && found->second.size() <= 40;
  for (const auto& [step, value] : Thinned(found->second, 150)) series.points.push_back({step, value, {}});
  chart.text += (chart.text.empty() ? "" : " ") + name + " from " + Decimals(found->second.front().second, 2) + " to " +
                Decimals(found->second.back().second, 2) + ".";
  chart.series.push_back(std::move(series));
}

std::string Figure(Chart chart, const std::string& y_label, bool percent = false) {
  if (chart.series.empty()) return "";
  chart.x = FittedAxis("training step", chart.series, true);
  chart.x.low = 0;
  chart.y = FittedAxis(y_label, chart.series, false);
  if (percent || chart.y.low > 0) chart.y.low = 0;
  return ChartFigure(chart);
}

}  // namespace

std::string TrainingSection(const Report& report) {
  std::string html;
  for (std::size_t i = 0; i < report.training.size(); ++i) {
    const ReportTraining& log = report.training[i];
    Chart loss;
    loss.id = BenchmarkId("loss", i);
    loss.title = log.name + ": loss";
    Add(loss, "training", log.training, "loss", 0, false);
    Add(loss, "validation", log.validation, "loss", 1, true);
    html += Figure(std::move(loss), "loss");

    Chart score;
    score.id = BenchmarkId("validation", i);
    score.title = log.name + ": validation";
    Add(score, "photo finds its place", log.validation, "image_to_gps", 0, true);
    Add(score, "segmentation finds its place", log.validation, "segmentation_to_gps", 1, true);
    Add(score, "mean IoU", log.validation, "mean_iou", 2, true);
    Add(score, "pixels right", log.validation, "pixel_accuracy", 3, true);
    html += Figure(std::move(score), "%", true);
  }
  if (html.empty()) return AbsentHtml("No training curves: the run has no train.jsonl (step train).");
  return "<div class=\"charts\">" + html + "</div>\n" +
         ParagraphHtml(
             "Training losses are means of stretches of steps. \"Finds its place\": among the validation "
             "photos' coordinates, the photo's own is the nearest.",
             "note");
}

}  // namespace dualgeo
