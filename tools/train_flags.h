// --config, --set, --resume and --overwrite of the two training commands, and what they print at the end.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>

#include "config_flags.h"
#include "train/trainer.h"

namespace dualgeo::tools {

class TrainFlags {
 public:
  void Add(CLI::App& command) {
    config_.Add(command);
    auto* resume = command.add_flag("--resume", resume_,
                                    "continue from the last checkpoint of run_dir, if there is one, exactly as if the "
                                    "run had never stopped");
    command.add_flag("--overwrite", overwrite_, "set the checkpoints of run_dir aside and start anew")
        ->excludes(resume);
  }
  ExperimentOptions Resolve() const {
    ExperimentOptions options = config_.Resolve();
    CheckOutputs({{"run_dir", options.run_dir, OutputKind::kFilledFolder}}, config_.Inputs());
    return options;
  }
  Existing existing() const {
    if (resume_) return Existing::kResume;
    return overwrite_ ? Existing::kOverwrite : Existing::kRefuse;
  }

 private:
  ConfigFlags config_;
  bool resume_ = false;
  bool overwrite_ = false;
};

inline void PrintResult(const TrainResult& result) {
  std::printf("steps %lld, %lld photos, %lld held out", static_cast<long long>(result.steps),
              static_cast<long long>(result.train_photos), static_cast<long long>(result.validation_photos));
  if (result.photos_per_second > 0) std::printf(", %.1f photos/s", result.photos_per_second);
  std::printf("\n");
  for (const auto& [name, value] : result.validation) std::printf("validation %s %.4g\n", name.c_str(), value);
  if (result.skipped_photos > 0) {
    std::printf("skipped unreadable photos %lld times\n", static_cast<long long>(result.skipped_photos));
  }
  std::printf("last %s\nbest %s\n", result.last.c_str(), result.best.c_str());
}

}  // namespace dualgeo::tools
