#include "io/tar.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "io/file_kind.h"
#include "tar_index.h"
#include "util/atomic_file.h"
#include "util/progress.h"
#include "util/read_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kBlock = 512;
// A name record is a path; no file system takes longer ones, and a hostile size must not make us allocate.
constexpr std::uint64_t kMaxNameRecord = std::uint64_t{1} << 20;
// Members from which an index is kept: fewer are scanned in some milliseconds.
constexpr std::size_t kKeptFrom = 4096;

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

bool AllZero(const Block& block) {
  return std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; });
}

std::string WithoutDotSlash(std::string name) {
  while (name.starts_with("./")) name.erase(0, 2);
  return name;
}

// The size of links, devices and folders says nothing about what follows.
bool HasData(char type) { return type < '1' || type > '6'; }
bool IsRecord(char type) { return type == 'L' || type == 'K' || type == 'x' || type == 'g'; }
bool IsFile(char type) { return HasData(type) && !IsRecord(type) && type != 'V' && type != 'M' && type != 'D'; }

// Where indexes of archives lie that stand in folders which cannot be written. Empty: nowhere.
fs::path CacheFolder() {
  for (const auto& [variable, below] : {std::pair("XDG_CACHE_HOME", "dualgeo"), std::pair("HOME", ".cache/dualgeo")}) {
    const char* const folder = std::getenv(variable);
    if (folder != nullptr && fs::path(folder).is_absolute()) return fs::path(folder) / below;
  }
  return {};
}

// The first is where an index is kept if it can be.
std::vector<fs::path> IndexPaths(const fs::path& archive) {
  std::vector<fs::path> paths = {archive.string() + ".dualgeo-index"};
  const fs::path cache = CacheFolder();
  if (!cache.empty()) {
    paths.push_back(cache / (Sha256(fs::weakly_canonical(archive).string()).substr(0, 32) + ".dualgeo-index"));
  }
  return paths;
}

}  // namespace

// One pass over the headers.
class TarFile::Scanner {
 public:
  explicit Scanner(const TarFile& tar) : tar_(tar) {}

  void Scan() {
    std::optional<Progress> progress;
    while (offset_ < tar_.size_) {
      if (!Step()) break;
      if (++headers_ % kHeadersAtOnce != 0) continue;
      ThrowIfStopped();
      if (!progress) progress.emplace("index " + tar_.path().filename().string(), Megabytes(tar_.size_), "MB");
      progress->Update(Megabytes(offset_));
    }
    if (progress) progress->Finish();
  }

  TarIndexBuilder& members() { return members_; }
  bool ended() const { return ended_; }

 private:
  static constexpr std::int64_t kHeadersAtOnce = 1 << 16;
  static std::int64_t Megabytes(std::uint64_t bytes) { return static_cast<std::int64_t>(bytes / 1'000'000); }

  [[noreturn]] void Fail(const std::string& what) const {
    throw InputError(tar_.path().string() + ": " + what + " (header at " + tar_.Where(offset_) + ")");
  }

  [[noreturn]] void FailTruncated(const std::string& what) const {
    // As split(1) names parts.
    const std::string extension = tar_.parts_.back().path.extension().string();
    const bool is_part = extension.size() > 1 && std::all_of(extension.begin() + 1, extension.end(), IsDigit);
    Fail("truncated tar archive" + what +
         (is_part ? "; parts of one archive are named together, as " + tar_.path().stem().string() + ".*" : ""));
  }

  // No header where one should be.
  [[noreturn]] void FailHeader(std::string_view head) const {
    if (offset_ == 0) throw InputError(tar_.path().string() + ": not a tar archive");
    for (std::size_t i = 1; i < tar_.parts_.size(); ++i) {
      if (tar_.parts_[i].begin != offset_) continue;
      const auto other = DescribeOtherFile(head, FileUse::kPhotos);
      throw InputError(tar_.parts_[i].path.string() + ": " +
                       other.value_or("neither a tar archive nor the rest of " + tar_.parts_[i - 1].path.string()));
    }
    Fail("damaged tar archive: wrong header checksum");
  }

  // One header and what belongs to it. False at the end mark.
  bool Step() {
    Block block = {};
    const auto there = std::min(kBlock, tar_.size_ - offset_);
    tar_.ReadAt(offset_, block.data(), there);
    const std::string_view head(block.data(), there);
    if (offset_ == 0) {
      if (const auto other = DescribeOtherFile(head, FileUse::kPhotos)) {
        throw InputError(tar_.path().string() + ": " + *other);
      }
    }
    if (there < kBlock) {
      if (offset_ == 0) throw InputError(tar_.path().string() + ": not a tar archive");
      FailTruncated("");
    }
    if (AllZero(block)) {
      End();
      return false;
    }
    if (!ChecksumFits(block)) FailHeader(head);
    const char type = block[156];
    auto size = Number(block, 124, 12);
    if (!size) Fail("damaged tar archive: the size field is not a number");
    const bool has_data = HasData(type);
    const bool is_record = IsRecord(type);
    if (has_data && !is_record && pax_.size) size = pax_.size;

    const std::uint64_t data = offset_ + kBlock;
    const std::uint64_t bytes = has_data ? *size : 0;
    if (bytes > tar_.size_ - data) {
      FailTruncated(": a member of " + std::to_string(bytes) + " bytes where " + std::to_string(tar_.size_ - data) +
                    " are left");
    }
    is_record ? Record(type, data, bytes) : Member(block, type, data, bytes);
    const std::uint64_t padded = bytes + (kBlock - bytes % kBlock) % kBlock;
    offset_ = data + std::min(padded, tar_.size_ - data);
    return true;
  }

  void Record(char type, std::uint64_t data, std::uint64_t bytes) {
    if (bytes > kMaxNameRecord) Fail("a name record of " + std::to_string(bytes) + " bytes; at most 1 MiB is read");
    std::string text(bytes, '\0');
    tar_.ReadAt(data, text.data(), text.size());
    if (type == 'L') {
      long_name_ = text.substr(0, text.find('\0'));
      if (long_name_->empty()) Fail("damaged tar archive: empty long name");
    } else if (type == 'x' && !ParsePax(text, pax_)) {
      Fail("damaged tar archive: malformed pax record");
    }
  }

  void Member(const Block& block, char type, std::uint64_t data, std::uint64_t bytes) {
    if (type == 'S' || pax_.sparse) Fail("sparse members cannot be read; pack the archive without --sparse");
    if (IsFile(type)) {
      const bool by_header = !pax_.path && !pax_.size && !long_name_;
      const std::string name = WithoutDotSlash(MemberName(block, pax_, long_name_));
      // Before ustar, a folder was a file whose name ends in a slash.
      if (!name.empty() && name.back() != '/') members_.Add({name, data, bytes, by_header});
    }
    long_name_.reset();
    pax_ = {};
  }

  void End() {
    ended_ = true;
    for (std::size_t i = 1; i < tar_.parts_.size(); ++i) {
      const Part& part = tar_.parts_[i];
      if (part.begin + part.size <= offset_ + kBlock) continue;
      // Zeros fill an archive up, maybe into the next part.
      Block block = {};
      const std::uint64_t from = std::max(part.begin, offset_ + kBlock);
      tar_.ReadAt(from, block.data(), std::min(kBlock, part.begin + part.size - from));
      if (AllZero(block)) continue;
      throw InputError(tar_.parts_[i].path.string() + ": not a part of the tar archive before it, which ends in " +
                       tar_.Where(offset_) + " with its end mark");
    }
  }

  const TarFile& tar_;
  TarIndexBuilder members_;
  std::uint64_t offset_ = 0;
  std::int64_t headers_ = 0;
  bool ended_ = false;
  std::optional<std::string> long_name_;
  PaxRecords pax_;
};

TarFile::TarFile(std::vector<fs::path> parts) {
  if (parts.empty()) throw Error("a tar archive of no parts");
  try {
    for (auto& path : parts) {
      Part part;
      part.path = std::move(path);
      part.descriptor = OpenToRead(part.path);
      parts_.push_back(part);
      struct stat status = {};
      if (fstat(part.descriptor, &status) != 0) FailReading(part.path, errno);
      if (!S_ISREG(status.st_mode)) throw InputError(part.path.string() + ": not a file");
      parts_.back().begin = size_;
      parts_.back().size = static_cast<std::uint64_t>(status.st_size);
      parts_.back().modified = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
      if (status.st_size == 0) throw InputError(part.path.string() + ": empty file, not a tar archive");
      size_ += parts_.back().size;
      last_change_ = std::max(last_change_, fs::last_write_time(parts_.back().path));
    }
    OpenIndex();
    if (!index_->ended()) spdlog::warn("{}: no end mark; the archive may have been cut off", path().string());
    if (index_->repeated() > 0) {
      spdlog::warn("{}: {} names of members occur more than once, {} for one; the last of each is read",
                   path().string(), index_->repeated(), Printable(index_->FirstRepeated().name));
    }
  } catch (...) {
    Close();
    throw;
  }
}

TarFile::~TarFile() { Close(); }

void TarFile::Close() {
  for (const Part& part : parts_) close(part.descriptor);
}

void TarFile::ReadAt(std::uint64_t offset, char* to, std::size_t size) const {
  while (size > 0) {
    auto part = std::upper_bound(parts_.begin(), parts_.end(), offset,
                                 [](std::uint64_t at, const Part& p) { return at < p.begin; });
    --part;
    const std::uint64_t at = offset - part->begin;
    // Of a part that became shorter pread says so.
    const std::uint64_t here = at < part->size ? std::min<std::uint64_t>(size, part->size - at) : size;
    const ssize_t n = pread(part->descriptor, to, static_cast<std::size_t>(here), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw InputError(Where(offset) + ": cannot read: " + ErrnoText(errno));
    if (n == 0) throw InputError(path().string() + ": ends at " + Where(offset) + ", within a member");
    offset += static_cast<std::uint64_t>(n);
    to += n;
    size -= static_cast<std::size_t>(n);
  }
}

std::string TarFile::Where(std::uint64_t offset) const {
  auto part = parts_.begin();
  while (part + 1 != parts_.end() && offset >= part[1].begin) ++part;
  const std::string byte = "byte " + std::to_string(offset - part->begin);
  return parts_.size() == 1 ? byte : byte + " of " + part->path.filename().string();
}

bool TarFile::Holds(const TarMember& member) const {
  if (member.offset < kBlock || member.offset > size_ || member.size > size_ - member.offset) return false;
  Block block = {};
  ReadAt(member.offset - kBlock, block.data(), kBlock);
  if (!ChecksumFits(block) || !IsFile(block[156])) return false;
  if (!member.told_by_header) return true;
  PaxRecords none;
  std::optional<std::string> no_name;
  return Number(block, 124, 12) == member.size && WithoutDotSlash(MemberName(block, none, no_name)) == member.name;
}

bool TarFile::IndexFits(const TarIndex& index) const {
  const auto stamps = index.Stamps();
  const auto is = [](const TarStamp& stamp, const Part& part) {
    return stamp.size == part.size && stamp.modified == part.modified;
  };
  if (!std::ranges::equal(stamps, parts_, is)) return false;
  if (index.size() == 0) return true;
  // Another tar may have the same size and time (cp -p of another's index): a few members tell.
  return Holds(index.At(0)) && Holds(index.At(index.size() / 2)) && Holds(index.At(index.size() - 1));
}

void TarFile::OpenIndex() {
  const auto paths = IndexPaths(path());
  for (const fs::path& kept : paths) {
    std::error_code code;
    if (!fs::is_regular_file(kept, code)) continue;
    try {
      auto index = std::make_unique<const TarIndex>(std::make_unique<MappedFile>(kept), kept.string());
      if (IndexFits(*index)) {
        index_ = std::move(index);
        return;
      }
      spdlog::warn("{}: the index of another archive, or of {} as it was; it is made anew", kept.string(),
                   path().filename().string());
    } catch (const std::exception& error) {
      spdlog::warn("{}; it is made anew", error.what());
    }
  }
  Scanner scanner(*this);
  scanner.Scan();
  std::vector<TarStamp> stamps;
  for (const Part& part : parts_) stamps.push_back({part.size, part.modified});
  if (scanner.members().size() >= kKeptFrom) {
    for (const fs::path& kept : paths) {
      try {
        AtomicFile file(kept);
        scanner.members().Write(file.stream(), stamps, scanner.ended());
        file.Commit();
        index_ = std::make_unique<const TarIndex>(std::make_unique<MappedFile>(kept), kept.string());
        return;
      } catch (const std::exception& error) {
        spdlog::debug("{}: {}", kept.string(), error.what());
      }
    }
    spdlog::warn("{}: its index can be kept nowhere (neither beside it nor in the cache); it is scanned each time",
                 path().string());
  }
  std::ostringstream bytes;
  scanner.members().Write(bytes, stamps, scanner.ended());
  index_ = std::make_unique<const TarIndex>(std::move(bytes).str());
}

std::size_t TarFile::size() const { return index_->size(); }
TarMember TarFile::At(std::size_t i) const { return index_->At(i); }
std::optional<TarMember> TarFile::Find(std::string_view name) const { return index_->Find(name); }

std::string TarFile::Read(const TarMember& member, std::size_t max_bytes) const {
  const auto fail = [&](const std::string& what) {
    throw InputError(path().string() + ":" + Printable(member.name) + ": " + what);
  };
  if (member.size > max_bytes) {
    fail(std::to_string(member.size) + " bytes; at most " + std::to_string(max_bytes) + " are read");
  }
  if (!Holds(member))
    fail("is not at " + Where(member.offset) + "; the archive was changed meanwhile, or its index is damaged");
  std::string bytes(static_cast<std::size_t>(member.size), '\0');
  ReadAt(member.offset, bytes.data(), bytes.size());
  return bytes;
}

bool BeginsAsTar(std::string_view head) {
  Block block = {};
  if (head.size() < kBlock) return false;
  std::copy_n(head.begin(), kBlock, block.begin());
  return ChecksumFits(block);
}

}  // namespace dualgeo
