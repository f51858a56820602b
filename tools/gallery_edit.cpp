#include "gallery_edit.h"

#include <memory>

#include "dualgeo/gallery/gallery_edit.h"
#include "embed_flags.h"
#include "networks.h"
#include "pipeline/stages.h"
#include "util/read_file.h"

namespace dualgeo::tools {
namespace {

struct AddArguments {
  ModelFlags model;
  PhotoFlags photos;
  std::filesystem::path gallery, features, out;
};

void TellEdited(const GalleryInfo& info, const std::filesystem::path& out) {
  spdlog::info("gallery: {} vectors of {} dimensions ({}, {}) -> {}", info.count, info.dimension, info.index,
               info.metric, out.string());
}

void AddPhotos(const AddArguments& flags) {
  auto options = flags.model.Resolve();
  CheckOutputs({{"--out", flags.out, OutputKind::kReplacedFolder}},
               AllInputs({flags.model.Inputs(options),
                          flags.photos.Inputs(),
                          {{"gallery", flags.gallery}, {"--features", flags.features}}}));
  SetIndexThreads(options.runtime.threads);
  const GalleryInfo info = ReadGalleryInfo(flags.gallery);
  PhotoTable table;
  FeatureSet set;
  if (info.kind == "gps") {
    if (flags.features.empty()) {
      throw InputError("--features is needed: a gallery of GPS points takes those of dualgeo embed gps");
    }
    set = ReadFeatures(flags.features);
  } else {
    if (!flags.photos.given()) throw InputError("--photos is needed: the table of the photos' places");
    options.gallery.kind = info.kind;
    options.gallery.features = info.features;
    options.gallery.normalize = info.normalize;
    const PhotoSet photos = flags.photos.Set(flags.features.empty());
    table = ReadPhotoTable(photos.csv, photos.columns);
    set = FeaturesFromConfig(options, photos, flags.model.Checkpoint(options), flags.features, flags.out);
  }
  TellEdited(AddToGallery(flags.gallery, set, table, options.gallery.duplicates, flags.out), flags.out);
  if (flags.features.empty()) RemoveParts(flags.out);
}

std::vector<std::string> ReadIdLines(const std::filesystem::path& path) {
  std::vector<std::string> ids;
  const std::string text = ReadFile(path);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string id = text.substr(begin, end - begin);
    if (!id.empty() && id.back() == '\r') id.pop_back();
    if (!id.empty()) ids.push_back(std::move(id));
    begin = end + 1;
  }
  if (ids.empty()) throw InputError(path.string() + ": names no ids, one a line");
  return ids;
}

}  // namespace

void AddGalleryEdits(CLI::App& gallery) {
  auto* add = gallery.add_subcommand("add", "a gallery with further photos (or points), into a new folder");
  const auto added = std::make_shared<AddArguments>();
  add->add_option("gallery", added->gallery, "gallery folder, which stays as it is")->required();
  added->model.Add(*add);
  added->photos.Add(*add);
  add->add_option("--features", added->features, "features made by dualgeo embed, instead of --images");
  add->add_option("--out", added->out, "the new gallery's folder")->required();
  add->callback(WithNetworks([added] { AddPhotos(*added); }));

  struct Removed {
    std::filesystem::path gallery, ids, out;
  };
  auto* remove = gallery.add_subcommand("remove", "a gallery without some photos, into a new folder");
  const auto removed = std::make_shared<Removed>();
  remove->add_option("gallery", removed->gallery, "gallery folder, which stays as it is")->required();
  remove->add_option("--ids", removed->ids, "text file of the ids (IMG_ID) to leave out, one a line")->required();
  remove->add_option("--out", removed->out, "the new gallery's folder")->required();
  remove->callback(WithNetworks([removed] {
    CheckOutputs({{"--out", removed->out, OutputKind::kReplacedFolder}},
                 {{"gallery", removed->gallery}, {"--ids", removed->ids}});
    TellEdited(RemoveFromGallery(removed->gallery, ReadIdLines(removed->ids), removed->out), removed->out);
  }));

  struct Merged {
    std::vector<std::filesystem::path> galleries;
    std::filesystem::path out;
  };
  auto* merge = gallery.add_subcommand("merge", "one gallery of several, into a new folder");
  const auto merged = std::make_shared<Merged>();
  merge->add_option("galleries", merged->galleries, "gallery folders, which stay as they are")->required();
  merge->add_option("--out", merged->out, "the new gallery's folder")->required();
  merge->callback(WithNetworks([merged] {
    std::vector<InputPath> inputs;
    for (const auto& one : merged->galleries) inputs.push_back({"gallery", one});
    CheckOutputs({{"--out", merged->out, OutputKind::kReplacedFolder}}, inputs);
    TellEdited(MergeGalleries(merged->galleries, merged->out), merged->out);
  }));
}

}  // namespace dualgeo::tools
