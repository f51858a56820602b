// A benchmark out of the training photos: data.train split by author.
#include <algorithm>

#include "data/split.h"
#include "dualgeo/model/head.h"
#include "dualgeo/util/random.h"
#include "pipeline/stages.h"
#include "stage.h"

namespace dualgeo {
namespace {

bool HoldsOut(const ExperimentOptions& options) { return options.data.holdout.fraction > 0; }

// What the heads learn from and partitions divide by stays in the tables; nothing where they need no more than places.
std::vector<std::string> FurtherColumns(const ExperimentOptions& options) {
  std::vector<std::string> columns = HeadColumns(options.model);
  if (!MakesPartitions(options)) return columns;
  for (const auto& item : options.partitions) {
    for (const std::string& column : item.second.Columns()) {
      if (std::ranges::find(columns, column) == columns.end()) columns.push_back(column);
    }
  }
  return columns;
}

std::string ColumnsKey(const ExperimentOptions& options) {
  std::string text;
  for (const std::string& column : FurtherColumns(options)) text += "column " + column + "\n";
  return text;
}

std::vector<Step> HoldoutSteps(const Stage& self, const StageRun& run) {
  Step step = NewStep(self, run);
  step.inputs = [&options = run.options] {
    const auto& set = options.data.train;
    return std::vector{TableArtifact("table", set.csv, set.columns, TablePart::kRows, FurtherColumns(options))};
  };
  step.outputs = {FileArtifact("train", run.paths.table("train")), FileArtifact("holdout", run.paths.table(kHoldout))};
  step.run = [&options = run.options](bool) { WriteHoldout(options); };
  return {step};
}

}  // namespace

void WriteHoldout(const ExperimentOptions& options) {
  const PhotoTable table =
      ReadPhotoTable(options.data.train.csv, options.data.train.columns, Locations::kRequired, FurtherColumns(options));
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
                return SectionKey("data.train", o) + (HoldsOut(o) ? FieldsKey(self, o) + ColumnsKey(o) : "");
              },
          .makes = {"tables"}};
}

}  // namespace dualgeo
