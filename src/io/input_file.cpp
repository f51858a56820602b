#include "io/input_file.h"

#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <mutex>
#include <system_error>
#include <tuple>

#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "io/file_kind.h"
#include "util/read_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kFreeUnpackedBytes = std::uint64_t{256} << 20;
constexpr std::uint64_t kMaxUnpackedRatio = 50;

// `-` is standard input's name, and /dev/stdin its path.
fs::path PathOf(const fs::path& path) { return path == "-" ? fs::path("/dev/stdin") : path; }

std::string ReadAll(const fs::path& path, std::uint64_t expected_bytes, std::uint64_t most) {
  FileReader file(PathOf(path));
  // One byte more than the file is said to have, so that its end is seen without growing.
  std::string bytes(static_cast<std::size_t>(expected_bytes) + 1, '\0');
  std::size_t size = 0;
  while (const std::size_t n = file.Read(bytes.data() + size, bytes.size() - size)) {
    size += n;
    if (size > most) {
      throw InputError(InputName(path) + ": more than " + std::to_string(most >> 30) +
                       " GiB through a stream; give a file");
    }
    if (size == bytes.size()) bytes.resize(std::max(2 * size, std::size_t{1} << 16));
  }
  bytes.resize(size);
  return bytes;
}

// What streams brought, by path and by the stream itself: another FIFO may later stand at the same path.
std::shared_ptr<const std::string> StreamBytes(const fs::path& path) {
  struct stat status {};
  if (stat(PathOf(path).c_str(), &status) != 0) FailReading(path, errno);
  using Key = std::tuple<std::string, dev_t, ino_t>;
  static std::mutex mutex;
  static std::map<Key, std::shared_ptr<const std::string>> kept;
  const std::lock_guard lock(mutex);
  auto& bytes = kept[Key{path.string(), status.st_dev, status.st_ino}];
  if (!bytes) bytes = std::make_shared<const std::string>(ReadAll(path, 1 << 16, kMaxStreamBytes));
  return bytes;
}

std::string Gunzip(const std::string& packed, const std::string& name) {
  const std::uint64_t limit = std::max(kFreeUnpackedBytes, kMaxUnpackedRatio * packed.size());
  z_stream stream = {};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) throw Error(name + ": cannot be unpacked: out of memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&stream, inflateEnd);
  std::string bytes(std::max<std::size_t>(4 * packed.size(), 4096), '\0');
  std::size_t size = 0, at = 0;
  for (;;) {
    if (size > limit) {
      throw InputError(name + ": its " + std::to_string(packed.size()) + " bytes of gzip unpack to more than " +
                       std::to_string(limit) + "; unpack it first if that is meant");
    }
    if (size == bytes.size()) bytes.resize(2 * size);
    const std::size_t in = std::min<std::size_t>(packed.size() - at, 1U << 30);
    const std::size_t out = std::min<std::size_t>(bytes.size() - size, 1U << 26);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data() + at));
    stream.avail_in = static_cast<uInt>(in);
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + size);
    stream.avail_out = static_cast<uInt>(out);
    const int result = inflate(&stream, Z_NO_FLUSH);
    at += in - stream.avail_in;
    size += out - stream.avail_out;
    if (result == Z_STREAM_END) {
      // Several streams one after the other are one file (RFC 1952, 2.2); zeros pad the last.
      if (packed.compare(at, 2, "\x1f\x8b") != 0) break;
      inflateReset(&stream);
    } else if (result != Z_OK || (in == 0 && stream.avail_out > 0)) {
      throw InputError(name + ": damaged or cut off: " +
                       (stream.msg != nullptr ? std::string("gzip: ") + stream.msg : "the gzip stream has no end"));
    }
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace

bool IsStream(const fs::path& path) {
  if (path == "-") return true;
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return false;
  return S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode) || S_ISSOCK(status.st_mode);
}

std::string InputName(const fs::path& path) { return path == "-" ? "standard input" : path.string(); }

std::string ReadInput(const fs::path& path) {
  std::string bytes;
  if (IsStream(path)) {
    bytes = *StreamBytes(path);
  } else {
    std::error_code ignored;  // FileReader says what is wrong with it
    const auto size = fs::is_regular_file(path, ignored) ? fs::file_size(path, ignored) : 0;
    bytes = ReadAll(path, ignored ? 0 : size, UINT64_MAX);
  }
  return bytes.starts_with("\x1f\x8b") ? Gunzip(bytes, InputName(path)) : bytes;
}

std::string ReadHead(const fs::path& path) {
  std::string head(kFileHeadBytes, '\0');
  FileReader file(path);
  std::size_t size = 0;
  while (size < head.size()) {
    const std::size_t n = file.Read(head.data() + size, head.size() - size);
    if (n == 0) break;
    size += n;
  }
  head.resize(size);
  return head;
}

std::string InputSha256(const fs::path& path) { return IsStream(path) ? Sha256(*StreamBytes(path)) : Sha256File(path); }

}  // namespace dualgeo
