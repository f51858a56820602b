#include "serve/serve.h"

#include <cstdio>

#include "commands.h"
#include "locator_flags.h"
#include "networks.h"

namespace dualgeo::tools {

void AddServe(CLI::App& root) {
  auto* command = root.add_subcommand("serve", "a page in the browser to ask about photos and to look into runs");
  auto options = std::make_shared<ServeOptions>();
  auto flags = std::make_shared<LocatorFlags>();
  command
      ->add_option("--run", options->runs,
                   "folder of a finished `dualgeo run`, repeatable: photos are asked of the first, and two can be "
                   "seen side by side")
      ->required()
      ->take_all();
  command->add_option("--port", options->port, "0: any that is free")->check(CLI::Range(0, 65535));
  command->add_option("--host", options->host, "address to listen on; others than loopback need --token");
  command
      ->add_option("--token", options->token,
                   "what others must know: Authorization: Bearer TOKEN, or /?token=TOKEN; better in the environment, "
                   "since others of this computer see a command's arguments")
      ->envname("DUALGEO_TOKEN");
  flags->Add(*command);
  command->add_option("--keep", options->keep, "keep the photos asked about, and their answers, in this folder");
  command->add_option("--upload-megabytes", options->upload_megabytes, "larger photos are refused")
      ->check(CLI::Range(1, 1000));
  command->callback(WithNetworks([options, flags] {
    options->overrides = flags->Overrides();
    options->places = flags->places;
    Serve(*options, [](const std::string& url) {
      std::printf("%s  (Ctrl-C ends it)\n", url.c_str());
      std::fflush(stdout);
    });
  }));
}

}  // namespace dualgeo::tools
