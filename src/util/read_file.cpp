#include "util/read_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "output_target.h"

namespace dualgeo {
namespace {

constexpr int kReadPoll = 100;  // milliseconds: a stop is acted on within this

}  // namespace

int OpenToRead(const std::filesystem::path& path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0 && errno == ENXIO) {
    // A socket, which some shells give as standard input, cannot be opened a second time.
    const auto own = FollowLinks(path).own_descriptor;
    errno = ENXIO;
    if (own) descriptor = fcntl(*own, F_DUPFD_CLOEXEC, 0);
  }
  if (descriptor < 0 && errno == ENOENT) throw InputError(path.string() + ": no such file");
  if (descriptor < 0) FailReading(path, errno);
  return descriptor;
}

void FailReading(const std::filesystem::path& path, int error_number) {
  const std::string message = path.string() + ": cannot be read: " + ErrnoText(error_number);
  if (error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM) throw Error(message);
  throw InputError(message);
}

FileReader::FileReader(std::filesystem::path path) : path_(std::move(path)), descriptor_(OpenToRead(path_)) {
  struct stat status = {};
  const bool known = fstat(descriptor_, &status) == 0;
  if (known && !S_ISDIR(status.st_mode)) {
    waits_ = !S_ISREG(status.st_mode);
    return;
  }
  const int reason = errno;
  close(descriptor_);
  if (!known) FailReading(path_, reason);
  throw InputError(path_.string() + ": is a folder, not a file");
}

FileReader::~FileReader() { close(descriptor_); }

std::size_t FileReader::Read(char* to, std::size_t size) {
  for (;;) {
    if (waits_) {
      pollfd wait = {descriptor_, POLLIN, 0};
      const int ready = poll(&wait, 1, kReadPoll);
      ThrowIfStopped();
      if (ready <= 0) continue;
    }
    const ssize_t n = read(descriptor_, to, size);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR && errno != EAGAIN) FailReading(path_, errno);
  }
}

std::string ReadFile(const std::filesystem::path& path, std::size_t max_bytes) {
  FileReader file(path);
  std::string content;
  char buffer[1 << 16];
  while (const std::size_t n = file.Read(buffer, sizeof buffer)) {
    content.append(buffer, n);
    if (content.size() > max_bytes) {
      throw InputError(path.string() + ": larger than the " + std::to_string(max_bytes) + " bytes allowed");
    }
  }
  return content;
}

}  // namespace dualgeo
