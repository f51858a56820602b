// dualgeo world: writes the synthetic world.

#include "dualgeo/data/world.h"

#include <cstdio>
#include <memory>

#include "commands.h"
#include "dualgeo/util/output_path.h"
#include "networks.h"

namespace dualgeo::tools {

void AddWorld(CLI::App& root) {
  struct Flags {
    WorldOptions world;
    std::string out;
    int threads = 0;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  WorldOptions& w = flags->world;
  CLI::App* command = root.add_subcommand("world", "write a small synthetic Earth: photos, true masks and tables");
  command->add_option("--out", flags->out, "folder to write; new, empty, or an older world")->required();
  command->add_option("--places", w.places, "base places, spread over the Earth; 0: all of the time-zone table")
      ->capture_default_str();
  command->add_option("--views", w.views, "photos of each known place")->capture_default_str();
  command->add_option("--seed", w.seed, "another seed is another world")->capture_default_str();
  command->add_option("--size", w.size, "side of the photos, pixels")->capture_default_str();
  command->add_option("--jpeg-quality", w.jpeg_quality, "1 to 100")->capture_default_str();
  command->add_option("--query-fraction", w.query_fraction, "share of the views kept for query.csv")
      ->capture_default_str();
  std::vector<std::string>& near = w.neighbours;
  command
      ->add_option_function<std::vector<std::string>>(
          "--neighbours",
          [&near](const std::vector<std::string>& v) {
            near = v == std::vector<std::string>{"none"} ? std::vector<std::string>{} : v;
          },
          "street,city,region (default: all) or none")
      ->delimiter(',');
  const auto list = [&](const char* name, std::vector<std::string>& values, const char* help) {
    command->add_option(name, values, help)->delimiter(',');
  };
  list("--times", w.times, "day,dusk,night; default: all");
  list("--seasons", w.seasons, "spring,summer,autumn,winter; default: all");
  list("--weathers", w.weathers, "clear,overcast,fog,rain,snow; default: all");
  list("--query-times", w.query_times, "for query.csv and new_places.csv; default: as for train.csv");
  list("--query-seasons", w.query_seasons, "likewise");
  list("--query-weathers", w.query_weathers, "likewise");
  list("--conditions", w.conditions, "night,winter,night-fog ...: query.csv's photos again, into conditions/NAME");
  command->add_option("--exposure", w.exposure, "standard deviation of the exposure, stops")->capture_default_str();
  command->add_option("--zone-table", w.zone_table, "a file like zone.tab; default: the system's (package tzdata)");
  command->add_option("--threads", flags->threads, "0: all cores; the files do not depend on it")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "print the summary as JSON");
  command->callback(WithNetworks([flags] {
    CheckOutputs({{"--out", flags->out, OutputKind::kFilledFolder}}, {{"--zone-table", flags->world.zone_table}});
    const WorldSummary s = WriteWorld(flags->world, flags->out, flags->threads);
    std::printf(
        flags->json
            ? "{\"synthetic\": true, \"base_places\": %zu, \"places\": %zu, \"photos\": %zu, \"train\": %zu, "
              "\"query\": %zu, \"new_places\": %zu, \"photos_per_second\": %.1f}\n"
            : "synthetic world: %zu base places, %zu places, %zu photos (train %zu, query %zu, new places %zu), "
              "%.0f photos/s\n",
        s.base_places, s.places, s.photos, s.train, s.query, s.new_places, s.photos_per_second);
    if (!flags->json) std::printf("%s\n", flags->out.c_str());
  }));
}

}  // namespace dualgeo::tools
