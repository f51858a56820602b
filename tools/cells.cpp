#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include "commands.h"
#include "config_flags.h"
#include "dualgeo/cells/build_partition.h"
#include "embed_flags.h"
#include "geo/cross_table.h"
#include "io/csv.h"
#include "networks.h"
#include "pipeline/stages.h"
#include "report/partition_map.h"
#include "util/atomic_file.h"

namespace dualgeo::tools {
namespace {

struct CellsFlags {
  std::filesystem::path coordinates, partition, out;
  std::vector<std::filesystem::path> partitions;
  FieldFlags fields;
};

void Build(const CellsFlags& flags) {
  PartitionOptions options;
  for (const auto& flag : flags.fields.given()) ApplyConfigFlag(OptionTree(options), flag);
  options.Validate();
  for (const auto& flag : flags.fields.given()) CheckBelongs(OptionTree(options), "cells", flag.key);
  CheckOutputs({{"--out", flags.out}}, {{"--coordinates", flags.coordinates}, {"--polygons", options.polygons}});
  const Coordinates places = ReadCoordinates(flags.coordinates, options.Columns());
  const Partition partition = BuildPartition(places, options);
  partition.Write(flags.out);
  std::int64_t inside = 0;
  for (const auto& cell : partition.cells()) inside += cell.count;
  const auto all = static_cast<std::int64_t>(places.locations.size());
  spdlog::info("cells: {} cells of {} places, {} places in no cell -> {}", partition.cells().size(), inside,
               all - inside, flags.out.string());
}

void Assign(const CellsFlags& flags) {
  CheckOutputs({{"--out", flags.out}}, {{"--partition", flags.partition}, {"--coordinates", flags.coordinates}});
  const Partition partition = Partition::Read(flags.partition);
  const Coordinates places = ReadCoordinates(flags.coordinates);
  CsvRows rows;
  for (const char* column : {"LAT", "LON", "label", "token"}) rows.Name(column);
  rows.EndRow();
  std::size_t outside = 0;
  for (const auto& place : places.locations) {
    const auto hit = partition.Find(place);
    rows.Number(place.lat);
    rows.Number(place.lon);
    rows.Field(hit ? std::to_string(partition.cells()[hit->cell].label) : "");
    rows.Field(hit ? hit->token.Token() : "");
    rows.EndRow();
    outside += hit ? 0 : 1;
  }
  WriteFileAtomically(flags.out, rows.text);
  spdlog::info("cells: {} places, {} in no cell -> {}", places.locations.size(), outside, flags.out.string());
}

void PrintPartition(const std::filesystem::path& path, const Partition& partition) {
  std::vector<std::int64_t> counts;
  std::map<int, std::size_t> levels;
  std::int64_t photos = 0;
  for (const auto& cell : partition.cells()) {
    counts.push_back(cell.count);
    photos += cell.count;
    for (const S2Cell part : cell.area) ++levels[part.level()];
  }
  std::ranges::sort(counts);
  const auto whole = [](std::int64_t n) { return static_cast<long long>(n); };
  std::printf("partition  %s\n", path.c_str());
  std::printf("cells      %zu, labels %lld to %lld\n", partition.cells().size(),
              whole(std::ranges::min(partition.cells(), {}, &PartitionCell::label).label),
              whole(std::ranges::max(partition.cells(), {}, &PartitionCell::label).label));
  std::printf("photos     %lld; a cell %lld to %lld, half of them at most %lld\n", whole(photos), whole(counts.front()),
              whole(counts.back()), whole(counts[(counts.size() - 1) / 2]));
  std::printf("S2 cells  ");
  for (const auto& [level, count] : levels)
    std::printf(" %zu of level %d%s", count, level, level == levels.rbegin()->first ? "" : ",");
  std::printf("\noverlaps   %zu S2 cells lie in a larger one of another cell; the finest wins\n",
              partition.CountNested());
}

void Info(const CellsFlags& flags) {
  std::vector<Partition> partitions;
  for (const auto& path : flags.partitions) {
    partitions.push_back(Partition::Read(path));
    PrintPartition(path, partitions.back());
    const std::size_t i = partitions.size() - 1;
    if (i == 0) continue;
    const auto parents = ParentsIn(partitions[i - 1], partitions[i]);
    const auto held = std::ranges::count_if(parents, [](const auto& parent) { return parent.has_value(); });
    std::printf("hierarchy  %td of %zu cells lie in one of %s\n", held, parents.size(),
                flags.partitions[i - 1].c_str());
  }
}

void Cross(const CellsFlags& flags) {
  std::vector<InputPath> inputs = {{"--coordinates", flags.coordinates}};
  for (const auto& path : flags.partitions) inputs.push_back({"partition", path});
  CheckOutputs({{"--out", flags.out}}, inputs);
  std::vector<Partition> partitions;
  for (const auto& path : flags.partitions) partitions.push_back(Partition::Read(path));
  const Coordinates places = ReadCoordinates(flags.coordinates);
  const auto crossed = Intersect(partitions, places.locations);
  CsvRows rows;
  for (std::size_t i = 1; i <= partitions.size(); ++i) rows.Name("label_" + std::to_string(i));
  for (const char* column : {"imgs_per_cell", "latitude_mean", "longitude_mean"}) rows.Name(column);
  rows.EndRow();
  std::int64_t inside = 0;
  for (const auto& cell : crossed) {
    for (std::size_t i = 0; i < partitions.size(); ++i) rows.Number(partitions[i].cells()[cell.cells[i]].label);
    rows.Number(cell.count);
    rows.Number(cell.mean.lat);
    rows.Number(cell.mean.lon);
    rows.EndRow();
    inside += cell.count;
  }
  WriteFileAtomically(flags.out, rows.text);
  spdlog::info("cells: {} combinations of {} places, {} places in no cell of one of them -> {}", crossed.size(), inside,
               static_cast<std::int64_t>(places.locations.size()) - inside, flags.out.string());
}

void Show(const CellsFlags& flags) {
  CheckOutputs({{"--out", flags.out}}, {{"partition", flags.partition}});
  WriteFileAtomically(flags.out,
                      PartitionMapSvg(Partition::Read(flags.partition), flags.partition.filename().string()));
}

struct PrototypeArguments {
  ModelFlags model;
  PhotoFlags photos;
  std::filesystem::path features, out;
};

void AddPrototypes(CLI::App& cells) {
  auto* command = cells.add_subcommand(
      "prototypes",
      "what the parts of each cell of the config's last partition look like, for search.refine prototypes");
  const auto flags = std::make_shared<PrototypeArguments>();
  flags->model.Add(*command);
  flags->photos.Add(*command)->required()->description("table of the training photos");
  command->add_option("--features", flags->features, "features made by dualgeo embed, instead of --images");
  command->add_option("--out", flags->out, "prototypes (safetensors)")->required();
  command->callback(WithNetworks([flags] {
    const auto options = flags->model.Resolve();
    CheckOutputs({{"--out", flags->out}},
                 AllInputs({flags->model.Inputs(options), flags->photos.Inputs(), {{"--features", flags->features}}}));
    const std::filesystem::path checkpoint = flags->features.empty() ? flags->model.Checkpoint(options) : "";
    PrototypesFromConfig(options, flags->photos.Set(flags->features.empty()),
                         {checkpoint, flags->features, flags->out});
    spdlog::info("cells: prototypes -> {}", flags->out.string());
  }));
}

}  // namespace

void AddCells(CLI::App& root) {
  auto* command = root.add_subcommand("cells", "divide the Earth into cells, and find the cells of places");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, void (*run)(const CellsFlags&)) {
    auto* sub = command->add_subcommand(name, help);
    const auto flags = std::make_shared<CellsFlags>();
    sub->callback([flags, run] { run(*flags); });
    return std::pair(sub, flags);
  };

  const auto [build, build_flags] = add("build", "make a partition of the places of a training set", Build);
  build->add_option("--coordinates", build_flags->coordinates, "CSV with LAT, LON")->required();
  build->add_option("--out", build_flags->out, "partition CSV")->required();
  PartitionOptions defaults;
  const OptionGroup tree = OptionTree(defaults);
  for (const auto& field : tree.fields) build_flags->fields.Add(*build, tree, field.name);

  const auto [assign, assign_flags] = add("assign", "the label and token of each place's cell", Assign);
  assign->add_option("--partition", assign_flags->partition, "partition CSV")->required();
  assign->add_option("--coordinates", assign_flags->coordinates, "CSV with LAT, LON")->required();
  assign->add_option("--out", assign_flags->out, "CSV LAT,LON,label,token; empty where a place is in no cell")
      ->required();

  const auto [info, info_flags] = add("info", "check partitions and print what they are", Info);
  info->add_option("partitions", info_flags->partitions,
                   "partition CSVs; of several, from coarse to fine, also how they nest")
      ->required();

  const auto [cross, cross_flags] =
      add("cross", "which combinations of cells places are in (CPlaNet's fine classes)", Cross);
  cross->add_option("partitions", cross_flags->partitions, "partition CSVs")->required();
  cross->add_option("--coordinates", cross_flags->coordinates, "CSV with LAT, LON")->required();
  cross->add_option("--out", cross_flags->out, "CSV label_1,label_2,...,imgs_per_cell,latitude_mean,longitude_mean")
      ->required();

  AddPrototypes(*command);

  const auto [show, show_flags] = add("show", "draw a map of a partition", Show);
  show->add_option("partition", show_flags->partition, "partition CSV")->required();
  show->add_option("--out", show_flags->out, "SVG file")->required();
}

}  // namespace dualgeo::tools
