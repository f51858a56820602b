// Where one training keeps its checkpoints: one process at a time, `last` to resume from, `best` to use.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/io/torch.h"

#include "runtime/checkpoint.h"
#include "runtime/processes.h"
#include "train/settings.h"
#include "train/trainer.h"

namespace dualgeo {

// What a training would find in its folder; nothing when there is no checkpoint. Throws InputError for one that cannot
// be read.
std::optional<TrainedSoFar> InspectTraining(const std::filesystem::path& folder, const Settings& settings);

// CompareValues without device and threads, which move the last digits only.
std::vector<std::string> CompareTraining(const Settings& then, Settings now);

class TrainingFolder {
 public:
  // folder: the parent of `last` and `best`; log: the run's log, set aside with them under kOverwrite
  // (io/set_aside.h).
  // Throws InputError when a checkpoint is there (kRefuse) or cannot be read, or was made with other settings (lists
  // them); Error when another process trains there.
  // In several processes rank 0 holds the folder, and the others resume from what it found.
  TrainingFolder(std::filesystem::path folder, const std::filesystem::path& log, Existing existing,
                 const Settings& settings, Processes& all = AllProcesses());
  ~TrainingFolder();
  TrainingFolder(const TrainingFolder&) = delete;
  TrainingFolder& operator=(const TrainingFolder&) = delete;

  std::filesystem::path last() const { return folder_ / "last"; }
  std::filesystem::path best() const { return folder_ / "best"; }
  // Those given; checkpoints written here remember them.
  const Settings& settings() const { return settings_; }
  // The checkpoint to resume from; nothing for a new run.
  const std::optional<TrainerState>& resumed() const { return resumed_; }
  // The folder that it was read from.
  const std::filesystem::path& resumed_from() const { return resumed_from_; }

 private:
  void Open(const std::filesystem::path& log, Existing existing);
  void MakeRoom(const std::filesystem::path& log, const std::string& why);
  void Lock();

  std::filesystem::path folder_;
  Settings settings_;
  int lock_ = -1;
  std::optional<TrainerState> resumed_;
  std::filesystem::path resumed_from_;
};

}  // namespace dualgeo
