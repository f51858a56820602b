// The same model before any training, as a floor: everything from the model on, once more, below untrained/.
#include "stage.h"

namespace dualgeo {
namespace {

std::vector<Step> UntrainedSteps(const Stage&, const StageRun& run) {
  const StageRun untrained = Untrained(run);
  std::vector<Step> steps;
  for (const Stage& stage : Stages()) {
    // Its model is made whether or not the run trains one.
    if (!stage.of_model || !(IsWanted(stage, run.options) || stage.name == std::string("train"))) continue;
    for (Step& step : stage.steps(stage, untrained)) steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace

StageRun Untrained(const StageRun& run) {
  StageRun untrained = run;
  untrained.paths = run.paths.untrained();
  untrained.untrained = true;
  return untrained;
}

Stage UntrainedStage() { return {.steps = UntrainedSteps, .in_studies = true, .makes = {"untrained"}}; }

}  // namespace dualgeo
