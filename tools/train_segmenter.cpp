#include <memory>

#include "commands.h"
#include "networks.h"
#include "pipeline/run_lock.h"
#include "pipeline/stages.h"
#include "ranks.h"
#include "train_flags.h"

namespace dualgeo::tools {

void AddTrainSegmenter(CLI::App& root) {
  auto* command = root.add_subcommand("train-segmenter", "train the segmenter, which makes masks, on photos and masks");
  const auto flags = std::make_shared<TrainFlags>();
  flags->Add(*command);
  command->callback(WithNetworks(OnAllRanks([flags] {
    const auto options = flags->Resolve();
    const PhotoSet photos = SegmenterSet(options);
    const RunLock lock(options.run_dir);
    PrintResult(TrainSegmenterFromConfig(options, photos, options.run_dir, flags->existing()));
  })));
}

}  // namespace dualgeo::tools
