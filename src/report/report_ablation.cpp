// Parts taken away or exchanged, one row each.

#include "html.h"
#include "report_sections.h"

namespace dualgeo {

std::string AblationSection(const Report& report) {
  if (!report.ablation || report.ablation->rows.empty()) {
    return AbsentHtml("No ablation table: the run has no ablation.json (dualgeo ablate makes it).");
  }
  const ReportAblation& ablation = *report.ablation;
  HtmlTable table;
  table.caption =
      "Ablation" + (ablation.benchmark.empty() ? "" : " on " + ablation.benchmark) +
      (ablation.synthetic ? " (synthetic)" : "") +
      ": percent of all photos, mean \u00b1 standard deviation over seeds; below, the difference from the base row";
  table.header = {"row", "settings", "seeds"};
  table.text_columns = 2;
  for (const double km : ablation.thresholds_km) table.header.push_back("< " + ThresholdName(km));
  for (const auto& row : ablation.rows) {
    std::vector<std::string> cells = {row.name + (row.base ? " (base)" : ""), row.settings,
                                      row.seeds > 0 ? std::to_string(row.seeds) : "-"};
    for (const double km : ablation.thresholds_km) {
      const auto found = row.accuracy.find(km);
      if (found == row.accuracy.end()) {
        cells.emplace_back("-");
        continue;
      }
      const ReportAblation::Value& value = found->second;
      std::string cell = Decimals(value.mean, 1);
      if (value.deviation) cell += " \u00b1 " + Decimals(*value.deviation, 1);
      std::string below;
      if (value.difference) below = (*value.difference > 0 ? "+" : "") + Decimals(*value.difference, 1);
      if (value.p) {
        if (!below.empty()) below += ", ";
        below += *value.p < 0.001 ? "p < 0.001" : "p = " + Decimals(*value.p, 3);
      }
      if (!below.empty()) cell += "\n" + below;
      cells.push_back(std::move(cell));
    }
    table.rows.push_back(std::move(cells));
  }
  return TableHtml(table);
}

}  // namespace dualgeo
