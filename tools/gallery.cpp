#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/pipeline/stages.h"
#include "embed_flags.h"
#include "networks.h"
#include "ranks.h"

namespace dualgeo::tools {
namespace {

struct BuildArguments {
  ModelFlags model;
  PhotoFlags photos;
  std::filesystem::path features, coordinates, out;
};

// What the command line leaves out, the config names.
PhotoSet Photos(BuildArguments& flags, const ExperimentOptions& options) {
  const bool gps = options.gallery.kind == "gps";
  if (gps && flags.features.empty() && flags.coordinates.empty()) {
    throw InputError("gallery.kind gps: --coordinates X.csv or --features F.safetensors (of embed gps) is needed");
  }
  if (!gps && !flags.photos.given()) {
    if (options.data.train.csv.empty()) {
      throw InputError("gallery.kind images: --photos P.csv is needed, or data.train.csv in the config");
    }
    flags.photos.Default(options.data.train);
  }
  return flags.photos.Set(!gps && flags.features.empty());
}

void PrintInfo(const std::filesystem::path& folder, bool json) {
  const auto gallery = LoadGallery(folder);
  const auto& info = gallery.info;
  const auto authors = std::count_if(gallery.items.begin(), gallery.items.end(),
                                     [](const GalleryItem& item) { return !item.author.empty(); });
  const nlohmann::ordered_json identical =
      info.identical_photos ? nlohmann::ordered_json(*info.identical_photos) : nlohmann::ordered_json();
  if (json) {
    const nlohmann::ordered_json object = {{"gallery", folder.string()},
                                           {"kind", info.kind},
                                           {"count", info.count},
                                           {"dimension", info.dimension},
                                           {"metric", info.metric},
                                           {"index", info.index},
                                           {"features", info.features},
                                           {"normalize", info.normalize},
                                           {"model", info.model},
                                           {"items_with_author", authors},
                                           {"identical_photos", identical},
                                           {"duplicates", info.duplicates},
                                           {"index_sha256", info.index_sha256},
                                           {"items_sha256", info.items_sha256}};
    std::printf("%s\n", object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return;
  }
  std::printf("gallery    %s\n", folder.c_str());
  std::printf("kind       %s\n", info.kind.c_str());
  std::printf("items      %lld (%lld with an author)\n", static_cast<long long>(info.count),
              static_cast<long long>(authors));
  if (info.identical_photos.value_or(0) > 0) {
    std::printf("identical  %lld photos were byte-identical to another one (gallery.duplicates: %s)\n",
                static_cast<long long>(*info.identical_photos), info.duplicates.c_str());
  }
  std::printf("vectors    %lld-d, %s\n", static_cast<long long>(info.dimension), info.metric.c_str());
  std::printf("features   %s%s\n", Printable(Join(info.features)).c_str(), info.normalize ? "" : " (not normalised)");
  std::printf("index      %s\n", Printable(info.index).c_str());
  std::printf("model      %s\n", info.model.empty() ? "not known" : Printable(info.model).c_str());
  std::printf("files      agree (index.faiss %s, items.csv %s)\n", info.index_sha256.substr(0, 12).c_str(),
              info.items_sha256.substr(0, 12).c_str());
}

}  // namespace

void AddGallery(CLI::App& root) {
  auto* command = root.add_subcommand("gallery", "build or inspect what is searched");
  command->require_subcommand(1);

  auto* build = command->add_subcommand("build", "index photos, or GPS points (gallery.kind gps)");
  const auto flags = std::make_shared<BuildArguments>();
  flags->model.Add(*build);
  flags->photos.Add(*build)->description("photo table with places (default: data.train of the config)");
  build->add_option("--features", flags->features, "features made by dualgeo embed, instead of --images");
  build->add_option("--coordinates", flags->coordinates, "gallery.kind gps: CSV with LAT, LON");
  build->add_option("--out", flags->out, "gallery folder")->required();
  build->callback(WithNetworks(OnAllRanks([flags] {
    const auto options = flags->model.Resolve();
    options.gallery.Validate();
    const auto& train = options.data.train;
    const bool from_config = !flags->photos.given() && options.gallery.kind == "images";
    CheckOutputs({{"--out", flags->out, OutputKind::kReplacedFolder}},
                 AllInputs({flags->model.Inputs(),
                            flags->photos.Inputs(),
                            {{"--features", flags->features},
                             {"--coordinates", flags->coordinates},
                             {"data.train.csv", from_config ? train.csv : ""},
                             {"data.train.images", from_config ? train.images : "", InputKind::kPhotos},
                             {"data.train.masks", from_config ? train.masks : "", InputKind::kPhotos}}}));
    CheckGalleryFolder(flags->out);
    SetIndexThreads(options.runtime.threads);
    const auto info =
        GalleryFromConfig(options, Photos(*flags, options),
                          {flags->model.Checkpoint(options), flags->features, flags->coordinates, flags->out});
    spdlog::info("gallery: {} vectors of {} dimensions ({}, {}) -> {}", info.count, info.dimension, info.index,
                 info.metric, flags->out.string());
  })));

  auto* show = command->add_subcommand("info", "check a gallery's files and print what it is");
  const auto folder = std::make_shared<std::filesystem::path>();
  const auto json = std::make_shared<bool>(false);
  show->add_option("gallery", *folder, "gallery folder")->required();
  show->add_flag("--json", *json, "print JSON");
  show->callback(WithNetworks([folder, json] { PrintInfo(*folder, *json); }));
}

}  // namespace dualgeo::tools
