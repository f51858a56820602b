// The divisions of the Earth that `partitions` names, made of the training photos' places.
#include <spdlog/spdlog.h>

#include "pipeline/stages.h"
#include "stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

Coordinates PlacesToDivide(const PhotoSet& photos, const std::vector<std::string>& columns) {
  const PhotoTable table = ReadPhotoTable(photos.csv, photos.columns, Locations::kRequired, columns);
  Coordinates places;
  places.path = photos.csv;
  places.columns.resize(columns.size());
  for (const PhotoRow& row : table.rows) {
    places.locations.push_back(*row.location);
    places.lines.push_back(row.line);
    for (std::size_t i = 0; i < columns.size(); ++i) places.columns[i].push_back(row.values[i]);
  }
  return places;
}

Step PartitionStep(const Stage& self, const StageRun& run, const std::string& name, const PartitionOptions& options) {
  const fs::path out = run.paths.partition(name);
  Step step = NewStep(self, run, name);
  // Another partition's options are not this one's.
  const auto of_others = [&](const auto& field) { return !field.first.starts_with("partitions." + name + "."); };
  std::erase_if(step.fields.result, of_others);
  std::erase_if(step.fields.files, of_others);
  step.inputs = [photos = run.train, options] {
    const TablePart part = options.Columns().empty() ? TablePart::kRows : TablePart::kCells;
    return std::vector{TableArtifact("training table", photos.csv, photos.columns, part)};
  };
  step.outputs = {FileArtifact("partition", out)};
  step.run = [photos = run.train, options, out](bool) { MakePartition(photos, options, out); };
  return step;
}

std::vector<Step> PartitionSteps(const Stage& self, const StageRun& run) {
  std::vector<Step> steps;
  for (const auto& [name, options] : run.options.partitions) steps.push_back(PartitionStep(self, run, name, options));
  return steps;
}

}  // namespace

void MakePartition(const PhotoSet& photos, const PartitionOptions& options, const fs::path& out) {
  const Coordinates places = PlacesToDivide(photos, options.Columns());
  const Partition partition = BuildPartition(places, options);
  partition.Write(out);
  std::int64_t inside = 0;
  for (const auto& cell : partition.cells()) inside += cell.count;
  spdlog::info("partitions: {} cells of {} photos, {} photos in no cell -> {}", partition.cells().size(), inside,
               std::ssize(places.locations) - inside, out.string());
}

Stage PartitionsStage() {
  return {.reads = {ConfigReads::kReads, {"partitions"}},
          .wanted = MakesPartitions,
          .steps = PartitionSteps,
          .folder = "partitions",
          .after = "holdout",
          .makes = {"partitions"}};
}

}  // namespace dualgeo
