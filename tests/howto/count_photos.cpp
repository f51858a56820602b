// A made-up stage: how many photos were trained on.
#include "dualgeo/data/photo_table.h"
#include "stage.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

std::vector<Step> CountPhotosSteps(const Stage& self, const StageRun& run) {
  Step step = NewStep(self, run);
  const auto out = run.paths.root / "photos.txt";
  step.inputs = [=] { return ArtifactsOf(run.train, TablePart::kIds); };
  step.outputs = {FileArtifact("count", out)};
  step.run = [=](bool) {
    WriteFileAtomically(out, std::to_string(ReadPhotoTable(run.train.csv, run.train.columns).rows.size()) + "\n");
  };
  return {step};
}

}  // namespace

Stage CountPhotosStage() { return {.steps = CountPhotosSteps}; }

}  // namespace dualgeo
