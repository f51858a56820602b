// Evaluations and comparisons as text: a table for people, papers or spreadsheets, and JSON for programs. LaTeX tables
// use booktabs (\usepackage{booktabs}).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/eval/compare.h"
#include "dualgeo/eval/evaluate.h"
#include "dualgeo/eval/leakage.h"
#include "dualgeo/eval/published.h"
#include "dualgeo/eval/recall.h"
#include "dualgeo/eval/significance.h"

namespace dualgeo {

enum class TableFormat { kMarkdown, kLatex, kCsv, kJson };

const std::vector<std::string>& TableFormatNames();
// Throws InputError naming what is allowed.
TableFormat ParseTableFormat(const std::string& name);

// What `dualgeo evaluate` shows.
struct EvaluationReport {
  std::vector<Evaluation> evaluations;  // the first is what was asked for; of candidates, the second is the oracle
  std::vector<RecallAtK> recall;        // of candidates
  std::vector<PublishedRow> published;  // shown below, as reported
  std::optional<LeakageStudy> leakage;
};

// One row per evaluation and group of photos (all; answered only and without 0,0 answers where they differ). The note
// ("synthetic") and what the numbers mean stand below. kJson: MetricsJson, in an array when there are several.
std::string FormatTable(const std::vector<Evaluation>& evaluations, TableFormat format);

// The same table with the reported rows; error quantiles; recall at each k; continents and countries of the first
// evaluation, where they were added; leakage. In CSV one table, the column `photos` telling the rows apart. kJson:
// MetricsJson.
std::string FormatReport(const EvaluationReport& report, TableFormat format);

// The metrics file: benchmark, count, answered, accuracy {"1": ..} in percent of all photos, ci95, median_km, mean_km,
// geoscore, quantiles_km, settings, provenance; answered_only, without_zero, continents, countries, zero_answers,
// unknown_ids. With `oracle`, that one's metrics under the key oracle. Ends in a line feed.
std::string MetricsJson(const Evaluation& evaluation, const Evaluation* oracle = nullptr);
// The first evaluation's, and recall, published and leakage.
std::string MetricsJson(const EvaluationReport& report);

// Markdown: one row per threshold, with the p-value.
std::string FormatComparison(const std::string& name_a, const std::string& name_b,
                             const std::vector<PairedComparison>& comparisons);

// Scores of each method, every test, the verdicts in words, and the photos that not every file has (in markdown and
// LaTeX the first twenty). CSV: the tests. kJson: all of it. provenance: nullptr: none.
std::string FormatComparison(const MethodComparison& comparison, TableFormat format,
                             const Provenance* provenance = nullptr);

// IMG_ID and one column a file, 1 where it has the photo, 0 where not; only photos in which files differ. Atomic.
void WriteUnmatched(const std::filesystem::path& path, const MethodComparison& comparison);

// IMG_ID,LAT,LON,LAT_pred,LON_pred,error_km,status,reason: one row per photo of the truth. Atomic.
void WriteErrors(const std::filesystem::path& path, const Evaluation& evaluation);

}  // namespace dualgeo
