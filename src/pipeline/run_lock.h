// One process a run: held from before anything is written until all is there. Another one waits, or it would mix its
// files with ours. Of several ranks (runtime/processes.h) the first holds it for all, and the others wait until it
// does.
#pragma once

#include <filesystem>

namespace dualgeo {

class RunLock {
 public:
  // Creates the folder. Waits, saying so with the number of the process that holds it. A child that this process forks
  // holds it, too. Throws Error when the folder cannot be written, Interrupted.
  explicit RunLock(const std::filesystem::path& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  void Take(const std::filesystem::path& folder);

  int file_ = -1;
};

}  // namespace dualgeo
