// The candidates in a better order.
#include "refine/reranker.h"

#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

Step RerankStep(const Stage& self, const StageRun& run, const PhotoSet& set) {
  const fs::path in = run.paths.candidates(set.name), out = run.paths.of(set.name, "reranked.csv");
  const RerankOptions rerank = RerankOf(run.options, run.paths);
  Step step = NewStep(self, run, set.name);
  step.inputs = [=] {
    std::vector<Artifact> inputs = {FileArtifact("candidates", in)};
    if (!rerank.parameters.empty()) inputs.push_back(FileArtifact("rerank.parameters", rerank.parameters));
    return inputs;
  };
  step.outputs = {FileArtifact("reranked", out)};
  step.run = [=](bool) { WriteCandidates(out, Rerank(rerank, ReadCandidates(in), run.options.runtime.threads)); };
  return step;
}

}  // namespace

Stage RerankStage() {
  return {.reads = {ConfigReads::kComputes, {"rerank"}}, .steps = ForEachBenchmark<RerankStep>, .of_model = true};
}

}  // namespace dualgeo
