// Evaluations as text: a table for people, papers or spreadsheets, and JSON for programs. LaTeX tables use booktabs
// (\usepackage{booktabs}).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "eval/metrics_json.h"
#include "eval/text_table.h"

namespace dualgeo {

// One row per evaluation and group of photos (all; answered only and without 0,0 answers where they differ). The note
// ("synthetic") and what the numbers mean stand below. kJson: MetricsJson, in an array when there are several.
std::string FormatTable(const std::vector<Evaluation>& evaluations, TableFormat format);

// The same table with the reported rows; error quantiles; recall at each k; continents and countries of the first
// evaluation, where they were added; leakage. In CSV one table, the column `photos` telling the rows apart. kJson:
// MetricsJson.
std::string FormatReport(const EvaluationReport& report, TableFormat format);

// IMG_ID,LAT,LON,LAT_pred,LON_pred,error_km,status,reason: one row per photo of the truth. Atomic.
void WriteErrors(const std::filesystem::path& path, const Evaluation& evaluation);

}  // namespace dualgeo
