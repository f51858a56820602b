// What a run cost: read from its files and the records of its steps. Times are those of the processes that made it, on
// whatever machine, beside whatever else it did.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/experiment.h"

namespace dualgeo {

// Nothing: not known, or the run has no such thing.
struct RunCosts {
  std::optional<double> parameters;     // numbers in the model's weights, frozen ones and fixed buffers included
  std::optional<double> train_seconds;  // with interrupted tries
  std::optional<double> ms_per_photo;   // of the benchmark: through the model, search, re-ranking, prediction
  std::optional<double> gallery_mb;     // 10^6 bytes of the gallery's folder
};

// photos: of the benchmark.
RunCosts CostsOf(const ExperimentOptions& run, const std::string& benchmark, std::int64_t photos);

// Of each, the mean of those that are known.
RunCosts MeanCosts(const std::vector<RunCosts>& costs);
// As far as they are known.
RunCosts SumOfCosts(const std::vector<RunCosts>& costs);

}  // namespace dualgeo
