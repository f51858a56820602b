// Flags of the commands that turn photos into features: which photos, which model, or features made before.
#pragma once

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "config_flags.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/embed_job.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo::tools {

// --config, --set and --checkpoint.
class ModelFlags {
 public:
  void Add(CLI::App& command) {
    config_.Add(command);
    command.add_option("--checkpoint", checkpoint_,
                       "checkpoint folder, or a weight file (safetensors, .pth); none: the untrained model (default: "
                       "checkpoint/best of the "
                       "config's run_dir)");
  }
  ExperimentOptions Resolve() const { return config_.Resolve(); }
  EmbedModel Model(const ExperimentOptions& options) const {
    EmbedModel model{options.model, options.loss, options.runtime, checkpoint_};
    if (checkpoint_ == "none") model.checkpoint.clear();
    if (checkpoint_.empty()) {
      model.checkpoint = RunCheckpoint(options.run_dir);
      if (!model.checkpoint.empty()) spdlog::info("checkpoint: {}", model.checkpoint.string());
    }
    return model;
  }

 private:
  ConfigFlags config_;
  std::string checkpoint_;
};

// --photos, --images, --masks, --columns.
class PhotoFlags {
 public:
  CLI::Option* Add(CLI::App& command) {
    auto* photos = command.add_option("--photos", photos_, "photo table");
    command.add_option("--images", images_, "folder or .tar of the photos");
    command.add_option("--masks", masks_, "folder of masks; needed unless model.views is image");
    command.add_option("--columns", columns_, "the table's columns as id,lat,lon[,author]");
    return photos;
  }
  bool given() const { return !photos_.empty(); }
  // What the config names, where the command line names nothing.
  void Default(const PhotoSetOptions& set) {
    photos_ = set.csv;
    images_ = set.images;
    masks_ = set.masks;
    default_columns_ = set.columns;
  }
  PhotoTable Read(Locations locations) const { return ReadPhotoTable(photos_, Columns(), locations); }
  EmbedResult Embed(const EmbedModel& model, const PhotoTable& table, const ExperimentOptions& options) const {
    if (images_.empty()) throw InputError("--images is needed: the folder or .tar of the photos");
    auto result = EmbedPhotoTable(model, table, images_, masks_, options.embed, options.data.loader);
    if (!result.skipped.empty()) {
      spdlog::warn("{} of {} photos could not be read and were left out", result.skipped.size(), table.rows.size());
    }
    return result;
  }

 private:
  PhotoColumns Columns() const {
    PhotoColumns columns = default_columns_;
    if (columns_.empty()) return columns;
    std::vector<std::string> names;
    std::istringstream stream(columns_);
    for (std::string name; std::getline(stream, name, ',');) names.push_back(name);
    if (names.size() < 3 || names.size() > 4) {
      throw InputError("--columns '" + Printable(columns_) +
                       "': expected three or four column names, id,lat,lon,author");
    }
    columns.id = names[0];
    columns.lat = names[1];
    columns.lon = names[2];
    if (names.size() == 4) columns.author = names[3];
    return columns;
  }

  std::filesystem::path photos_, images_, masks_;
  std::string columns_;
  PhotoColumns default_columns_;
};

}  // namespace dualgeo::tools
