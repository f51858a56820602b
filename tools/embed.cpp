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

void Report(const FeatureSet& set, const std::filesystem::path& out) {
  std::vector<std::string> parts;
  for (const auto& [name, matrix] : set.features) parts.push_back(name + " [" + std::to_string(matrix.columns) + "]");
  spdlog::info("embed: {} rows of {} -> {}", set.size(), Join(parts), out.string());
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
    const auto table = flags->photos.Read(Locations::kOptional);
    const auto result = flags->photos.Embed(flags->model.Model(options), table, options);
    WriteFeatures(flags->out, result.features);
    Report(result.features, flags->out);
    spdlog::info("embed: {:.2f} photos/s", result.photos_per_second);
  }));

  auto* gps = command->add_subcommand("gps", "GPS embeddings of coordinates");
  const auto gps_flags = std::make_shared<EmbedArguments>();
  gps_flags->model.Add(*gps);
  gps->add_option("--coordinates", gps_flags->coordinates, "CSV with LAT, LON (and IMG_ID, if there are names)")
      ->required();
  gps->add_option("--out", gps_flags->out, "features (safetensors, tensor gps)")->required();
  gps->callback(WithNetworks([gps_flags] {
    const auto options = gps_flags->model.Resolve();
    const auto coordinates = ReadCoordinates(gps_flags->coordinates);
    const auto set = EmbedCoordinates(gps_flags->model.Model(options), coordinates);
    WriteFeatures(gps_flags->out, set);
    Report(set, gps_flags->out);
  }));
}

}  // namespace dualgeo::tools
