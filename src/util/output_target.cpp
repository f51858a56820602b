#include "output_target.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <system_error>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

constexpr const char* kTemporaryEnd = ".dualgeo-tmp";
constexpr std::size_t kMostOfName = 200;  // of the 255 bytes that a name may have
constexpr int kMostLinks = 40;            // as the kernel

// N of a path that is this process's /proc/self/fd/N, however it is spelled.
std::optional<int> OwnDescriptor(const fs::path& path) {
  const auto number = ParseInteger(path.filename().string());
  if (!number || *number < 0 || *number > INT32_MAX) return std::nullopt;
  std::error_code code;
  const fs::path parent = fs::canonical(path.parent_path(), code);
  const std::string own = "/proc/" + std::to_string(getpid());
  if (code || (parent != own + "/fd" && !(parent.string().starts_with(own + "/task/") && parent.filename() == "fd"))) {
    return std::nullopt;
  }
  return static_cast<int>(*number);
}

fs::path WithoutSlash(const fs::path& path) {
  return path.has_filename() || !path.has_relative_path() ? path : path.parent_path();
}

std::string LinkText(const fs::path& path, const OutputTarget& target) {
  return path.string() + (target.linked ? " (a link to " + target.path.string() + ")" : "");
}

void RequireFolderBehindLink(const fs::path& path, const OutputTarget& target) {
  if (target.status || target.own_descriptor || !target.linked) return;
  const fs::path parent = target.path.parent_path();
  std::error_code ignored;
  if (parent.empty() || fs::is_directory(parent, ignored)) return;
  throw InputError("cannot write " + LinkText(path, target) + ": there is no folder " + parent.string());
}

fs::path TemporaryName(const fs::path& target) {
  std::uint64_t random = 0;
  while (getrandom(&random, sizeof random, 0) != sizeof random) {  // a signal came
  }
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(random));
  return target.parent_path() /
         ("." + target.filename().string().substr(0, kMostOfName) + "." + digits + kTemporaryEnd);
}

// Whoever clears away leftovers may have seen it before it was locked.
bool LockNew(int descriptor, const fs::path& name) {
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
  struct stat open_one = {}, there = {};
  return fstat(descriptor, &open_one) == 0 && lstat(name.c_str(), &there) == 0 && open_one.st_ino == there.st_ino;
}

// Dead: nobody holds its lock, which the kernel drops with the process. Where locks do not work, it is left alone.
void RemoveIfDead(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return;
  std::error_code ignored;
  if (flock(descriptor, LOCK_SH | LOCK_NB) == 0) fs::remove_all(path, ignored);
  close(descriptor);
}

}  // namespace

void FailWriting(const fs::path& path, int error_number) {
  throw Error("cannot write " + path.string() + ": " + ErrnoText(error_number));
}

std::string KindOf(const struct stat& status) {
  if (S_ISDIR(status.st_mode)) return "a folder";
  if (S_ISBLK(status.st_mode)) return "a block device";
  if (S_ISCHR(status.st_mode)) return "a character device";
  if (S_ISFIFO(status.st_mode)) return "a FIFO";
  if (S_ISSOCK(status.st_mode)) return "a socket";
  return "a file";
}

OutputTarget FollowLinks(const fs::path& path) {
  if (path.empty()) throw InputError("an empty path is no file to write");
  OutputTarget target;
  target.path = path;
  for (int links = 0;; ++links) {
    target.own_descriptor = OwnDescriptor(target.path);
    if (target.own_descriptor) return target;
    struct stat status = {};
    if (lstat(target.path.c_str(), &status) != 0) {
      if (errno != ENOENT) FailWriting(path, errno);
      return target;
    }
    if (!S_ISLNK(status.st_mode)) {
      target.status = status;
      return target;
    }
    if (links == kMostLinks) FailWriting(path, ELOOP);
    std::error_code code;
    const fs::path next = fs::read_symlink(target.path, code);
    if (code) FailWriting(path, code.value());
    target.path = WithoutSlash(target.path.parent_path() / next);
    target.linked = true;
  }
}

OutputTarget FileTarget(const fs::path& path) {
  if (!path.empty() && !path.has_filename()) {
    throw InputError("cannot write " + path.string() + ": the name of a folder, where a file is expected");
  }
  OutputTarget target = FollowLinks(path);
  RequireFolderBehindLink(path, target);
  if (target.status && !target.is_file() && !S_ISCHR(target.status->st_mode) && !S_ISFIFO(target.status->st_mode)) {
    throw InputError("cannot write " + LinkText(path, target) + ": it is " + KindOf(*target.status));
  }
  return target;
}

OutputTarget FolderTarget(const fs::path& path) {
  OutputTarget target = FollowLinks(WithoutSlash(path));
  RequireFolderBehindLink(path, target);
  if (target.own_descriptor || (target.status && !target.is_folder())) {
    throw InputError("cannot write " + LinkText(path, target) + ": it is " +
                     (target.status ? KindOf(*target.status) : "a descriptor") + ", not a folder");
  }
  return target;
}

int MakeTemporaryFile(const fs::path& target, mode_t mode, fs::path& name) {
  for (;;) {
    name = TemporaryName(target);
    const int descriptor = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (descriptor < 0 && errno == EEXIST) continue;
    if (descriptor < 0 || LockNew(descriptor, name)) return descriptor;
    unlink(name.c_str());
    close(descriptor);
  }
}

int MakeTemporaryFolder(const fs::path& target, fs::path& name) {
  for (;;) {
    name = TemporaryName(target);
    if (mkdir(name.c_str(), 0777) != 0) {
      if (errno == EEXIST) continue;
      return -1;
    }
    const int descriptor = open(name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) {
      const int reason = errno;
      rmdir(name.c_str());
      errno = reason;
      return -1;
    }
    if (LockNew(descriptor, name)) return descriptor;
    close(descriptor);
  }
}

void CreateFolder(const fs::path& folder) {
  std::error_code ignored;
  if (folder.empty() || fs::is_directory(folder, ignored)) return;
  const auto fail = [&](const std::string& reason) {
    throw Error("cannot create folder " + folder.string() + ": " + reason);
  };
  const fs::path plain = WithoutSlash(folder);
  CreateFolder(plain.parent_path());
  const OutputTarget target = FolderTarget(plain);
  if (mkdir(target.path.c_str(), 0777) != 0 && errno != EEXIST) fail(ErrnoText(errno));
  if (!fs::is_directory(folder, ignored)) fail("another process made something else there");
}

void SyncFolder(const fs::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) FailWriting(folder, errno);
  const bool failed = syncfs(descriptor) != 0;
  const int reason = errno;
  close(descriptor);
  if (failed) FailWriting(folder, reason);
}

bool IsTemporary(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with('.') && name.ends_with(kTemporaryEnd);
}

void RemoveLeftovers(const fs::path& folder) {
  std::error_code code;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, code);
  while (!code && entry != fs::recursive_directory_iterator()) {
    const fs::path path = entry->path();
    const bool temporary = IsTemporary(path);
    if (temporary) entry.disable_recursion_pending();
    entry.increment(code);
    if (temporary) RemoveIfDead(path);
  }
}

void RemoveLeftoversOf(const fs::path& target) {
  const std::string begin = "." + target.filename().string().substr(0, kMostOfName) + ".";
  std::error_code code;
  const fs::path parent = target.has_parent_path() ? target.parent_path() : fs::path(".");
  for (fs::directory_iterator entry(parent, code); !code && entry != fs::directory_iterator(); entry.increment(code)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(begin) && IsTemporary(name)) RemoveIfDead(entry->path());
  }
}

}  // namespace dualgeo
