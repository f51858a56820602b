#include <memory>

#include "commands.h"
#include "dualgeo/gallery/index.h"
#include "embed_flags.h"
#include "networks.h"
#include "pipeline/stages.h"
#include "ranks.h"

namespace dualgeo::tools {
namespace {

struct SearchArguments {
  ModelFlags model;
  PhotoFlags photos;
  std::filesystem::path texts, prototypes, features, out;
  std::vector<std::filesystem::path> galleries;

  PhotoSet Queries() const {
    if (texts.empty()) {
      if (!photos.given()) throw InputError("--photos is needed, or --texts: a table of what is searched for");
      return photos.Set(features.empty());
    }
    if (features.empty()) throw InputError("--features is needed with --texts (dualgeo embed text makes them)");
    PhotoColumns columns;
    columns.id = "id";
    return {"texts", texts, {}, {}, columns};
  }
};

}  // namespace

void AddSearch(CLI::App& root) {
  auto* command = root.add_subcommand("search", "find each photo's (or text's) most similar gallery items");
  const auto flags = std::make_shared<SearchArguments>();
  flags->model.Add(*command);
  command
      ->add_option("--gallery", flags->galleries,
                   "gallery folder, repeatable: all are searched together; none with search.finder cells")
      ->allow_extra_args(false);
  flags->model.Field(*command, "search.within");
  flags->model.Field(*command, "search.within_polygons");
  command->add_option("--prototypes", flags->prototypes, "with search.refine prototypes: made by cells prototypes");
  auto* photos = flags->photos.Add(*command);
  command->add_option("--texts", flags->texts, "table of texts (columns id, text), instead of --photos")
      ->excludes(photos);
  command->add_option("--features", flags->features, "features made by dualgeo embed, instead of --images");
  command->add_option("--out", flags->out, "candidates CSV")->required();
  command->callback(WithNetworks(OnAllRanks([flags] {
    const auto options = flags->model.Resolve();
    std::vector<InputPath> galleries;
    for (const auto& gallery : flags->galleries) galleries.push_back({"--gallery", gallery});
    for (const auto& gallery : options.search.galleries) galleries.push_back({"search.galleries", gallery});
    CheckOutputs(
        {{"--out", flags->out}},
        AllInputs({flags->model.Inputs(options),
                   flags->photos.Inputs(),
                   galleries,
                   {{"--prototypes", flags->prototypes}, {"--features", flags->features}, {"--texts", flags->texts}}}));
    SetIndexThreads(options.runtime.threads);
    const SearchCounts counts = SearchToFileFromConfig(
        options, flags->Queries(),
        {flags->model.Checkpoint(options), flags->galleries, flags->prototypes, flags->features, flags->out});
    spdlog::info("search: {} photos in {} -> {}", counts.photos,
                 FindsCells(options) ? "cells" : "a gallery of " + std::to_string(counts.gallery), flags->out.string());
  })));
}

}  // namespace dualgeo::tools
