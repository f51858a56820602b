#include <cstdio>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "dualgeo/pipeline/locate.h"
#include "dualgeo/util/text.h"
#include "networks.h"

namespace dualgeo::tools {
namespace {

void PrintText(const std::vector<Location>& locations) {
  for (const auto& location : locations) {
    std::printf("%s\n", Printable(location.photo.string(), 500).c_str());
    for (const auto& candidate : location.candidates) {
      std::printf("  %d. %10.5f, %10.5f  %s  (%s)\n", candidate.rank, candidate.location.lat, candidate.location.lon,
                  MapLink(candidate.location).c_str(), Printable(candidate.gallery_id).c_str());
    }
    std::printf("  candidates lie within %.1f km of the first\n", location.spread_km);
  }
}

void PrintJson(const std::vector<Location>& locations) {
  auto array = nlohmann::ordered_json::array();
  for (const auto& location : locations) {
    nlohmann::ordered_json item = {{"photo", location.photo.string()}, {"spread_km", location.spread_km}};
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

struct Arguments {
  std::vector<std::filesystem::path> photos;
  std::filesystem::path run;
  int top = 5;
  bool json = false;
};

}  // namespace

void AddLocate(CLI::App& root) {
  auto* command = root.add_subcommand("locate", "say where photos were taken, with a finished run");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("photos", arguments->photos, "photo files")->required();
  command->add_option("--run", arguments->run, "folder of a finished `dualgeo run`")->required();
  command->add_option("--top", arguments->top, "candidates shown for each photo")->check(CLI::Range(1, 1000));
  command->add_flag("--json", arguments->json, "print JSON");
  command->callback(WithNetworks([arguments] {
    const auto locations = Locate(arguments->photos, arguments->run, arguments->top);
    arguments->json ? PrintJson(locations) : PrintText(locations);
  }));
}

}  // namespace dualgeo::tools
