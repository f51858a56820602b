#include "dualgeo/io/tar.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <system_error>

#include "dualgeo/io/file_kind.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/read_file.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

constexpr std::uint64_t kBlock = 512;
// A name record is a path; no file system takes longer ones, and a hostile size must not make us allocate.
constexpr std::uint64_t kMaxNameRecord = std::uint64_t{1} << 20;

using Block = std::array<char, kBlock>;

std::string_view Field(const Block& block, std::size_t offset, std::size_t size) {
  const std::string_view field(block.data() + offset, size);
  return field.substr(0, field.find('\0'));
}

// Octal digits, or base 256 where the first bit is set (GNU, for sizes of 8 GiB and more). Nothing when it is neither.
std::optional<std::uint64_t> Number(const Block& block, std::size_t offset, std::size_t size) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(block.data() + offset);
  std::uint64_t value = 0;
  if ((bytes[0] & 0x80) != 0) {
    if (bytes[0] != 0x80) return std::nullopt;  // negative, or beyond 64 bits
    for (std::size_t i = 1; i < size; ++i) {
      if ((value >> 56) != 0) return std::nullopt;
      value = value << 8 | bytes[i];
    }
    return value;
  }
  std::size_t i = 0;
  while (i < size && bytes[i] == ' ') ++i;
  for (; i < size && bytes[i] != ' ' && bytes[i] != '\0'; ++i) {
    if (bytes[i] < '0' || bytes[i] > '7') return std::nullopt;
    value = value << 3 | static_cast<std::uint64_t>(bytes[i] - '0');  // at most 12 digits: 36 bits
  }
  return value;
}

bool ChecksumFits(const Block& block) {
  const auto stored = Number(block, 148, 8);
  if (!stored) return false;
  std::int64_t as_unsigned = 0;
  std::int64_t as_signed = 0;  // some old writers summed plain chars
  for (std::size_t i = 0; i < kBlock; ++i) {
    const char c = i >= 148 && i < 156 ? ' ' : block[i];
    as_unsigned += static_cast<unsigned char>(c);
    as_signed += static_cast<signed char>(c);
  }
  const auto sum = static_cast<std::int64_t>(*stored);
  return sum == as_unsigned || sum == as_signed;
}

// What a pax header says about the member that follows.
struct PaxRecords {
  std::optional<std::string> path;
  std::optional<std::uint64_t> size;
  bool sparse = false;
};

// "LENGTH KEY=VALUE\n" ..., LENGTH counting itself. False when the records are malformed.
bool ParsePax(std::string_view text, PaxRecords& records) {
  while (!text.empty() && text.front() != '\0') {
    const auto blank = text.substr(0, 20).find(' ');
    if (blank == std::string_view::npos) return false;
    const auto length = ParseInteger(text.substr(0, blank));
    if (!length || *length <= static_cast<long long>(blank) + 1 || *length > static_cast<long long>(text.size())) {
      return false;
    }
    std::string_view record = text.substr(blank + 1, static_cast<std::size_t>(*length) - blank - 1);
    text.remove_prefix(static_cast<std::size_t>(*length));
    const auto equals = record.find('=');
    if (equals == std::string_view::npos || record.back() != '\n') return false;
    const std::string_view key = record.substr(0, equals);
    const std::string_view value = record.substr(equals + 1, record.size() - equals - 2);
    if (key == "path") {
      if (value.empty() || value.find('\0') != std::string_view::npos) return false;
      records.path = std::string(value);
    } else if (key == "size") {
      const auto size = ParseInteger(value);
      if (!size || *size < 0) return false;
      records.size = static_cast<std::uint64_t>(*size);
    } else if (key.starts_with("GNU.sparse.")) {
      records.sparse = true;
    }
  }
  return true;
}

// From the records before the header, or from the header.
std::string MemberName(const Block& block, PaxRecords& pax, std::optional<std::string>& long_name) {
  if (pax.path) return std::move(*pax.path);
  if (long_name) return std::move(*long_name);
  const std::string name(Field(block, 0, 100));
  // GNU's own magic is "ustar  "; it keeps times where ustar keeps the prefix.
  const std::string_view magic(block.data() + 257, 6);
  const auto prefix = magic == std::string_view("ustar\0", 6) ? Field(block, 345, 155) : std::string_view();
  return prefix.empty() ? name : std::string(prefix) + "/" + name;
}

}  // namespace

TarFile::TarFile(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = OpenToRead(path_);
  try {
    struct stat status = {};
    if (fstat(descriptor_, &status) != 0) throw InputError(path_.string() + ": cannot read: " + ErrnoText(errno));
    if (!S_ISREG(status.st_mode)) throw InputError(path_.string() + ": not a file");
    file_size_ = static_cast<std::uint64_t>(status.st_size);
    Scan();
  } catch (...) {
    close(descriptor_);
    throw;
  }
}

TarFile::~TarFile() { close(descriptor_); }

void TarFile::ReadAt(std::uint64_t offset, char* to, std::size_t size) const {
  while (size > 0) {
    const ssize_t n = pread(descriptor_, to, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      throw InputError(path_.string() + ": cannot read at byte " + std::to_string(offset) + ": " + ErrnoText(errno));
    }
    if (n == 0) throw InputError(path_.string() + ": ends at byte " + std::to_string(offset) + ", within a member");
    offset += static_cast<std::uint64_t>(n);
    to += n;
    size -= static_cast<std::size_t>(n);
  }
}

void TarFile::Scan() {
  std::uint64_t offset = 0;
  const auto fail = [&](const std::string& what) {
    throw InputError(path_.string() + ": " + what + " (header at byte " + std::to_string(offset) + ")");
  };
  if (file_size_ == 0) throw InputError(path_.string() + ": empty file, not a tar archive");

  std::optional<std::string> long_name;
  PaxRecords pax;
  bool ended = false;
  Block block = {};
  while (offset < file_size_) {
    if (offset == 0) ReadAt(0, block.data(), std::min(kBlock, file_size_));
    if (offset == 0) {
      const std::string_view head(block.data(), std::min(kBlock, file_size_));
      if (const auto other = DescribeOtherFile(head, FileUse::kPhotos))
        throw InputError(path_.string() + ": " + *other);
    }
    if (file_size_ - offset < kBlock) {
      if (offset == 0) throw InputError(path_.string() + ": not a tar archive");
      fail("truncated tar archive");
    }
    ReadAt(offset, block.data(), kBlock);
    if (std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; })) {
      ended = true;
      break;
    }
    if (!ChecksumFits(block)) {
      if (offset == 0) throw InputError(path_.string() + ": not a tar archive");
      fail("damaged tar archive: wrong header checksum");
    }
    const char type = block[156];
    auto size = Number(block, 124, 12);
    if (!size) fail("damaged tar archive: the size field is not a number");
    // The size of links, devices and folders says nothing about what follows.
    const bool has_data = type < '1' || type > '6';
    const bool is_record = type == 'L' || type == 'K' || type == 'x' || type == 'g';
    if (has_data && !is_record && pax.size) size = pax.size;

    const std::uint64_t data = offset + kBlock;
    const std::uint64_t bytes = has_data ? *size : 0;
    if (bytes > file_size_ - data) {
      fail("truncated tar archive: a member of " + std::to_string(bytes) + " bytes where " +
           std::to_string(file_size_ - data) + " are left");
    }
    if (is_record) {
      if (bytes > kMaxNameRecord) fail("a name record of " + std::to_string(bytes) + " bytes; at most 1 MiB is read");
      std::string text(bytes, '\0');
      ReadAt(data, text.data(), text.size());
      if (type == 'L') {
        long_name = text.substr(0, text.find('\0'));
        if (long_name->empty()) fail("damaged tar archive: empty long name");
      } else if (type == 'x' && !ParsePax(text, pax)) {
        fail("damaged tar archive: malformed pax record");
      }
    } else {
      if (type == 'S' || pax.sparse) fail("sparse members cannot be read; pack the archive without --sparse");
      if (has_data && type != 'V' && type != 'M' && type != 'D') {
        std::string name = MemberName(block, pax, long_name);
        while (name.starts_with("./")) name.erase(0, 2);
        // Before ustar, a folder was a file whose name ends in a slash.
        if (!name.empty() && name.back() != '/') members_.push_back({std::move(name), data, bytes});
      }
      long_name.reset();
      pax = {};
    }
    const std::uint64_t padded = bytes + (kBlock - bytes % kBlock) % kBlock;
    offset = data + std::min(padded, file_size_ - data);
  }
  if (!ended) spdlog::warn("{}: no end mark; the archive may have been cut off", path_.string());

  index_.reserve(members_.size());
  for (std::size_t i = 0; i < members_.size(); ++i) index_[members_[i].name] = i;
}

const TarMember* TarFile::Find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &members_[found->second];
}

std::string TarFile::Read(const TarMember& member, std::size_t max_bytes) const {
  if (member.size > max_bytes) {
    throw InputError(path_.string() + ":" + Printable(member.name) + ": " + std::to_string(member.size) +
                     " bytes; at most " + std::to_string(max_bytes) + " are read");
  }
  std::string bytes(member.size, '\0');
  ReadAt(member.offset, bytes.data(), bytes.size());
  return bytes;
}

}  // namespace dualgeo
