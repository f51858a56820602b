#include "dualgeo/gallery/search.h"

#include <memory>

#include "commands.h"
#include "dualgeo/pipeline/stages.h"
#include "embed_flags.h"
#include "networks.h"

namespace dualgeo::tools {
namespace {

struct SearchArguments {
  ModelFlags model;
  PhotoFlags photos;
  std::filesystem::path gallery, features, out;
};

}  // namespace

void AddSearch(CLI::App& root) {
  auto* command = root.add_subcommand("search", "find each photo's most similar gallery items");
  const auto flags = std::make_shared<SearchArguments>();
  flags->model.Add(*command);
  command->add_option("--gallery", flags->gallery, "gallery folder")->required();
  flags->photos.Add(*command)->required();
  command->add_option("--features", flags->features, "features made by dualgeo embed, instead of --images");
  command->add_option("--out", flags->out, "candidates CSV")->required();
  command->callback(WithNetworks([flags] {
    const auto options = flags->model.Resolve();
    SetIndexThreads(options.runtime.threads);
    auto gallery = LoadGallery(flags->gallery);
    const auto table = flags->photos.Read(Locations::kOptional);
    const auto queries = flags->features.empty()
                             ? flags->photos.Embed(flags->model.Model(options), table, options).features
                             : ReadFeatures(flags->features);
    const auto lists = SearchFromConfig(options, flags->model.Model(options), gallery, queries, table);
    WriteCandidates(flags->out, lists);
    spdlog::info("search: {} photos in a gallery of {} -> {}", queries.size(), gallery.info.count, flags->out.string());
  }));
}

}  // namespace dualgeo::tools
