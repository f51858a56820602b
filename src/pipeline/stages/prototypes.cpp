// What the parts of the cells look like (PIGEON), made of the training photos once.
#include "dualgeo/gallery/prototypes.h"

#include "dualgeo/util/error.h"
#include "pipeline/stages.h"
#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

std::vector<Step> PrototypesSteps(const Stage& self, const StageRun& run) {
  const PrototypeFiles files{run.paths.checkpoint(), run.paths.train_features(), run.paths.prototypes()};
  Step step = NewStep(self, run);
  step.inputs = [=] {
    return std::vector{FolderArtifact("features", files.features),
                       TableArtifact("table", run.train.csv, run.train.columns, TablePart::kRows),
                       FileArtifact("partition", ModelOf(run.options).cells.partitions.back())};
  };
  step.outputs = {FileArtifact("prototypes", files.out)};
  step.run = [=](bool) { PrototypesFromConfig(run.options, run.train, files); };
  return {step};
}

}  // namespace

void PrototypesFromConfig(const ExperimentOptions& options, const PhotoSet& photos, const PrototypeFiles& files) {
  const auto partitions = ModelOf(options).cells.partitions;
  if (partitions.empty()) throw InputError("prototypes: model.cells.partitions: the list is empty");
  const Partition partition = Partition::Read(partitions.back());
  const PhotoTable table = ReadPhotoTable(photos.csv, photos.columns);
  const fs::path embedded = files.out.string() + ".features";
  const FeatureSet features = FeaturesFromConfig(options, photos, files.checkpoint, files.features, embedded);
  Prototypes::Build(features, table, partition, options.search.prototypes, KeepPartsOf(files.out)).Write(files.out);
  RemoveParts(files.out);
  if (files.features.empty()) RemoveParts(embedded);
}

Stage PrototypesStage() {
  return {.reads = {ConfigReads::kComputes,
                    {"search.prototypes.feature", "search.prototypes.min_samples", "search.prototypes.xi"}},
          .wanted = [](const ExperimentOptions& o) { return UsesPrototypes(o) && HasStep(o, "search"); },
          .steps = PrototypesSteps,
          .of_model = true,
          .folder = "prototypes",
          .after = "embed",
          .makes = {"prototypes.safetensors"}};
}

}  // namespace dualgeo
