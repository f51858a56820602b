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
  void Field(CLI::App& command, const std::string& key, const FlagWords& words = {}) {
    config_.Field(command, key, words);
  }
  bool Given(const std::string& key) const { return config_.Given(key); }
  ExperimentOptions Resolve() const { return config_.Resolve(); }
  std::vector<InputPath> Inputs() const {
    return AllInputs({config_.Inputs(), {{"--checkpoint", checkpoint_ == "none" ? "" : checkpoint_}}});
  }
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
    command.add_option("--masks", masks_, "folder or .tar of masks; needed unless model.views is image");
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
  PhotoTable Read(Locations locations) const { return ReadPhotoTable(photos_, Columns(), locations); }
  EmbedPhotosJob Job(const EmbedModel& model, const PhotoTable& table, const ExperimentOptions& options) const {
    if (images_.empty()) throw InputError("--images is needed: the folder or .tar of the photos");
    return {model, table, images_, masks_, options.embed, options.data.loader};
  }
  static void WarnOfSkipped(const EmbedReport& report, const PhotoTable& table) {
    if (report.skipped.empty()) return;
    spdlog::warn("{} of {} photos could not be read and were left out", report.skipped.size(), table.rows.size());
  }
  // for_output: see EmbedPhotosToMemory.
  FeatureSet Embed(const EmbedModel& model, const PhotoTable& table, const ExperimentOptions& options,
                   const std::filesystem::path& for_output) const {
    auto result = EmbedPhotosToMemory(Job(model, table, options), for_output);
    WarnOfSkipped(result, table);
    return std::move(result.features);
  }

 private:
  PhotoColumns Columns() const { return ParsePhotoColumns("--columns", columns_, default_columns_); }

  std::filesystem::path photos_, images_, masks_;
  std::string columns_;
  PhotoColumns default_columns_;
};

}  // namespace dualgeo::tools
