// The metrics file of an evaluation, for programs and for the report.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "eval/leakage.h"
#include "eval/published.h"
#include "eval/recall.h"

namespace dualgeo {

// What `dualgeo evaluate` shows.
struct EvaluationReport {
  std::vector<Evaluation> evaluations;  // the first is what was asked for; of candidates, the second is the oracle
  std::vector<RecallAtK> recall;        // of candidates
  std::vector<PublishedRow> published;  // shown below, as reported
  std::optional<LeakageStudy> leakage;
  std::optional<LeakageRow> without_own;  // of candidates: shown below the first (WithoutOwnPhotos)
};

// The metrics file: benchmark, count, answered, accuracy {"1": ..} in percent of all photos, ci95, median_km, mean_km,
// geoscore, quantiles_km, settings, provenance; answered_only, without_zero, continents, countries, zero_answers,
// unknown_ids. With `oracle`, that one's metrics under the key oracle. Ends in a line feed.
std::string MetricsJson(const Evaluation& evaluation, const Evaluation* oracle = nullptr);
// The first evaluation's, and recall, published and leakage.
std::string MetricsJson(const EvaluationReport& report);
// Of one evaluation: its own; of several: an array.
std::string MetricsJson(const std::vector<Evaluation>& evaluations);

}  // namespace dualgeo
