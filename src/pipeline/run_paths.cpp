#include "dualgeo/pipeline/run_paths.h"

namespace dualgeo {

RerankOptions RerankOf(const ExperimentOptions& options, const RunPaths& paths) {
  RerankOptions rerank = options.rerank;
  if (HasStep(options, "fit_rerank")) rerank.parameters = paths.rerank_parameters().string();
  return rerank;
}

}  // namespace dualgeo
