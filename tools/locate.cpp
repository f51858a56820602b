#include <spdlog/spdlog.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "config_flags.h"
#include "dualgeo/pipeline/locate.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "locator_flags.h"
#include "networks.h"
#include "pipeline/location_json.h"
#include "serve/location_page.h"
#include "util/atomic_file.h"
#include "util/output_path.h"

namespace dualgeo::tools {
namespace {

void PrintAnswer(const Location& location) {
  if (!location.estimate) return;
  const PlaceEstimate& estimate = *location.estimate;
  std::printf("  %s: %.5f, %.5f  %s\n", Printable(PlaceWords(location), 200).c_str(), estimate.location.lat,
              estimate.location.lon, MapLink(estimate.location).c_str());
  std::printf("  %s\n ", SureWords(estimate).c_str());
  for (std::size_t i = 0; i < kAccuracyKm.size(); ++i) {
    std::printf("%s within %g km %s", i == 0 ? "" : ",", kAccuracyKm[i], PercentWords(estimate.within[i]).c_str());
  }
  std::printf("; one half within %.1f km\n", estimate.confidence_km);
  for (const auto& area : location.areas) {
    std::printf("%s%.0f %% in %.*f km2, up to %.*f km from there",
                &area == &location.areas.front() ? "  smallest areas: " : "; ", 100 * area.share, area.km2 < 10 ? 1 : 0,
                area.km2, area.reach_km < 10 ? 1 : 0, area.reach_km);
  }
  if (!location.areas.empty()) std::printf("\n");
}

void PrintText(const std::vector<Location>& locations) {
  for (const auto& location : locations) {
    if (!location.error.empty()) continue;  // told on stderr
    std::printf("%s\n", Printable(location.photo.string(), 500).c_str());
    PrintAnswer(location);
    // Candidates that agree say little: of a photo of no place in the gallery they may all be wrong.
    std::printf("  candidates, within %.1f km of the first; they may all be wrong:\n", location.spread_km);
    for (const auto& candidate : location.candidates) {
      std::printf("  %d. %10.5f, %10.5f  %s  (%s)\n", candidate.rank, candidate.location.lat, candidate.location.lon,
                  MapLink(candidate.location).c_str(), Printable(candidate.gallery_id).c_str());
    }
  }
}

void PrintJson(const std::vector<Location>& locations) {
  auto array = nlohmann::ordered_json::array();
  for (const auto& location : locations) array.push_back(LocationJson(location));
  std::printf("%s\n", array.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

// What is given and holds no photos costs as little as a bad photo: it is told after the answers. Throws InputError
// where nothing else is given.
std::vector<std::filesystem::path> PhotosOf(const std::vector<std::filesystem::path>& given,
                                            std::vector<std::string>& errors) {
  std::vector<std::filesystem::path> photos;
  for (const auto& path : given) {
    try {
      for (auto& photo : ExpandFolders({path})) photos.push_back(std::move(photo));
    } catch (const InputError& error) {
      errors.emplace_back(error.what());
    }
  }
  if (photos.empty()) throw InputError(errors.front());
  return photos;
}

// A page of an earlier answer may lie in the run's folder; nothing else there is replaced.
void CheckOutput(const OutputPath& output, const std::string& extension, const std::filesystem::path& run,
                 std::vector<InputPath> inputs) {
  if (output.path.extension() != extension) inputs.push_back({"--run", run});
  CheckOutputs({output}, inputs);
}

// After the answers: a photo that could not be read makes the command fail; where none could, the input was bad.
void TellErrors(const std::vector<Location>& locations, std::vector<std::string> errors) {
  const std::size_t asked = locations.size() + errors.size();
  for (const auto& location : locations) {
    if (!location.error.empty()) errors.push_back(location.error);
  }
  if (errors.empty()) return;
  const bool all = errors.size() == asked;
  std::string last = errors.front();
  if (errors.size() > 1) {
    for (const auto& error : errors) spdlog::error("{}", error);
    last = std::to_string(errors.size()) + " of " + std::to_string(asked) + " photos could not be read";
  }
  if (all) throw InputError(last);
  throw Error(last);
}

struct Arguments {
  std::vector<std::filesystem::path> photos;
  std::filesystem::path run, geojson, map;
  LocatorFlags locator;
  int top = 5;
  bool json = false;
};

}  // namespace

void AddLocate(CLI::App& root) {
  auto* command = root.add_subcommand("locate", "say where photos were taken, with a finished run");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("photos", arguments->photos, "photo files, folders of them, or patterns ('*.jpg')")->required();
  command->add_option("--run", arguments->run, "folder of a finished `dualgeo run`")->required();
  command->add_option("--top", arguments->top, "candidates shown for each photo")->check(CLI::Range(1, 1000));
  arguments->locator.Add(*command);
  command->add_flag("--json", arguments->json, "print JSON");
  command->add_option("--geojson", arguments->geojson, "write answers, candidates and areas to this file");
  command->add_option("--map", arguments->map, "write one HTML page with a map of them to this file");
  command->callback(WithNetworks([arguments] {
    std::vector<std::string> errors;
    const auto photos = PhotosOf(arguments->photos, errors);
    std::vector<InputPath> inputs = AllInputs({FilesOfRun(arguments->run), arguments->locator.Inputs()});
    for (const auto& photo : photos) inputs.push_back({"photo", photo});
    CheckOutput({"--geojson", arguments->geojson}, ".geojson", arguments->run, inputs);
    CheckOutput({"--map", arguments->map}, ".html", arguments->run, inputs);
    CheckOutputs({{"--geojson", arguments->geojson}, {"--map", arguments->map}});
    Locator locator(arguments->run, arguments->locator.Overrides(), arguments->locator.places);
    const auto locations = locator.Locate(photos, {.candidates = arguments->top, .areas = true});
    arguments->json ? PrintJson(locations) : PrintText(locations);
    if (!arguments->geojson.empty()) WriteFileAtomically(arguments->geojson, LocationsGeoJson(locations).dump() + "\n");
    if (!arguments->map.empty()) WriteFileAtomically(arguments->map, LocationPage(locations));
    TellErrors(locations, std::move(errors));
  }));
}

}  // namespace dualgeo::tools
