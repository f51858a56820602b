// A benchmark out of the training photos: data.train split by author.
#include "dualgeo/data/split.h"
#include "dualgeo/model/head.h"
#include "dualgeo/pipeline/stages.h"
#include "dualgeo/util/random.h"
#include "stage.h"

namespace dualgeo {
namespace {

bool HoldsOut(const ExperimentOptions& options) { return options.data.holdout.fraction > 0; }

// What the heads learn from stays in the tables; nothing where they need no more than the places.
std::string FurtherColumns(const ExperimentOptions& options) {
  std::string text;
  for (const std::string& column : HeadColumns(options.model)) text += "column " + column + "\n";
  return text;
}

std::vector<Step> HoldoutSteps(const Stage& self, const StageRun& run) {
  Step step = NewStep(self, run);
  step.inputs = [&options = run.options] {
    const auto& set = options.data.train;
    return std::vector{TableArtifact("table", set.csv, set.columns, TablePart::kRows, HeadColumns(options.model))};
  };
  step.outputs = {FileArtifact("train", run.paths.table("train")), FileArtifact("holdout", run.paths.table(kHoldout))};
  step.run = [&options = run.options](bool) { WriteHoldout(options); };
  return {step};
}

}  // namespace

void WriteHoldout(const ExperimentOptions& options) {
  const PhotoTable table = ReadPhotoTable(options.data.train.csv, options.data.train.columns, Locations::kRequired,
                                          HeadColumns(options.model));
  const PhotoSplit split = SplitByAuthor(table, options.data.holdout.fraction,
                                         DeriveSeed(static_cast<std::uint64_t>(options.runtime.seed), "holdout"));
  const RunPaths paths(options);
  WritePhotoTable(paths.table("train"), split.train);
  WritePhotoTable(paths.table(kHoldout), split.validation);
}

Stage HoldoutStage() {
  return {.reads = {ConfigReads::kComputes, {"seed", "data.holdout"}},
          .wanted = HoldsOut,
          .steps = HoldoutSteps,
          .folder = "tables",
          .key =
              [](const Stage& self, const ExperimentOptions& o) {
                return SectionKey("data.train", o) + (HoldsOut(o) ? FieldsKey(self, o) + FurtherColumns(o) : "");
              },
          .makes = {"tables"}};
}

}  // namespace dualgeo
