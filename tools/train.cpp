#include <memory>

#include "commands.h"
#include "networks.h"
#include "pipeline/run_lock.h"
#include "pipeline/stages.h"
#include "ranks.h"
#include "train_flags.h"

namespace dualgeo::tools {

void AddTrain(CLI::App& root) {
  auto* command = root.add_subcommand("train", "train the model");
  const auto flags = std::make_shared<TrainFlags>();
  flags->Add(*command);
  command->callback(WithNetworks(OnAllRanks([flags] {
    const auto options = flags->Resolve();
    TrainSet(options);  // what is missing in the config is told before anything is written
    const RunLock lock(options.run_dir);
    PrintResult(TrainFromConfig(options, PhotosToTrain(options), options.run_dir, flags->existing()));
  })));
}

}  // namespace dualgeo::tools
