// Flags of the commands that turn photos into features: which photos, which model, or features made before.
#pragma once

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "config_flags.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/embed_job.h"
#include "dualgeo/util/error.h"
#include "pipeline/stages.h"

namespace dualgeo::tools {

// --config, --set and --checkpoint.
class ModelFlags : public ConfigFlags {
 public:
  void Add(CLI::App& command) {
    ConfigFlags::Add(command);
    command.add_option("--checkpoint", checkpoint_,
                       "checkpoint folder, or a weight file (safetensors, .pth); none: the untrained model (default: "
                       "checkpoint/best of the "
                       "config's run_dir)");
  }
  std::vector<InputPath> Inputs(const ExperimentOptions& options) const {
    return AllInputs({ConfigFlags::Inputs(options), {{"--checkpoint", checkpoint_ == "none" ? "" : checkpoint_}}});
  }
  std::filesystem::path Checkpoint(const ExperimentOptions& options) const {
    if (checkpoint_ == "none") return {};
    if (!checkpoint_.empty()) return checkpoint_;
    const auto found = RunCheckpoint(options.run_dir);
    if (!found.empty()) spdlog::info("checkpoint: {}", found.string());
    return found;
  }

 private:
  std::string checkpoint_;
};

// --photos, --images, --masks, --columns.
class PhotoFlags {
 public:
  CLI::Option* Add(CLI::App& command) {
    auto* photos = command.add_option("--photos", photos_, "photo table");
    command.add_option("--images", images_, "where the photos are: folder, tar, zip, shards (docs/sources.md)");
    command.add_option("--masks", masks_, "where the masks are, likewise; needed unless model.views is image");
    command.add_option("--columns", columns_, "the table's columns as id,lat,lon[,author]");
    return photos;
  }
  bool given() const { return !photos_.empty(); }
  std::vector<InputPath> Inputs() const {
    return {{"--photos", photos_}, {"--images", images_, InputKind::kPhotos}, {"--masks", masks_, InputKind::kPhotos}};
  }
  // What the config names, where the command line names nothing.
  void Default(const PhotoSetOptions& set) {
    photos_ = set.csv;
    images_ = set.images;
    masks_ = set.masks;
    default_columns_ = set.columns;
  }
  // needs_images: they are read, not only named.
  PhotoSet Set(bool needs_images) const {
    if (needs_images && images_.empty()) throw InputError("--images is needed: the folder or .tar of the photos");
    return {"photos", photos_, images_, masks_, ParsePhotoColumns("--columns", columns_, default_columns_)};
  }

 private:
  std::filesystem::path photos_, images_, masks_;
  std::string columns_;
  PhotoColumns default_columns_;
};

}  // namespace dualgeo::tools
