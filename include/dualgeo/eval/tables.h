// Evaluations as text: a table for people, papers or spreadsheets, and JSON for programs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "dualgeo/eval/significance.h"

namespace dualgeo {

enum class TableFormat { kMarkdown, kLatex, kCsv, kJson };

const std::vector<std::string>& TableFormatNames();
// Throws InputError naming what is allowed.
TableFormat ParseTableFormat(const std::string& name);

// One row per evaluation and group of photos (all; answered only and without 0,0 answers where they differ). The note
// ("synthetic") and what the numbers mean stand below. kJson: MetricsJson, in an array when there are several.
std::string FormatTable(const std::vector<Evaluation>& evaluations, TableFormat format);

// The metrics file: benchmark, count, answered, accuracy {"1": ..} in percent of all photos, ci95, median_km, mean_km,
// geoscore, settings; and answered_only, without_zero, zero_answers, unknown_ids. With `oracle`, that one's metrics
// under the key oracle. Ends in a line feed.
std::string MetricsJson(const Evaluation& evaluation, const Evaluation* oracle = nullptr);

// Markdown: one row per threshold, with the p-value.
std::string FormatComparison(const std::string& name_a, const std::string& name_b,
                             const std::vector<PairedComparison>& comparisons);

// IMG_ID,LAT,LON,LAT_pred,LON_pred,error_km,status,reason: one row per photo of the truth. Atomic.
void WriteErrors(const std::filesystem::path& path, const Evaluation& evaluation);

}  // namespace dualgeo
