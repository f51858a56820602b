// The run as one HTML file.
#include "pipeline/report.h"

#include "stage.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

std::vector<Step> ReportSteps(const Stage& self, const StageRun& run) {
  const std::filesystem::path root = run.paths.root, out = root / "report.html";
  Step step = NewStep(self, run);
  step.inputs = [root] {
    std::vector<Artifact> inputs;
    for (const auto& file : ReportInputs(root)) {
      inputs.push_back(FileArtifact(file.lexically_relative(root).string(), file));
    }
    return inputs;
  };
  step.outputs = {FileArtifact("report", out)};
  step.run = [root, out](bool) { WriteFileAtomically(out, ReportHtml(GatherReport(root))); };
  return {step};
}

}  // namespace

Stage ReportStage() { return {.steps = ReportSteps, .reads_run_config = true}; }

}  // namespace dualgeo
