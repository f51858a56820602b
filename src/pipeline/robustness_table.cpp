// The tables of `dualgeo robustness`.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "dualgeo/io/csv.h"
#include "dualgeo/pipeline/robustness.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

using Json = nlohmann::ordered_json;

std::string Fixed(double value, const char* format = "%.1f") {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string WithInterval(const Interval& interval) {
  char text[64];
  std::snprintf(text, sizeof text, "[%+.1f, %+.1f]", interval.low, interval.high);
  return text;
}

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
    table.rows.push_back({c.name, c.source, v.verdict, Fixed(v.dual), Fixed(v.image), Fixed(v.margin.value, "%+.1f"),
                          WithInterval(v.margin.ci95), v.holm < 0.001 ? "<0.001" : Fixed(v.holm, "%.3f"),
                          Fixed(clean, "%+.1f")});
  }
  return table;
}

TextTable Accuracies(const RobustnessResult& result) {
  std::vector<int> severities;
  for (const auto& c : result.conditions) {
    for (const auto& point : c.curves.front().points) {
      if (std::find(severities.begin(), severities.end(), point.severity) == severities.end()) {
        severities.push_back(point.severity);
      }
    }
  }
  std::sort(severities.begin(), severities.end());
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
          cell = Fixed(p.accuracy[k]) + " [" + Fixed(p.ci95[k].low) + ", " + Fixed(p.ci95[k].high) + "]";
        }
        cells.push_back(cell);
      }
      table.rows.push_back(std::move(cells));
    }
  }
  return table;
}

std::string Title(const RobustnessResult& result) {
  std::vector<std::string> seeds;
  for (const int seed : result.seeds) seeds.push_back(std::to_string(seed));
  return result.name + ": benchmark " + result.benchmark + (result.synthetic ? " (synthetic)" : "") + ", " +
         std::to_string(result.photos) + " photos, seeds " + Join(seeds);
}

std::vector<std::string> Notes(const RobustnessResult& result) {
  std::vector<std::string> notes = {
      "Percent of all photos strictly within " + FormatDouble(result.rule.threshold_km) +
          " km, mean over seeds; intervals: Wilson, over photos. Severity 0 is the photo as it is.",
      "Verdict: the claim is that both views stay above the image alone. Over the upper half of the severities, masks "
      "recomputed from the degraded photo: supported when the margin is above 0 (permutation test over photos, Holm "
      "over "
      "conditions, p <= 0.05) and so for every seed; contradicted when its 95 % interval lies below " +
          FormatDouble(result.rule.negligible) + " point(s); else undecided."};
  if (result.synthetic) notes.emplace_back("Synthetic world: a laboratory, not evidence about real photos.");
  return notes;
}

std::string Csv(const RobustnessResult& result) {
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

std::string ToJson(const RobustnessResult& result) {
  Json json;
  json["name"] = result.name;
  json["benchmark"] = result.benchmark;
  json["synthetic"] = result.synthetic;
  json["photos"] = result.photos;
  json["seeds"] = result.seeds;
  json["thresholds_km"] = result.thresholds_km;
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
  json["notes"] = Notes(result);
  json["provenance"] = ToJson(result.provenance);
  return json.dump(2) + "\n";
}

}  // namespace

std::string FormatRobustness(const RobustnessResult& result, TableFormat format) {
  if (format == TableFormat::kCsv) return Csv(result);
  if (format == TableFormat::kJson) return ToJson(result);
  const bool latex = format == TableFormat::kLatex;
  const char* comment = latex ? "% " : "";
  const auto table = [&](const TextTable& t) { return RenderTable(t, format); };
  std::string text = comment;
  text.append(Title(result)).append("\n\n").append(table(Verdicts(result))).append("\n");
  for (const auto& c : result.conditions) {
    text.append(latex ? "% " : "- ").append(c.name).append(" (").append(c.source).append("): ");
    text.append(c.verdict.verdict).append(", ").append(c.verdict.reason).append("\n");
  }
  text.append("\n").append(table(Accuracies(result))).append("\n");
  for (const auto& note : Notes(result)) text.append(comment).append(note).append("\n");
  return text;
}

}  // namespace dualgeo
