#include "dualgeo/util/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

std::string Reason(int code) { return std::generic_category().message(code); }

fs::path TemporarySibling(const fs::path& path) {
  static std::atomic<int> counter{0};
  // The extension stays, for libraries that choose a format by it.
  return path.parent_path() / ("." + path.stem().string() + ".tmp" + std::to_string(getpid()) + "-" +
                               std::to_string(counter++) + path.extension().string());
}

void CreateParent(const fs::path& path) {
  std::error_code code;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), code);
  if (code) throw Error("cannot create folder " + path.parent_path().string() + ": " + code.message());
}

// Without a sync, a rename can reach the disk before the content does and a power cut leaves an empty file.
void Sync(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw Error("cannot write " + path.string() + ": " + Reason(errno));
  const int result = fsync(descriptor);
  const int reason = errno;
  close(descriptor);
  // EINVAL and EROFS: a file that cannot be synced (a pipe, a special file system) is not an error of ours.
  if (result != 0 && reason != EINVAL && reason != EROFS) {
    throw Error("cannot write " + path.string() + ": " + Reason(reason));
  }
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)), temporary_(TemporarySibling(path_)) {
  CreateParent(path_);
  if (fs::is_directory(path_)) throw Error("cannot write " + path_.string() + ": it is a folder");
  errno = 0;
  stream_.open(temporary_, std::ios::binary | std::ios::trunc);
  if (!stream_) throw Error("cannot write " + path_.string() + ": " + Reason(errno));
}

AtomicFile::~AtomicFile() {
  if (committed_) return;
  stream_.close();
  std::error_code ignored;
  fs::remove(temporary_, ignored);
}

void AtomicFile::Commit() {
  errno = 0;
  stream_.flush();
  const bool flushed = stream_.good();
  const int reason = errno;
  stream_.close();
  if (!flushed) throw Error("cannot write " + path_.string() + ": " + (reason != 0 ? Reason(reason) : "write failed"));
  Sync(temporary_);
  std::error_code code;
  fs::rename(temporary_, path_, code);
  if (code) throw Error("cannot write " + path_.string() + ": " + code.message());
  committed_ = true;
}

void WriteFileAtomically(const fs::path& path, std::string_view content) {
  AtomicFile file(path);
  file.stream().write(content.data(), static_cast<std::streamsize>(content.size()));
  file.Commit();
}

void WriteFolderAtomically(const fs::path& path, const std::function<void(const fs::path&)>& fill) {
  CreateParent(path);
  const fs::path temporary = TemporarySibling(path);
  std::error_code code;
  fs::remove_all(temporary, code);
  if (!fs::create_directory(temporary, code)) {
    throw Error("cannot create folder " + temporary.string() + ": " + code.message());
  }
  const fs::path old = TemporarySibling(path);
  try {
    fill(temporary);
    // Linux swaps the two in one step; the old one is then in `temporary`.
    if (renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0) {
      fs::remove_all(temporary, code);
      return;
    }
    // Nothing there yet, or a file system that cannot: the old one steps aside first and returns if the new one cannot
    // take its place.
    const bool had_old = fs::exists(path);
    if (had_old) fs::rename(path, old);
    fs::rename(temporary, path, code);
    if (code) {
      if (had_old) fs::rename(old, path);
      throw Error("cannot write " + path.string() + ": " + code.message());
    }
    fs::remove_all(old, code);
  } catch (...) {
    fs::remove_all(temporary, code);
    throw;
  }
}

std::string ReadFile(const fs::path& path, std::size_t max_bytes) {
  std::error_code code;
  const auto status = fs::status(path, code);
  if (!fs::exists(status)) throw InputError(path.string() + ": no such file");
  if (fs::is_directory(status)) throw InputError(path.string() + ": is a folder, not a file");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw InputError(path.string() + ": cannot be read: " + Reason(errno));
  std::string content;
  char buffer[1 << 16];
  while (stream.read(buffer, sizeof buffer) || stream.gcount() > 0) {
    content.append(buffer, static_cast<std::size_t>(stream.gcount()));
    if (content.size() > max_bytes) {
      throw InputError(path.string() + ": larger than the " + std::to_string(max_bytes) + " bytes allowed");
    }
  }
  if (stream.bad()) throw InputError(path.string() + ": cannot be read");
  return content;
}

}  // namespace dualgeo
