#include "train/training_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string_view>

#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/text.h"
#include "io/set_aside.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

Settings SettingsOf(const TrainerState& state, const fs::path& checkpoint) {
  const std::string source = (checkpoint / kTrainerFile).string();
  const auto text = state.find("settings");
  if (text == state.end()) throw InputError(source + ": has no settings: not a checkpoint of this training");
  return ParseSettings(TensorText(text->second), source);
}

// Another machine rounds differently: the resume is then right, but not bit for bit.
constexpr std::string_view kLastDigits[] = {"device", "threads"};

void CheckSettings(const TrainerState& state, const Settings& now, const fs::path& checkpoint) {
  const Settings then = SettingsOf(state, checkpoint);
  for (const auto name : kLastDigits) {
    const std::string key(name);
    const auto before = then.find(key), after = now.find(key);
    if (before == then.end() || after == now.end() || before->second == after->second) continue;
    spdlog::warn("resumed with another {} ({} then, {} now): results may differ in the last digits", key,
                 Printable(before->second), after->second);
  }
  const auto differences = CompareTraining(then, now);
  if (differences.empty()) return;
  throw InputError(checkpoint.string() +
                   ": made with other settings, so it cannot be resumed with these: " + Join(differences, "; "));
}

}  // namespace

std::vector<std::string> CompareTraining(const Settings& then, Settings now) {
  for (const auto key : kLastDigits) now.erase(std::string(key));
  return CompareValues(then, now, DefaultSettings());
}

std::optional<TrainedSoFar> InspectTraining(const fs::path& folder, const Settings& now) {
  const fs::path last = FindCheckpoint(folder / "last");
  if (last.empty()) return std::nullopt;
  const TrainerState state = ReadTrainerState(last);
  TrainedSoFar so_far;
  so_far.differences = CompareTraining(SettingsOf(state, last), now);
  const auto step = state.find("step");
  if (step != state.end() && step->second.numel() == 1) so_far.step = step->second.item<std::int64_t>();
  return so_far;
}

TrainingFolder::TrainingFolder(fs::path folder, const fs::path& log, Existing existing, const Settings& settings,
                               Processes& all)
    : folder_(std::move(folder)), settings_(settings) {
  std::string lines;
  for (const auto& [key, value] : settings_) {
    if (std::ranges::find(kLastDigits, key) == std::end(kLastDigits)) lines += key + ": " + value + "\n";
  }
  all.RequireSame("training", lines);
  if (all.first()) Open(log, existing);
  resumed_from_ = all.FromFirst(resumed_from_.string());
  if (!all.first() && !resumed_from_.empty()) resumed_ = ReadTrainerState(resumed_from_);
}

void TrainingFolder::Open(const fs::path& log, Existing existing) {
  Lock();
  try {
    CleanCheckpoints(folder_);
    const bool can_resume = !FindCheckpoint(last()).empty();
    const bool is_there = can_resume || !FindCheckpoint(best()).empty();
    if (is_there && existing == Existing::kRefuse) {
      throw InputError(last().string() +
                       ": there is a checkpoint already; continue it with --resume, start anew with --overwrite, or "
                       "choose another run_dir");
    }
    if (can_resume && existing == Existing::kResume) {
      resumed_from_ = FindCheckpoint(last());
      resumed_ = ReadTrainerState(resumed_from_);
      CheckSettings(*resumed_, settings_, resumed_from_);
    } else if (is_there) {
      MakeRoom(log, existing == Existing::kOverwrite ? "a new training was asked for" : "it has no `last` to resume");
    }
  } catch (...) {
    close(lock_);
    throw;
  }
}

void TrainingFolder::MakeRoom(const fs::path& log, const std::string& why) {
  const fs::path run_dir = log.parent_path();
  const fs::path aside = SetAside(folder_, run_dir, why);
  SetAside(log, run_dir, "the log of " + aside.filename().string());
  spdlog::info("{}: set aside as {}", folder_.string(), aside.string());
  close(lock_);
  Lock();
}

void TrainingFolder::Lock() {
  CreateFolder(folder_);
  // Two processes that train into one folder would overwrite each other. The kernel drops the lock with the process.
  const fs::path lock = folder_ / ".lock";
  lock_ = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (lock_ < 0) throw Error("cannot write " + lock.string() + ": " + ErrnoText(errno));
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(lock_);
    throw Error(folder_.string() + ": another process is training there");
  }
}

TrainingFolder::~TrainingFolder() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace dualgeo
