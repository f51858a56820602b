#include "io/zip.h"

#include <zlib.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

constexpr std::uint64_t kEndRecord = 22;
constexpr std::uint64_t kEndRecord64 = 56;
constexpr std::uint64_t kLocator64 = 20;
constexpr std::uint64_t kDirectoryEntry = 46;
constexpr std::uint64_t kLocalHeader = 30;
// A number that stands in a zip64 record instead.
constexpr std::uint64_t kElsewhere16 = 0xFFFF;
constexpr std::uint64_t kElsewhere32 = 0xFFFFFFFF;

class Archive {
 public:
  Archive(std::string_view bytes, const std::string& source) : bytes_(bytes), source_(source) {}

  [[noreturn]] void Fail(const std::string& what) const { throw InputError(source_ + ": " + what); }

  bool Holds(std::uint64_t begin, std::uint64_t size) const {
    return begin <= bytes_.size() && size <= bytes_.size() - begin;
  }
  bool Begins(std::uint64_t at, std::string_view signature) const {
    return Holds(at, signature.size()) && bytes_.substr(at, signature.size()) == signature;
  }
  // Little endian; the caller has checked that the bytes are there.
  std::uint64_t Number(std::uint64_t at, int bytes) const {
    std::uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; --i)
      value = value << 8 | static_cast<unsigned char>(bytes_[at + static_cast<std::uint64_t>(i)]);
    return value;
  }
  std::string_view Text(std::uint64_t at, std::uint64_t size) const { return bytes_.substr(at, size); }
  std::uint64_t size() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  const std::string& source_;
};

struct Directory {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  std::uint64_t count = 0;
};

Directory FindDirectory(const Archive& archive) {
  // The end record is followed by a comment of at most 64 KiB that it gives the length of.
  std::optional<std::uint64_t> end;
  if (archive.size() >= kEndRecord) {
    const std::uint64_t last = archive.size() - kEndRecord;
    for (std::uint64_t at = last;; --at) {
      if (archive.Begins(at, "PK\5\6") && at + kEndRecord + archive.Number(at + 20, 2) == archive.size()) {
        end = at;
        break;
      }
      if (at == 0 || last - at == 0xFFFF) break;
    }
  }
  if (!end) archive.Fail("a zip archive that is cut off: its directory, which stands at the end, is missing");
  Directory directory{archive.Number(*end + 16, 4), archive.Number(*end + 12, 4), archive.Number(*end + 10, 2)};
  if (directory.begin == kElsewhere32 || directory.size == kElsewhere32 || directory.count == kElsewhere16) {
    if (*end < kLocator64 || !archive.Begins(*end - kLocator64, "PK\6\7"))
      archive.Fail("damaged zip archive: no zip64 directory");
    const std::uint64_t at = archive.Number(*end - kLocator64 + 8, 8);
    if (!archive.Holds(at, kEndRecord64) || !archive.Begins(at, "PK\6\6")) {
      archive.Fail("damaged zip archive: its zip64 directory is not where it is said to be");
    }
    directory = {archive.Number(at + 48, 8), archive.Number(at + 40, 8), archive.Number(at + 32, 8)};
    end = at;
  }
  if (directory.begin > *end || directory.size > *end - directory.begin ||
      directory.count > directory.size / kDirectoryEntry) {
    archive.Fail("damaged zip archive: its directory leaves the file");
  }
  return directory;
}

}  // namespace

ZipDirectory ReadZipDirectory(std::string_view bytes, const std::string& source) {
  const Archive archive(bytes, source);
  const Directory directory = FindDirectory(archive);
  const std::uint64_t directory_end = directory.begin + directory.size;
  ZipDirectory members;
  std::uint64_t at = directory.begin;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    if (directory_end - at < kDirectoryEntry || !archive.Begins(at, "PK\1\2")) {
      archive.Fail("damaged zip archive: entry " + std::to_string(i) + " of its directory");
    }
    const std::uint64_t flags = archive.Number(at + 8, 2);
    const std::uint64_t method = archive.Number(at + 10, 2);
    const std::uint64_t crc = archive.Number(at + 16, 4);
    std::uint64_t packed = archive.Number(at + 20, 4);
    std::uint64_t size = archive.Number(at + 24, 4);
    const std::uint64_t name_size = archive.Number(at + 28, 2);
    const std::uint64_t extra_size = archive.Number(at + 30, 2);
    const std::uint64_t comment_size = archive.Number(at + 32, 2);
    std::uint64_t local = archive.Number(at + 42, 4);
    at += kDirectoryEntry;
    if (directory_end - at < name_size + extra_size + comment_size) {
      archive.Fail("damaged zip archive: entry " + std::to_string(i) + " leaves its directory");
    }
    const std::string_view name = archive.Text(at, name_size);
    const auto refuse = [&](const std::string& what) {
      std::string text = "member \"";
      text += Printable(name);
      archive.Fail(text += "\" " + what);
    };
    // Zip64: the numbers that did not fit, in this order.
    const std::uint64_t extra_end = at + name_size + extra_size;
    for (std::uint64_t field = at + name_size; extra_end - field >= 4;) {
      const std::uint64_t id = archive.Number(field, 2);
      const std::uint64_t field_size = archive.Number(field + 2, 2);
      field += 4;
      if (field_size > extra_end - field) refuse("has a damaged extra field");
      const std::uint64_t field_end = field + field_size;
      if (id == 1) {
        for (auto* number : {&size, &packed, &local}) {
          if (*number != kElsewhere32) continue;
          if (field_end - field < 8) refuse("has a damaged zip64 field");
          *number = archive.Number(field, 8);
          field += 8;
        }
      }
      field = field_end;
    }
    at += name_size + extra_size + comment_size;

    if ((flags & 1) != 0) refuse("is encrypted");
    if (method == 0 && packed != size) refuse("is damaged: stored, but of two sizes");
    if (!archive.Holds(local, kLocalHeader) || !archive.Begins(local, "PK\3\4")) {
      refuse("is not where the archive's directory says");
    }
    const std::uint64_t begin = local + kLocalHeader + archive.Number(local + 26, 2) + archive.Number(local + 28, 2);
    if (begin > directory.begin || packed > directory.begin - begin) {
      refuse("is said to have " + std::to_string(packed) +
             " bytes, which leave the archive; the file is damaged or cut off");
    }
    if (!members
             .emplace(std::string(name), ZipMember{begin, packed, size, method == 0, static_cast<std::uint16_t>(method),
                                                   static_cast<std::uint32_t>(crc)})
             .second)
      refuse("occurs twice");
  }

  std::vector<const ZipDirectory::value_type*> order;
  for (const auto& member : members) order.push_back(&member);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->second.begin < b->second.begin; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (order[i]->second.begin < order[i - 1]->second.begin + order[i - 1]->second.packed) {
      archive.Fail("member \"" + Printable(order[i]->first) + "\" overlaps \"" + Printable(order[i - 1]->first) + "\"");
    }
  }
  return members;
}

std::string ReadZipMember(std::string_view archive, const ZipDirectory::value_type& member, const std::string& source,
                          std::size_t max_bytes) {
  const auto& [name, place] = member;
  const auto fail = [&, &name = name](const std::string& what) {
    throw InputError(source + ":" + Printable(name, 200) + ": " + what);
  };
  if (place.size > max_bytes) {
    fail(std::to_string(place.size) + " bytes; at most " + std::to_string(max_bytes) + " are read");
  }
  if (place.method != 0 && place.method != 8) {
    fail("packed by method " + std::to_string(place.method) + " of zip; stored and deflated members are read");
  }
  // Photos hardly shrink: what grows so much is flat, or made to fill the memory.
  if (place.size > (std::uint64_t{64} << 20) && place.size / 100 > place.packed) {
    fail(std::to_string(place.packed) + " bytes that unpack to " + std::to_string(place.size) + "; unpack it first");
  }
  const std::string_view packed = archive.substr(place.begin, place.packed);
  std::string bytes(static_cast<std::size_t>(place.size), '\0');
  if (place.method == 0) {
    bytes.assign(packed);
  } else {
    z_stream stream = {};
    if (inflateInit2(&stream, -15) != Z_OK) throw Error(source + ": cannot be unpacked: out of memory");
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
    stream.avail_out = static_cast<uInt>(bytes.size());
    const int result = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    if (result != Z_STREAM_END || stream.avail_out != 0) fail("damaged: does not unpack to its size");
  }
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size()));
  if (crc != place.crc) fail("damaged: wrong checksum");
  return bytes;
}

void RequireStored(const ZipDirectory::value_type& member, const std::string& source) {
  if (member.second.stored) return;
  throw InputError(source + ": member \"" + Printable(member.first) + "\" is compressed, " +
                   std::to_string(member.second.packed) + " bytes for " + std::to_string(member.second.size) +
                   "; PyTorch stores tensors uncompressed, and nothing else is opened (it could be a zip bomb)");
}

}  // namespace dualgeo
