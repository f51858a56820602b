// The tables of `dualgeo ablate`.
#include <algorithm>
#include <sstream>

#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "pipeline/ablation.h"
#include "study_table.h"

namespace dualgeo {
namespace {

std::string WithDeviation(const MeanDeviation& m, int decimals) {
  std::string text = Fixed(m.mean, decimals);
  if (m.deviation) text += " \u00b1 " + Fixed(*m.deviation, decimals);
  return text;
}

TextTable Accuracies(const AblationResult& result) {
  TextTable table;
  table.header = {"variant", "seeds"};
  table.text_columns = 1;
  for (const double km : result.thresholds_km) table.header.push_back(FormatDouble(km) + " km");
  table.header.emplace_back("GeoScore");
  for (const auto& row : result.rows) {
    std::vector<std::string> cells = {row.row.name + (row.reference ? " (reference)" : ""),
                                      std::to_string(result.seeds.size())};
    for (const auto& accuracy : row.accuracy) cells.push_back(WithDeviation(accuracy, 1));
    cells.push_back(WithDeviation(row.geoscore, 0));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::string Over(const AblationResult& result) { return result.clusters ? ClusterWord(*result.clusters) : "photos"; }

TextTable Tests(const AblationResult& result) {
  TextTable table;
  const std::string over = Over(result);
  table.header = {"variant", "verdict", "within", "difference", "95 % over " + over, "p " + over, "p seeds"};
  table.text_columns = 2;
  for (const auto& row : result.rows) {
    for (const auto& test : row.tests) {
      table.rows.push_back({row.row.name, test.verdict, FormatDouble(test.threshold_km) + " km",
                            SignedText(test.difference.value), SignedText(test.difference.ci95),
                            PText(test.holm_photos), test.holm_seeds ? PText(*test.holm_seeds) : "-"});
    }
  }
  return table;
}

bool AnyUntrained(const AblationResult& result) {
  return std::ranges::any_of(result.rows, [](const auto& row) { return row.untrained.has_value(); });
}

// Did training bring anything?
TextTable Untrained(const AblationResult& result) {
  TextTable table;
  table.header = {"variant", "within", "trained", "untrained", "p"};
  table.text_columns = 1;
  for (const auto& row : result.rows) {
    if (!row.untrained) continue;
    for (std::size_t k = 0; k < result.thresholds_km.size(); ++k) {
      const double km = result.thresholds_km[k];
      if (std::ranges::find(result.tested_km, km) == result.tested_km.end()) continue;
      table.rows.push_back({row.row.name, FormatDouble(km) + " km", WithDeviation(row.accuracy[k], 1),
                            WithDeviation(MeanAndDeviation(row.untrained->percent[k]), 1), PText(row.untrained->p[k])});
    }
  }
  return table;
}

TextTable Costs(const AblationResult& result) {
  const auto text = [](const std::optional<double>& value, double unit, int decimals) {
    return value ? Fixed(*value / unit, decimals) : std::string("-");
  };
  TextTable table;
  table.header = {"variant", "parameters (million)", "training (s)", "ms a photo", "gallery (MB)"};
  table.text_columns = 1;
  for (const auto& row : result.rows) {
    table.rows.push_back({row.row.name, text(row.costs.parameters, 1e6, 2), text(row.costs.train_seconds, 1, 0),
                          text(row.costs.ms_per_photo, 1, 1), text(row.costs.gallery_mb, 1, 1)});
  }
  return table;
}

std::string UntrainedNote(const AblationResult& result) {
  const std::string test = result.clusters ? "sign flips over " + Over(result) : "McNemar's exact test over photos";
  return "Untrained: the same model with its first weights. p: " + test +
         " at one seed, the largest of the seeds, not corrected.";
}
const std::string kCostsNote =
    "Costs are means over seeds: all numbers in the weights; seconds of the training's process and, a photo of the "
    "benchmark, of the network, the search and what follows, beside whatever else ran on the machine.";

const std::string kAccuracyNote =
    "Percent of all photos strictly within the distance: mean over seeds \u00b1 standard deviation (n - 1). The "
    "segmenter and its masks are the same for all rows and seeds: the deviation does not hold what another segmenter "
    "would change.";

std::string DifferencesNote(const AblationResult& result) {
  const std::string over = Over(result);
  std::string text = "Differences are percentage points against the reference row. p " + over +
                     ": sign-flip permutation test over " + over +
                     (result.clusters ? ", all photos of one together" : "") + ", each photo the mean over seeds; ";
  return text +
         "p seeds: paired t-test over seeds; both corrected by Holm over all rows and distances of this table. "
         "(seeds?): real for these trained models, not shown for other seeds.";
}

std::vector<std::string> Notes(const AblationResult& result) {
  std::vector<std::string> notes = {kAccuracyNote, DifferencesNote(result)};
  if (AnyUntrained(result)) notes.push_back(UntrainedNote(result));
  notes.push_back(kCostsNote);
  return notes;
}

std::string AblationCsv(const AblationResult& result) {
  std::ostringstream out;
  CsvWriter csv(out, {"variant", "reference", "benchmark", "synthetic", "photos", "seeds", "threshold_km", "mean", "sd",
                      "difference", "difference_low", "difference_high", "p_photos", "p_seeds", "holm_photos",
                      "holm_seeds", "verdict"});
  const auto optional = [](const std::optional<double>& value) { return value ? FormatDouble(*value) : ""; };
  for (const auto& row : result.rows) {
    for (std::size_t k = 0; k < result.thresholds_km.size(); ++k) {
      std::vector<std::string> cells = {row.row.name,
                                        row.reference ? "1" : "0",
                                        result.benchmark,
                                        result.synthetic ? "1" : "0",
                                        std::to_string(result.photos),
                                        std::to_string(result.seeds.size()),
                                        FormatDouble(result.thresholds_km[k]),
                                        FormatDouble(row.accuracy[k].mean),
                                        optional(row.accuracy[k].deviation)};
      const AblationTest* found = nullptr;
      for (const auto& test : row.tests) {
        if (test.threshold_km == result.thresholds_km[k]) found = &test;
      }
      if (found != nullptr) {
        for (const double value :
             {found->difference.value, found->difference.ci95.low, found->difference.ci95.high, found->p_photos}) {
          cells.push_back(FormatDouble(value));
        }
        cells.insert(cells.end(), {optional(found->p_seeds), FormatDouble(found->holm_photos),
                                   optional(found->holm_seeds), found->verdict});
      }
      cells.resize(17);
      csv.Row(cells);
    }
  }
  return out.str();
}

nlohmann::ordered_json OrNull(const std::optional<double>& value) {
  return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
}

std::string AblationJson(const AblationResult& result) {
  auto json = StudyJson(result);
  json["tested_km"] = result.tested_km;
  json["rows"] = nlohmann::ordered_json::array();
  for (const auto& row : result.rows) {
    nlohmann::ordered_json item;
    item["name"] = row.row.name;
    item["settings"] = nlohmann::ordered_json::object();
    for (const auto& [key, value] : row.row.settings) item["settings"][key] = value;
    item["base"] = row.reference;
    item["seeds"] = result.seeds;
    for (std::size_t k = 0; k < result.thresholds_km.size(); ++k) {
      const std::string km = FormatDouble(result.thresholds_km[k]);
      item["mean"][km] = row.accuracy[k].mean;
      item["sd"][km] = OrNull(row.accuracy[k].deviation);
      item["by_seed"][km] = row.percent[k];
    }
    item["geoscore"] = {{"mean", row.geoscore.mean}, {"sd", OrNull(row.geoscore.deviation)}};
    for (const auto& test : row.tests) {
      const std::string km = FormatDouble(test.threshold_km);
      item["difference"][km] = test.difference.value;
      item["difference_ci95"][km] = {test.difference.ci95.low, test.difference.ci95.high};
      item["p_photos"][km] = test.p_photos;
      item["p_seeds"][km] = OrNull(test.p_seeds);
      item["p"][km] = test.holm_photos;  // the corrected one, for readers that show one
      item["holm_seeds"][km] = OrNull(test.holm_seeds);
      item["verdict"][km] = test.verdict;
    }
    if (row.untrained) {
      for (std::size_t k = 0; k < result.thresholds_km.size(); ++k) {
        const std::string km = FormatDouble(result.thresholds_km[k]);
        item["untrained"]["by_seed"][km] = row.untrained->percent[k];
        item["untrained"]["p"][km] = row.untrained->p[k];
      }
    }
    item["costs"] = {{"parameters", OrNull(row.costs.parameters)},
                     {"train_seconds", OrNull(row.costs.train_seconds)},
                     {"ms_per_photo", OrNull(row.costs.ms_per_photo)},
                     {"gallery_mb", OrNull(row.costs.gallery_mb)}};
    json["rows"].push_back(std::move(item));
  }
  return EndedStudyJson(std::move(json), result, Notes(result));
}

}  // namespace

std::string FormatAblation(const AblationResult& result, TableFormat format) {
  if (format == TableFormat::kCsv) return AblationCsv(result);
  if (format == TableFormat::kJson) return AblationJson(result);
  std::string tables = RenderTable(Accuracies(result), format) + "\n" + RenderTable(Tests(result), format);
  if (AnyUntrained(result)) tables += "\n" + RenderTable(Untrained(result), format);
  tables += "\n" + RenderTable(Costs(result), format);
  return StudyText(result, tables, Notes(result), format);
}

}  // namespace dualgeo
