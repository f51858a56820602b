// The tables of `dualgeo robustness`.
#include <set>
#include <sstream>

#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "pipeline/robustness.h"
#include "study_table.h"

namespace dualgeo {
namespace {

using Json = nlohmann::ordered_json;

// An accuracy curve's name for people: "both, clean masks".
std::string Label(const RobustnessCurve& curve) {
  if (curve.view == "image") return "image only";
  return (curve.view == "both" ? "both views" : "segmentation only") + std::string(", ") + curve.masks + " masks";
}

std::size_t TestedIndex(const RobustnessResult& result) {
  std::size_t k = 0;
  while (k + 1 < result.thresholds_km.size() && result.thresholds_km[k] != result.rule.threshold_km) ++k;
  return k;
}

TextTable Verdicts(const RobustnessResult& result) {
  TextTable table;
  table.header = {"condition", "source", "verdict", "both views", "image only", "margin", "95 %", "p", "clean margin"};
  table.text_columns = 3;
  const std::size_t k = TestedIndex(result);
  for (const auto& c : result.conditions) {
    const ClaimVerdict& v = c.verdict;
    double clean = 0;
    for (const auto& curve : c.curves) {
      if (curve.view == "both" && curve.masks == "recomputed") clean += curve.points.front().accuracy[k];
      if (curve.view == "image") clean -= curve.points.front().accuracy[k];
    }
    table.rows.push_back({c.name, c.source, v.verdict, Fixed(v.dual, 1), Fixed(v.image, 1), SignedText(v.margin.value),
                          SignedText(v.margin.ci95), PText(v.holm), SignedText(clean)});
  }
  return table;
}

TextTable Accuracies(const RobustnessResult& result) {
  std::set<int> severities;
  for (const auto& c : result.conditions) {
    for (const auto& point : c.curves.front().points) severities.insert(point.severity);
  }
  TextTable table;
  table.header = {"condition", "model and masks"};
  table.text_columns = 2;
  for (const int severity : severities) table.header.push_back("severity " + std::to_string(severity));
  const std::size_t k = TestedIndex(result);
  for (const auto& c : result.conditions) {
    for (const auto& curve : c.curves) {
      std::vector<std::string> cells = {c.name + (c.source == "rendered" ? " (rendered)" : ""), Label(curve)};
      for (const int severity : severities) {
        std::string cell = "-";
        for (const auto& p : curve.points) {
          if (p.severity != severity) continue;
          cell = Fixed(p.accuracy[k], 1) + " [" + Fixed(p.ci95[k].low, 1) + ", " + Fixed(p.ci95[k].high, 1) + "]";
        }
        cells.push_back(cell);
      }
      table.rows.push_back(std::move(cells));
    }
  }
  return table;
}

std::vector<std::string> Notes(const RobustnessResult& result) {
  const std::string over = OverWhat(result.clusters);
  return {
      "Percent of all photos strictly within " + FormatDouble(result.rule.threshold_km) +
          " km, mean over seeds; intervals: Wilson, over " + over + ". Severity 0 is the photo as it is.",
      "Verdict: the claim is that both views stay above the image alone. Over the upper half of the severities, masks "
      "recomputed from the degraded photo: supported when the margin is above 0 (permutation test over " +
          over +
          ", Holm over conditions, p <= 0.05) and so for every seed; contradicted when its 95 % interval lies below " +
          FormatDouble(result.rule.negligible) + " point(s); else undecided."};
}

std::string RobustnessCsv(const RobustnessResult& result) {
  std::ostringstream out;
  CsvWriter csv(out, {"condition", "source", "verdict", "view", "masks", "severity", "threshold_km", "accuracy", "low",
                      "high", "benchmark", "synthetic", "photos", "seeds"});
  for (const auto& c : result.conditions) {
    for (const auto& curve : c.curves) {
      for (const auto& p : curve.points) {
        for (std::size_t k = 0; k < result.thresholds_km.size(); ++k) {
          csv.Row({c.name, c.source, c.verdict.verdict, curve.view, curve.masks, std::to_string(p.severity),
                   FormatDouble(result.thresholds_km[k]), FormatDouble(p.accuracy[k]), FormatDouble(p.ci95[k].low),
                   FormatDouble(p.ci95[k].high), result.benchmark, result.synthetic ? "1" : "0",
                   std::to_string(result.photos), std::to_string(result.seeds.size())});
        }
      }
    }
  }
  return out.str();
}

std::string RobustnessJson(const RobustnessResult& result) {
  auto json = StudyJson(result);
  json["tested_km"] = result.rule.threshold_km;
  json["negligible"] = result.rule.negligible;
  json["conditions"] = Json::array();
  for (const auto& c : result.conditions) {
    const ClaimVerdict& v = c.verdict;
    Json item = {{"name", c.name},     {"source", c.source}, {"what", c.what},   {"verdict", v.verdict},
                 {"reason", v.reason}, {"both", v.dual},     {"image", v.image}, {"margin", v.margin.value}};
    item["margin_ci95"] = {v.margin.ci95.low, v.margin.ci95.high};
    item["p_value"] = v.p_value;
    item["holm"] = v.holm;
    item["curves"] = Json::array();
    for (const auto& curve : c.curves) {
      Json line = {{"view", curve.view}, {"masks", curve.masks}, {"points", Json::array()}};
      for (const auto& p : curve.points) {
        Json point = {{"severity", p.severity}};
        for (std::size_t k = 0; k < result.thresholds_km.size(); ++k) {
          const std::string km = FormatDouble(result.thresholds_km[k]);
          point["accuracy"][km] = p.accuracy[k];
          point["ci95"][km] = {p.ci95[k].low, p.ci95[k].high};
        }
        line["points"].push_back(std::move(point));
      }
      item["curves"].push_back(std::move(line));
    }
    json["conditions"].push_back(std::move(item));
  }
  return EndedStudyJson(std::move(json), result, Notes(result));
}

}  // namespace

std::string FormatRobustness(const RobustnessResult& result, TableFormat format) {
  if (format == TableFormat::kCsv) return RobustnessCsv(result);
  if (format == TableFormat::kJson) return RobustnessJson(result);
  const bool latex = format == TableFormat::kLatex;
  std::string tables = RenderTable(Verdicts(result), format) + "\n";
  for (const auto& c : result.conditions) {
    tables.append(latex ? "% " : "- ").append(c.name).append(" (").append(c.source).append("): ");
    tables.append(c.verdict.verdict).append(", ").append(c.verdict.reason).append("\n");
  }
  return StudyText(result, tables + "\n" + RenderTable(Accuracies(result), format), Notes(result), format);
}

}  // namespace dualgeo
