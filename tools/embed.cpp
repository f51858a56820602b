#include <memory>

#include "commands.h"
#include "embed_flags.h"
#include "networks.h"

namespace dualgeo::tools {
namespace {

struct EmbedArguments {
  ModelFlags model;
  PhotoFlags photos;
  std::filesystem::path coordinates, out;
};

void Report(const EmbedReport& report, const std::filesystem::path& out) {
  std::vector<std::string> features;
  for (const auto& [name, columns] : report.columns) features.push_back(name + " [" + std::to_string(columns) + "]");
  spdlog::info("embed: {} rows of {} -> {}", report.rows, Join(features), out.string());
}

}  // namespace

void AddEmbed(CLI::App& root) {
  auto* command = root.add_subcommand("embed", "turn photos or coordinates into features");
  command->require_subcommand(1);

  auto* photos = command->add_subcommand("photos", "features of photos");
  const auto flags = std::make_shared<EmbedArguments>();
  flags->model.Add(*photos);
  flags->photos.Add(*photos)->required();
  photos->add_option("--out", flags->out, "features (safetensors)")->required();
  photos->callback(WithNetworks([flags] {
    const auto options = flags->model.Resolve();
    CheckOutputs({{"--out", flags->out}}, AllInputs({flags->model.Inputs(), flags->photos.Inputs()}));
    const auto report = EmbedFromConfig(options, flags->photos.Set(true), flags->model.Checkpoint(options), flags->out);
    Report(report, flags->out);
    spdlog::info("embed: {:.2f} photos/s", report.photos_per_second);
  }));

  auto* gps = command->add_subcommand("gps", "GPS embeddings of coordinates");
  const auto gps_flags = std::make_shared<EmbedArguments>();
  gps_flags->model.Add(*gps);
  gps->add_option("--coordinates", gps_flags->coordinates, "CSV with LAT, LON (and IMG_ID, if there are names)")
      ->required();
  gps->add_option("--out", gps_flags->out, "features (safetensors, tensor gps)")->required();
  gps->callback(WithNetworks([gps_flags] {
    const auto options = gps_flags->model.Resolve();
    CheckOutputs({{"--out", gps_flags->out}},
                 AllInputs({gps_flags->model.Inputs(), {{"--coordinates", gps_flags->coordinates}}}));
    const auto coordinates = ReadCoordinates(gps_flags->coordinates);
    const EmbedModel model = ModelFromConfig(options, gps_flags->model.Checkpoint(options));
    Report(EmbedCoordinatesToFile(model, coordinates, gps_flags->out), gps_flags->out);
  }));
}

}  // namespace dualgeo::tools
