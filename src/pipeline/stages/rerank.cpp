// The candidates in a better order.
#include "dualgeo/refine/reranker.h"

#include "stage.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;

Step RerankStep(const Stage& self, const StageRun& run, const PhotoSet& set) {
  const fs::path in = run.paths.candidates(set.name), out = run.paths.of(set.name, "reranked.csv");
  const RerankOptions rerank = RerankOf(run.options, run.paths);
  Step step = NewStep(self, run, set.name);
  step.inputs = [in, rerank] {
    std::vector<Artifact> inputs = {FileArtifact("candidates", in)};
    if (!rerank.parameters.empty()) inputs.push_back(FileArtifact("rerank.parameters", rerank.parameters));
    return inputs;
  };
  step.outputs = {FileArtifact("reranked", out)};
  step.run = [in, out, rerank, threads = run.options.runtime.threads](bool) {
    WriteCandidates(out, Rerank(rerank, ReadCandidates(in), threads));
  };
  return step;
}

}  // namespace

Stage RerankStage() {
  Stage stage;
  stage.reads = [](const ExperimentOptions&) { return ConfigReads{ConfigReads::kComputes, {"rerank"}}; };
  stage.steps = ForEachBenchmark<RerankStep>;
  stage.of_model = true;
  return stage;
}

}  // namespace dualgeo
