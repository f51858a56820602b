// Options that `evaluate` and `compare` share: what is scored against which truth, and how.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/config/config.h"
#include "dualgeo/config/options_tree.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/eval/evaluate.h"
#include "dualgeo/eval/text_table.h"
#include "dualgeo/refine/predictions.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo::tools {

struct ScoreFlags {
  std::filesystem::path truth;
  std::string columns, truth_columns;
  std::string format = "markdown";
  std::string cluster;
  bool json = false;
  std::filesystem::path out;
  EvaluateOptions options;

  void Add(CLI::App& command) {
    command.add_option("--truth", truth, "photo table with the true coordinates")->required();
    command.add_option("--columns", columns, "id,lat,lon columns of the predictions [IMG_ID,LAT,LON]");
    command.add_option("--truth-columns", truth_columns, "id,lat,lon[,author] columns of the truth [IMG_ID,LAT,LON]");
    command.add_option("--distance", options.distance, Join(DistanceKindNames(), " | "))->capture_default_str();
    command.add_option("--thresholds-km", options.thresholds_km, "accuracy is the share of errors strictly below each")
        ->delimiter(',')
        ->capture_default_str();
    command.add_option("--interval", options.interval, "of accuracies: wilson | bootstrap")->capture_default_str();
    command.add_option("--bootstrap", options.bootstrap, "rounds; 0: no intervals of median, mean and GeoScore")
        ->capture_default_str();
    command.add_option("--seed", options.seed, "of the bootstrap")->capture_default_str();
    command.add_option("--cluster", cluster,
                       "column of the truth table (AUTHOR, say) whose photos are not independent: intervals and tests "
                       "are over its values");
    command.add_flag("--zero-is-failure", options.zero_is_failure, "score an answer at exactly 0, 0 as no answer");
    command.add_option("--format", format, Join(TableFormatNames(), " | "))->capture_default_str();
    command.add_flag("--json", json, "the same as --format json");
    command.add_option("--out", out, "write the JSON to this file as well");
  }

  TableFormat Format() const { return json ? TableFormat::kJson : ParseTableFormat(format); }

  // "IMG_ID,LAT_pred,LON_pred"
  PredictionColumns ReadColumns() const {
    if (columns.empty()) return {};
    const auto names = Names("--columns", columns, 3, "id,lat,lon");
    return {names[0], names[1], names[2]};
  }

  PhotoTable ReadTruth() const {
    PhotoColumns names;
    if (!truth_columns.empty()) {
      const auto given = Names("--truth-columns", truth_columns, 4, "id,lat,lon or id,lat,lon,author");
      names.id = given[0];
      names.lat = given[1];
      names.lon = given[2];
      if (given.size() > 3) names.author = given[3];
    }
    return ReadPhotoTable(truth, names);
  }

  std::optional<PhotoClusters> Clusters() const {
    if (cluster.empty()) return std::nullopt;
    return ReadClusters(truth, cluster);
  }

  // With the truth among its files.
  Provenance MakeProvenance() const {
    EvaluateOptions copy = options;
    Provenance provenance = ThisProvenance(DumpConfig(OptionTree(copy)), options.seed);
    provenance.AddFile("truth", truth);
    return provenance;
  }

 private:
  static std::vector<std::string> Names(const std::string& flag, const std::string& text, std::size_t most,
                                        const std::string& expected) {
    std::vector<std::string> names = CLI::detail::split(text, ',');
    bool bad = names.size() < 3 || names.size() > most;
    for (const auto& name : names) bad = bad || name.empty();
    if (bad) throw InputError(flag + " '" + Printable(text) + "': expected column names, " + expected);
    return names;
  }
};

}  // namespace dualgeo::tools
