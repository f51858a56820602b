// Flags of the commands that ask a finished run about photos: what is to be otherwise than in its config.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "util/output_path.h"

namespace dualgeo::tools {

struct LocatorFlags {
  std::string within, within_polygons;
  std::filesystem::path places;
  std::vector<std::string> set;

  void Add(CLI::App& command) {
    command
        .add_option("--set", set, "key.path=value, instead of the run's own: device=cpu, rerank.method=kde; repeatable")
        ->allow_extra_args(false);
    command.add_option("--within", within,
                       "keep to a part of the Earth, as search.within: box:SOUTH,WEST,NORTH,EAST, radius:LAT,LON,KM or "
                       "polygons:PROPERTY=NAME (default: the run's)");
    command.add_option("--within-polygons", within_polygons, "GeoJSON file of --within polygons:...");
    command.add_option("--places", places, "table of towns, for names (GeoNames' cities500.txt, or a CSV)");
  }

  // Flags win over --set, as everywhere.
  std::vector<std::string> Overrides() const {
    std::vector<std::string> all = set;
    if (!within.empty()) all.push_back("search.within=" + within);
    if (!within_polygons.empty()) all.push_back("search.within_polygons=" + within_polygons);
    return all;
  }

  std::vector<InputPath> Inputs() const { return {{"--places", places}, {"--within-polygons", within_polygons}}; }
};

}  // namespace dualgeo::tools
