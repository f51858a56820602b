#include <spdlog/spdlog.h>

#include <memory>

#include "commands.h"
#include "dualgeo/pipeline/run_lock.h"
#include "dualgeo/pipeline/stages.h"
#include "networks.h"
#include "train_flags.h"

namespace dualgeo::tools {
namespace {

// As `dualgeo run` trains, but for masks that no step has made yet: then those that the config names.
PhotoSet Photos(const ExperimentOptions& options) {
  PhotoSet photos = TrainSet(options);
  if (options.data.holdout.fraction > 0 && !std::filesystem::exists(photos.csv)) WriteHoldout(options);
  const std::string& named = options.data.train.masks;
  if (!photos.masks.empty() && photos.masks != named && !named.empty() && !std::filesystem::exists(photos.masks)) {
    spdlog::info("train: {} is not there: masks from {}", photos.masks.string(), named);
    photos.masks = named;
  }
  return photos;
}

}  // namespace

void AddTrain(CLI::App& root) {
  auto* command = root.add_subcommand("train", "train the model");
  const auto flags = std::make_shared<TrainFlags>();
  flags->Add(*command);
  command->callback(WithNetworks([flags] {
    const auto options = flags->Resolve();
    TrainSet(options);  // what is missing in the config is told before anything is written
    const RunLock lock(options.run_dir);
    PrintResult(TrainFromConfig(options, Photos(options), options.run_dir, flags->existing()));
  }));
}

}  // namespace dualgeo::tools
