#include "pipeline/run_lock.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "runtime/processes.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// Who holds it, as the holder wrote it down.
std::string Holder(int file) {
  char text[32] = {};
  const ssize_t size = pread(file, text, sizeof text - 1, 0);
  std::string pid(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  pid.resize(std::min(pid.find_first_not_of("0123456789"), pid.size()));
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

RunLock::RunLock(const fs::path& folder) {
  if (AllProcesses().first()) Take(folder);
  AllProcesses().Barrier();
}

void RunLock::Take(const fs::path& folder) {
  CreateFolder(folder);
  const fs::path path = folder / ".lock";
  file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file_ < 0) throw Error("cannot write " + path.string() + ": " + ErrnoText(errno));
  for (bool said = false; flock(file_, LOCK_EX | LOCK_NB) != 0; said = true) {
    const int reason = errno;
    if (reason != EWOULDBLOCK && reason != EINTR) {
      close(file_);
      throw Error("cannot lock " + path.string() + ": " + ErrnoText(reason));
    }
    if (!said) spdlog::warn("{}: {} works there; waiting for it", folder.string(), Holder(file_));
    if (StopRequested()) {
      close(file_);
      throw Interrupted("interrupted");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(file_, 0) != 0 || pwrite(file_, pid.data(), pid.size(), 0) < 0) {  // only for the message of others
  }
}

RunLock::~RunLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace dualgeo
