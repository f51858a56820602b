// The synthetic world.
#include "synthetic/world.h"

#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

std::vector<Step> WorldSteps(const Stage& self, const StageRun& run) {
  const WorldStepOptions& world = run.options.world;
  const fs::path out = world.out;
  Step step = NewStep(self, run);
  const auto missing = [out](Contents&) { return Content{"listed", MissingWorldFiles(out)}; };
  step.outputs = {FileArtifact("world", out / "world.json"), {"photos", out, missing}};
  // Only a world of ours makes room: anything else there is the user's, and an error.
  step.make_room = {fs::exists(out / "world.json") ? out : out / "world.json"};
  step.completes = true;
  step.run = [&world, threads = run.options.runtime.threads](bool) { WriteWorld(world, world.out, threads); };
  step.found = [&world, out] {
    if (!IsWorldOf(world, out)) return Found::kOther;
    return MissingWorldFiles(out) == 0 ? Found::kWhole : Found::kPart;
  };
  return {step};
}

}  // namespace

Stage WorldStage() {
  return {
      .reads = {ConfigReads::kReads, {"world"}},
      .steps = WorldSteps,
      .takes_all_cores = true,
      .folder = "world",
      .key = [](const Stage& self, const ExperimentOptions& o) { return FieldsKey(self, o) + Spelled(o.world.out); }};
}

}  // namespace dualgeo
