#include <memory>

#include "commands.h"
#include "dualgeo/gallery/index.h"
#include "dualgeo/pipeline/stages.h"
#include "embed_flags.h"
#include "networks.h"

namespace dualgeo::tools {
namespace {

struct SearchArguments {
  ModelFlags model;
  PhotoFlags photos;
  std::filesystem::path gallery, prototypes, features, out;
};

}  // namespace

void AddSearch(CLI::App& root) {
  auto* command = root.add_subcommand("search", "find each photo's most similar gallery items");
  const auto flags = std::make_shared<SearchArguments>();
  flags->model.Add(*command);
  command->add_option("--gallery", flags->gallery, "gallery folder; none with search.finder cells");
  command->add_option("--prototypes", flags->prototypes, "with search.refine prototypes: made by cells prototypes");
  flags->photos.Add(*command)->required();
  command->add_option("--features", flags->features, "features made by dualgeo embed, instead of --images");
  command->add_option("--out", flags->out, "candidates CSV")->required();
  command->callback(WithNetworks([flags] {
    const auto options = flags->model.Resolve();
    CheckOutputs(
        {{"--out", flags->out}},
        AllInputs(
            {flags->model.Inputs(),
             flags->photos.Inputs(),
             {{"--gallery", flags->gallery}, {"--prototypes", flags->prototypes}, {"--features", flags->features}}}));
    SetIndexThreads(options.runtime.threads);
    const SearchCounts counts = SearchToFileFromConfig(
        options, flags->photos.Set(flags->features.empty()),
        {flags->model.Checkpoint(options), flags->gallery, flags->prototypes, flags->features, flags->out});
    spdlog::info("search: {} photos in {} -> {}", counts.photos,
                 FindsCells(options) ? "cells" : "a gallery of " + std::to_string(counts.gallery), flags->out.string());
  }));
}

}  // namespace dualgeo::tools
