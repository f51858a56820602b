#include "pipeline/run_paths.h"

#include <algorithm>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

ModelOptions ModelOf(const ExperimentOptions& options) {
  ModelOptions model = options.model;
  for (std::string& partition : model.cells.partitions) {
    if (options.partitions.contains(partition)) {
      partition = RunPaths(options).partition(partition).string();
    } else if (!options.partitions.empty() && !std::filesystem::exists(partition)) {
      std::vector<std::string> names;
      for (const auto& item : options.partitions) names.push_back(item.first);
      throw InputError("model.cells.partitions: '" + partition +
                       "' is neither a file nor one of partitions: " + Join(names));
    }
  }
  if (StartsFromSegmenter(options)) {
    model.image_encoder.weights = SegmenterWeights(options, RunPaths(options)).string();
  }
  return model;
}

bool StartsFromSegmenter(const ExperimentOptions& options) {
  return options.model.has_image() && options.model.image_encoder.weights == "segmenter" &&
         options.model.image_encoder.type == "mit";
}

std::filesystem::path SegmenterWeights(const ExperimentOptions& options, const RunPaths& paths) {
  return options.model.segmenter.weights ? std::filesystem::path(*options.model.segmenter.weights) : paths.segmenter();
}

bool MakesPartitions(const ExperimentOptions& options) {
  return std::ranges::any_of(options.model.cells.partitions,
                             [&](const std::string& name) { return options.partitions.contains(name); });
}

RerankOptions RerankOf(const ExperimentOptions& options, const RunPaths& paths) {
  RerankOptions rerank = options.rerank;
  if (HasStep(options, "fit_rerank")) rerank.parameters = paths.rerank_parameters().string();
  return rerank;
}

}  // namespace dualgeo
