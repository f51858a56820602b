// dualgeo world: writes the synthetic world.

#include "synthetic/world.h"

#include <cstdio>
#include <memory>

#include "commands.h"
#include "config_flags.h"
#include "dualgeo/util/error.h"
#include "networks.h"

namespace dualgeo::tools {

void AddWorld(CLI::App& root) {
  struct Flags {
    ConfigFlags config;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = root.add_subcommand("world", "write a small synthetic Earth: photos, true masks and tables");
  flags->config.Add(*command);
  flags->config.Section(*command, "world");
  flags->config.Field(*command, "threads", {.help = "0: all cores; the files do not depend on it"});
  command->add_flag("--json", flags->json, "print the summary as JSON");
  command->callback(WithNetworks([flags] {
    const ExperimentOptions options = flags->config.Resolve();
    const WorldStepOptions& world = options.world;
    if (!flags->config.Given("world.out") && flags->config.Inputs().empty()) {
      throw InputError("world: --out is needed, the folder to write (or --config, for its world.out)");
    }
    CheckOutputs({{"--out", world.out, OutputKind::kFilledFolder}},
                 AllInputs({flags->config.Inputs(), {{"--zone-table", world.zone_table}}}));
    const WorldSummary s = WriteWorld(world, world.out, options.runtime.threads);
    std::printf(
        flags->json
            ? "{\"synthetic\": true, \"base_places\": %zu, \"places\": %zu, \"photos\": %zu, \"train\": %zu, "
              "\"query\": %zu, \"new_places\": %zu, \"photos_per_second\": %.1f}\n"
            : "synthetic world: %zu base places, %zu places, %zu photos (train %zu, query %zu, new places %zu), "
              "%.0f photos/s\n",
        s.base_places, s.places, s.photos, s.train, s.query, s.new_places, s.photos_per_second);
    if (!flags->json) std::printf("%s\n", world.out.c_str());
  }));
}

}  // namespace dualgeo::tools
