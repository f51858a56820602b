// Options that `evaluate` and `compare` share: what is scored against which truth, and how.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "config_flags.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/eval/evaluate.h"
#include "dualgeo/refine/predictions.h"
#include "dualgeo/util/text.h"
#include "eval/text_table.h"
#include "io/csv.h"

namespace dualgeo::tools {

struct ScoreFlags {
  ConfigFlags config;
  std::filesystem::path truth;
  std::string columns, truth_columns;
  std::string format = "markdown";
  bool json = false;
  std::filesystem::path out;

  void Add(CLI::App& command) {
    config.Add(command);
    command.add_option("--truth", truth, "photo table with the true coordinates")->required();
    command.add_option("--columns", columns, "id,lat,lon columns of the predictions [IMG_ID,LAT,LON]");
    command.add_option("--truth-columns", truth_columns, "id,lat,lon[,author] columns of the truth [IMG_ID,LAT,LON]");
    config.Field(command, "seed", {.help = "of the bootstrap"});
    command.add_option("--format", format, Join(TableFormatNames(), " | "))->capture_default_str();
    command.add_flag("--json", json, "the same as --format json");
    command.add_option("--out", out, "write the JSON to this file as well");
  }

  EvaluateOptions Options() const { return config.Resolve().evaluate; }
  TableFormat Format() const { return json ? TableFormat::kJson : ParseTableFormat(format); }

  PredictionColumns ReadColumns() const {
    PredictionColumns names;
    ParseColumnNames("--columns", columns, {{"id", &names.id}, {"lat", &names.lat}, {"lon", &names.lon}});
    return names;
  }

  PhotoTable ReadTruth() const { return ReadPhotoTable(truth, ParsePhotoColumns("--truth-columns", truth_columns)); }

  // With the truth among its files.
  Provenance MakeProvenance(EvaluateOptions options) const {
    Provenance provenance = ThisProvenance(DumpConfig(OptionTree(options)), options.seed);
    provenance.AddFile("truth", truth);
    return provenance;
  }
};

}  // namespace dualgeo::tools
