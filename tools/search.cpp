#include "dualgeo/gallery/search.h"

#include <memory>

#include "commands.h"
#include "dualgeo/gallery/parts.h"
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
    CheckOutputs({{"--out", flags->out}},
                 AllInputs({flags->model.Inputs(),
                            flags->photos.Inputs(),
                            {{"--gallery", flags->gallery}, {"--features", flags->features}}}));
    SetIndexThreads(options.runtime.threads);
    auto gallery = LoadGallery(flags->gallery);
    const auto table = flags->photos.Read(Locations::kOptional);
    // What is embedded on the way has parts of its own, beside the search's.
    const std::filesystem::path embedded = flags->out.string() + ".features";
    const auto queries = flags->features.empty()
                             ? flags->photos.Embed(flags->model.Model(options), table, options, embedded)
                             : ReadFeatures(flags->features);
    SearchToFileFromConfig(options, flags->model.Model(options), gallery, queries, table, flags->out);
    if (flags->features.empty()) RemoveParts(embedded);
    spdlog::info("search: {} photos in a gallery of {} -> {}", queries.size(), gallery.info.count, flags->out.string());
  }));
}

}  // namespace dualgeo::tools
