#include "pipeline/run_costs.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "io/safetensors.h"
#include "pipeline/run_paths.h"
#include "pipeline/stages.h"
#include "stages/stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

std::optional<double> CountParameters(const fs::path& checkpoint) {
  const fs::path file = checkpoint / "model.safetensors";
  if (!fs::exists(file)) return std::nullopt;
  double count = 0;
  const SafetensorsFile weights(file);
  for (const auto& entry : weights.entries()) {
    if (!torch::isFloatingType(entry.dtype)) continue;
    double size = 1;
    for (const std::int64_t side : entry.shape) size *= static_cast<double>(side);
    count += size;
  }
  return count;
}

std::optional<double> Megabytes(const fs::path& folder) {
  if (!fs::exists(folder)) return std::nullopt;
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  }
  return bytes / 1e6;
}

// All steps that a benchmark's photos go through; nothing where one of them has no time.
std::optional<double> SecondsOfPhotos(const ExperimentOptions& run, const std::string& benchmark) {
  const RunPaths paths(run);
  double sum = 0;
  for (const char* stage : {"segment", "embed", "search", "rerank", "predict"}) {
    const Stage& one = StageNamed(stage);
    if (!IsWanted(one, run)) continue;
    const fs::path folder = one.folder != nullptr ? paths.In(one.folder) : paths.root;
    const auto seconds = SecondsOf(folder, std::string(stage) + "-" + benchmark);
    if (!seconds) return std::nullopt;
    sum += *seconds;
  }
  return sum;
}

constexpr auto kCosts = {&RunCosts::parameters, &RunCosts::train_seconds, &RunCosts::ms_per_photo,
                         &RunCosts::gallery_mb};

}  // namespace

RunCosts CostsOf(const ExperimentOptions& run, const std::string& benchmark, std::int64_t photos) {
  const RunPaths paths(run);
  RunCosts costs;
  if (!Routes(run)) {
    costs.parameters = CountParameters(paths.checkpoint());
    costs.train_seconds = SecondsOf(paths.In("model"), "train");
  }
  const auto seconds = SecondsOfPhotos(run, benchmark);
  if (seconds && photos > 0) costs.ms_per_photo = 1000 * *seconds / static_cast<double>(photos);
  if (IsWanted(StageNamed("gallery"), run)) costs.gallery_mb = Megabytes(paths.gallery());
  return costs;
}

RunCosts MeanCosts(const std::vector<RunCosts>& costs) {
  RunCosts mean = SumOfCosts(costs);
  for (const auto cost : kCosts) {
    const auto known = std::ranges::count_if(costs, [&](const RunCosts& one) { return (one.*cost).has_value(); });
    if (known > 0) *(mean.*cost) /= static_cast<double>(known);
  }
  return mean;
}

RunCosts SumOfCosts(const std::vector<RunCosts>& costs) {
  RunCosts sum;
  for (const auto cost : kCosts) {
    for (const RunCosts& one : costs) {
      if (one.*cost) sum.*cost = (sum.*cost).value_or(0) + *(one.*cost);
    }
  }
  return sum;
}

}  // namespace dualgeo
