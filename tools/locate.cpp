#include <spdlog/spdlog.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "dualgeo/pipeline/locate.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "networks.h"

namespace dualgeo::tools {
namespace {

void PrintEstimate(const PlaceEstimate& estimate) {
  std::printf("  answer %.5f, %.5f: within %.1f km with probability one half;", estimate.location.lat,
              estimate.location.lon, estimate.confidence_km);
  for (std::size_t i = 0; i < kAccuracyKm.size(); ++i) {
    std::printf("%s %g km %.0f %%", i == 0 ? "" : ",", kAccuracyKm[i], 100 * estimate.within[i]);
  }
  std::printf("\n");
}

void PrintText(const std::vector<Location>& locations) {
  for (const auto& location : locations) {
    if (!location.error.empty()) continue;  // told on stderr
    std::printf("%s\n", Printable(location.photo.string(), 500).c_str());
    for (const auto& candidate : location.candidates) {
      std::printf("  %d. %10.5f, %10.5f  %s  (%s)\n", candidate.rank, candidate.location.lat, candidate.location.lon,
                  MapLink(candidate.location).c_str(), Printable(candidate.gallery_id).c_str());
    }
    if (location.estimate) PrintEstimate(*location.estimate);
    std::printf("  candidates lie within %.1f km of the first\n", location.spread_km);
  }
}

nlohmann::ordered_json EstimateJson(const PlaceEstimate& estimate) {
  nlohmann::ordered_json within;
  for (std::size_t i = 0; i < kAccuracyKm.size(); ++i) within[FormatDouble(kAccuracyKm[i])] = estimate.within[i];
  return {{"lat", estimate.location.lat},
          {"lon", estimate.location.lon},
          {"confidence_km", estimate.confidence_km},
          {"within_km", within}};
}

void PrintJson(const std::vector<Location>& locations) {
  auto array = nlohmann::ordered_json::array();
  for (const auto& location : locations) {
    nlohmann::ordered_json item = {{"photo", location.photo.string()}};
    if (!location.error.empty()) {
      item["error"] = location.error;
      array.push_back(std::move(item));
      continue;
    }
    item["spread_km"] = location.spread_km;
    if (location.estimate) item["estimate"] = EstimateJson(*location.estimate);
    for (const auto& candidate : location.candidates) {
      item["candidates"].push_back({{"rank", candidate.rank},
                                    {"lat", candidate.location.lat},
                                    {"lon", candidate.location.lon},
                                    {"gallery_id", candidate.gallery_id},
                                    {"map", MapLink(candidate.location)}});
    }
    array.push_back(std::move(item));
  }
  std::printf("%s\n", array.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

// After the answers: a photo that could not be read makes the command fail.
void TellErrors(const std::vector<Location>& locations) {
  std::vector<std::string> errors;
  for (const auto& location : locations) {
    if (!location.error.empty()) errors.push_back(location.error);
  }
  if (errors.size() == 1) throw InputError(errors.front());
  for (const auto& error : errors) spdlog::error("{}", error);
  if (!errors.empty()) {
    throw InputError(std::to_string(errors.size()) + " of " + std::to_string(locations.size()) +
                     " photos could not be read");
  }
}

struct Arguments {
  std::vector<std::filesystem::path> photos;
  std::filesystem::path run;
  std::string within, within_polygons;
  int top = 5;
  bool json = false;
};

}  // namespace

void AddLocate(CLI::App& root) {
  auto* command = root.add_subcommand("locate", "say where photos were taken, with a finished run");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("photos", arguments->photos, "photo files, or folders of them")->required();
  command->add_option("--run", arguments->run, "folder of a finished `dualgeo run`")->required();
  command->add_option("--top", arguments->top, "candidates shown for each photo")->check(CLI::Range(1, 1000));
  command->add_option("--within", arguments->within,
                      "keep to a part of the Earth, as search.within: box:SOUTH,WEST,NORTH,EAST, radius:LAT,LON,KM or "
                      "polygons:PROPERTY=NAME (default: the run's)");
  command->add_option("--within-polygons", arguments->within_polygons, "GeoJSON file of --within polygons:...");
  command->add_flag("--json", arguments->json, "print JSON");
  command->callback(WithNetworks([arguments] {
    const auto photos = ExpandFolders(arguments->photos);
    const auto locations =
        Locator(arguments->run, arguments->within, arguments->within_polygons).Locate(photos, arguments->top);
    arguments->json ? PrintJson(locations) : PrintText(locations);
    TellErrors(locations);
  }));
}

}  // namespace dualgeo::tools
