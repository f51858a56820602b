#include "util/atomic_file.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <iostream>
#include <streambuf>
#include <thread>
#include <utility>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "output_target.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

constexpr int kWritePoll = 100;  // milliseconds: a stop is acted on within this

// Writes to a descriptor and remembers why it could not.
class DescriptorBuffer : public std::streambuf {
 public:
  // in_place: whoever reads at the other end may keep us waiting.
  DescriptorBuffer(int descriptor, bool in_place) : descriptor_(descriptor), in_place_(in_place) {
    setp(buffer_.data(), buffer_.data() + buffer_.size());
  }
  int error() const { return error_; }

 protected:
  int_type overflow(int_type c) override {
    if (sync() != 0) return traits_type::eof();
    if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
  }
  int sync() override {
    const bool written = Write(pbase(), static_cast<std::size_t>(pptr() - pbase()));
    setp(buffer_.data(), buffer_.data() + buffer_.size());
    return written ? 0 : -1;
  }
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    if (size < epptr() - pptr()) return std::streambuf::xsputn(data, size);
    return sync() == 0 && Write(data, static_cast<std::size_t>(size)) ? size : 0;
  }

 private:
  bool Write(const char* data, std::size_t size) {
    while (size > 0) {
      if (error_ != 0 || !Ready()) return false;
      // A pipe that is ready takes PIPE_BUF bytes at once without blocking.
      const ssize_t n = write(descriptor_, data, in_place_ ? std::min<std::size_t>(size, PIPE_BUF) : size);
      if (n < 0 && errno != EINTR && errno != EAGAIN) error_ = errno;
      if (n <= 0) continue;
      data += n;
      size -= static_cast<std::size_t>(n);
    }
    return true;
  }
  bool Ready() {
    if (!in_place_) return true;
    pollfd wait = {descriptor_, POLLOUT, 0};
    while (poll(&wait, 1, kWritePoll) <= 0) {
      if (StopRequested()) error_ = EINTR;
      if (error_ != 0) return false;
    }
    return true;
  }

  const int descriptor_;
  const bool in_place_;
  int error_ = 0;
  std::array<char, 1 << 16> buffer_;
};

// A FIFO without a reader keeps us waiting, as it does `cat`.
int OpenInPlace(const OutputTarget& target, const fs::path& path) {
  if (target.own_descriptor) {
    std::fflush(stdout);  // what was printed before stands before
    std::cout.flush();
    const int copy = fcntl(*target.own_descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) FailWriting(path, errno);
    return copy;
  }
  for (;;) {
    const int descriptor = open(target.path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (descriptor >= 0) return descriptor;
    if (errno != ENXIO && errno != EINTR) FailWriting(path, errno);
    if (errno == ENXIO && !S_ISFIFO(target.status->st_mode)) FailWriting(path, errno);
    ThrowIfStopped();
    std::this_thread::sleep_for(std::chrono::milliseconds(kWritePoll / 2));
  }
}

// The owner first: changing it clears bits of the mode. Who may not give a file away keeps it.
bool TakeOver(int descriptor, const struct stat& old) {
  if (fchown(descriptor, old.st_uid, old.st_gid) != 0 && fchown(descriptor, static_cast<uid_t>(-1), old.st_gid) != 0 &&
      errno != EPERM) {
    return false;
  }
  return fchmod(descriptor, old.st_mode & 07777) == 0;
}

// Without a sync, a rename can reach the disk before the content does and a power cut leaves an empty file.
// EINVAL, EROFS: what cannot be synced (a pipe, a special file system) is not an error of ours.
bool Sync(int descriptor) { return fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP; }

// Network file systems tell of a full disk when a file is closed; ours stays open, since that is its lock.
bool CloseCopy(int descriptor) {
  const int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  return copy >= 0 && (close(copy) == 0 || errno == EINTR);
}

}  // namespace

struct AtomicFile::State {
  fs::path path;  // as the user wrote it
  OutputTarget target;
  fs::path temporary;  // empty: written in place
  int descriptor = -1;
  Durability durability;
  std::unique_ptr<DescriptorBuffer> buffer;
  std::ostream stream{nullptr};

  ~State() {
    if (descriptor < 0) return;
    if (!temporary.empty()) unlink(temporary.c_str());
    close(descriptor);
  }
  [[noreturn]] void Fail(int error_number) {
    ThrowIfStopped();
    FailWriting(path, error_number);
  }
};

AtomicFile::AtomicFile(fs::path path, Durability durability) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.durability = durability;
  s.target = FileTarget(path);
  s.path = std::move(path);
  const bool in_place = s.target.own_descriptor || (s.target.status && !s.target.is_file());
  if (in_place) {
    s.descriptor = OpenInPlace(s.target, s.path);
  } else {
    if (s.target.status && access(s.target.path.c_str(), W_OK) != 0) FailWriting(s.path, errno);
    CreateFolder(s.target.path.parent_path());
    if (durability == Durability::kSynced) RemoveLeftoversOf(s.target.path);
    s.descriptor = MakeTemporaryFile(s.target.path, s.target.status ? 0600 : 0666, s.temporary);
    if (s.descriptor < 0) FailWriting(s.path, errno);
  }
  s.buffer = std::make_unique<DescriptorBuffer>(s.descriptor, in_place);
  s.stream.rdbuf(s.buffer.get());
}

AtomicFile::~AtomicFile() = default;

std::ostream& AtomicFile::stream() { return state_->stream; }

void AtomicFile::Commit() {
  State& s = *state_;
  s.stream.flush();
  if (!s.stream) s.Fail(s.buffer->error() != 0 ? s.buffer->error() : EIO);
  if (s.target.is_file() && !TakeOver(s.descriptor, *s.target.status)) s.Fail(errno);
  if (!(s.durability == Durability::kSynced ? Sync(s.descriptor) : CloseCopy(s.descriptor))) s.Fail(errno);
  if (s.temporary.empty()) return;
  if (rename(s.temporary.c_str(), s.target.path.c_str()) != 0) s.Fail(errno);
  s.temporary.clear();
}

void WriteFileAtomically(const fs::path& path, std::string_view content, Durability durability) {
  AtomicFile file(path, durability);
  file.stream().write(content.data(), static_cast<std::streamsize>(content.size()));
  file.Commit();
}

namespace {

// The new folder and its files get the modes and owners of those that they replace.
void TakeOverFolder(int fresh, const fs::path& temporary, mode_t mode, const OutputTarget& target) {
  if (!target.status) {
    if (fchmod(fresh, mode) != 0) FailWriting(target.path, errno);
    return;
  }
  for (const auto& entry : fs::recursive_directory_iterator(temporary)) {
    struct stat old = {};
    const fs::path path = target.path / entry.path().lexically_relative(temporary);
    if (!entry.is_regular_file() || lstat(path.c_str(), &old) != 0 || !S_ISREG(old.st_mode)) continue;
    const int file = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    const bool done = file >= 0 && TakeOver(file, old);
    const int reason = errno;
    if (file >= 0) close(file);
    if (!done) FailWriting(path, reason);
  }
  if (!TakeOver(fresh, *target.status)) FailWriting(target.path, errno);
}

// Puts `fresh` in the place of `target`; what was there is then at `fresh`, or was an empty folder.
void SwapIn(const fs::path& fresh, const fs::path& target) {
  if (rename(fresh.c_str(), target.c_str()) == 0) return;
  if (errno != ENOTEMPTY && errno != EEXIST) FailWriting(target, errno);
  // Linux swaps the two in one step.
  if (renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return;
  // A file system that cannot (NFS, some FUSE): the old one steps aside under a name that nobody clears away, and
  // returns if the new one cannot take its place.
  const fs::path aside = target.string() + fresh.stem().extension().string() + ".old";
  if (rename(target.c_str(), aside.c_str()) != 0) FailWriting(target, errno);
  if (rename(fresh.c_str(), target.c_str()) != 0) {
    const int reason = errno;
    rename(aside.c_str(), target.c_str());
    FailWriting(target, reason);
  }
  rename(aside.c_str(), fresh.c_str());
}

}  // namespace

void WriteFolderAtomically(const fs::path& path, const std::function<void(const fs::path&)>& fill) {
  const OutputTarget target = FolderTarget(path);
  CreateFolder(target.path.parent_path());
  RemoveLeftoversOf(target.path);
  struct Temporary {
    fs::path path;
    int descriptor = -1;
    ~Temporary() {
      if (descriptor < 0) return;
      std::error_code ignored;
      fs::remove_all(path, ignored);  // after the swap: the old folder
      close(descriptor);
    }
  } temporary;
  temporary.descriptor = MakeTemporaryFolder(target.path, temporary.path);
  if (temporary.descriptor < 0) FailWriting(path, errno);
  struct stat status = {};
  if (fstat(temporary.descriptor, &status) != 0 || fchmod(temporary.descriptor, 0700) != 0) FailWriting(path, errno);
  fill(temporary.path);
  TakeOverFolder(temporary.descriptor, temporary.path, status.st_mode & 07777, target);
  SwapIn(temporary.path, target.path);
}

}  // namespace dualgeo
