#include "dualgeo/train/training_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

void CheckSettings(const TrainerState& state, const Settings& now, const fs::path& checkpoint) {
  const std::string source = (checkpoint / "trainer.pt").string();
  const auto text = state.find("settings");
  if (text == state.end()) throw InputError(source + ": has no settings: not a checkpoint of this training");
  Settings then = ParseSettings(TensorText(text->second), source);
  Settings wanted = now;
  // Another machine rounds differently: the resume is then right, but not bit for bit.
  for (const char* key : {"device", "threads"}) {
    if (then[key] != wanted[key]) {
      spdlog::warn("resumed with another {} ({} then, {} now): results may differ in the last digits", key, then[key],
                   wanted[key]);
    }
    then.erase(key);
    wanted.erase(key);
  }
  const auto differences = CompareSettings(then, wanted);
  if (differences.empty()) return;
  throw InputError(checkpoint.string() +
                   ": made with other settings, so it cannot be resumed with these: " + Join(differences, "; "));
}

}  // namespace

TrainingFolder::TrainingFolder(fs::path folder, const fs::path& log, Existing existing, const Settings& settings)
    : folder_(std::move(folder)), settings_(settings) {
  std::error_code code;
  fs::create_directories(folder_, code);
  if (code) throw Error("cannot create folder " + folder_.string() + ": " + code.message());
  // Two processes that train into one folder would overwrite each other. The kernel drops the lock with the process.
  const fs::path lock = folder_ / ".lock";
  lock_ = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) throw Error("cannot write " + lock.string() + ": " + std::generic_category().message(errno));
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    close(lock_);
    throw Error(folder_.string() + ": another process is training there");
  }
  try {
    CleanCheckpoints(folder_);
    const bool is_there = !FindCheckpoint(last()).empty();
    if (existing == Existing::kOverwrite) {
      fs::remove_all(last());
      fs::remove_all(best());
      fs::remove(log);
    } else if (existing == Existing::kResume && is_there) {
      resumed_from_ = FindCheckpoint(last());
      resumed_ = ReadTrainerState(resumed_from_);
      CheckSettings(*resumed_, settings, resumed_from_);
    } else if (is_there) {
      throw InputError(last().string() +
                       ": there is a checkpoint already; continue it with --resume, start anew with --overwrite, or "
                       "choose another run_dir");
    }
  } catch (...) {
    close(lock_);
    throw;
  }
}

TrainingFolder::~TrainingFolder() { close(lock_); }

}  // namespace dualgeo
