#include "util/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"

namespace dualgeo {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() { Close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }
  void Close() {
    if (value_ >= 0) close(value_);
    value_ = -1;
  }

 private:
  int value_;
};

[[noreturn]] void Fail(const std::filesystem::path& program, int code) {
  throw Error("cannot start " + program.string() + ": " + ErrnoText(code));
}

}  // namespace

std::string RunChild(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                     std::string_view input) {
  // In memory as a whole, so that nobody waits for the other to read.
  const Descriptor given(memfd_create("input", MFD_CLOEXEC));
  if (given.get() < 0) Fail(program, errno);
  for (std::string_view rest = input; !rest.empty();) {
    const ssize_t written = write(given.get(), rest.data(), rest.size());
    if (written < 0 && errno != EINTR) Fail(program, errno);
    if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
  }
  lseek(given.get(), 0, SEEK_SET);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) Fail(program, errno);
  const Descriptor from(ends[0]);
  Descriptor to(ends[1]);

  std::vector<std::string> words = {program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, given.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, to.get(), STDOUT_FILENO);
  pid_t child = 0;
  const int code = posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) Fail(program, code);
  to.Close();

  std::string output;
  char buffer[1 << 16];
  bool told = false;
  for (;;) {
    const ssize_t count = read(from.get(), buffer, sizeof buffer);
    if (count == 0 || (count < 0 && errno != EINTR)) break;
    if (count > 0) output.append(buffer, static_cast<std::size_t>(count));
    if (StopRequested() && !std::exchange(told, true)) kill(child, SIGTERM);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ThrowIfStopped();
  if (WIFSIGNALED(status)) {
    throw Error(program.string() + " was ended by signal " + std::to_string(WTERMSIG(status)));
  }
  if (WEXITSTATUS(status) != 0) {
    throw Error(program.string() + " ended with exit code " + std::to_string(WEXITSTATUS(status)));
  }
  return output;
}

}  // namespace dualgeo
