#include "pipeline/content.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>

#include "data/mask.h"
#include "data/photo_source.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "runtime/checkpoint.h"
#include "util/atomic_file.h"
#include "util/parallel.h"
#include "util/path_list.h"
#include "util/progress.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

constexpr char kCacheMagic[16] = "dualgeo hashes1";
constexpr std::int64_t kSettledNs = 2'000'000'000;
constexpr std::size_t kFilesAtOnce = 1 << 16;  // millions of names and hashes need not be in memory together
constexpr const char* kAbsent = "absent";
constexpr const char* kUnreadable = "unreadable";

std::int64_t Nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

Sha256Digest Packed(const std::string& hex) {
  Sha256Digest bytes = {};
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
  }
  return bytes;
}

std::string HashOrUnreadable(const fs::path& path) {
  try {
    return Sha256File(path);
  } catch (const InputError&) {
    return kUnreadable;
  }
}

std::vector<std::string> IdsOf(const fs::path& csv, const PhotoColumns& columns) {
  std::vector<std::string> ids;
  for (auto& row : ReadPhotoTable(csv, columns, Locations::kOptional).rows) ids.push_back(std::move(row.id));
  return ids;
}

bool FileIsThere(const fs::path& path) {
  std::error_code code;
  return fs::exists(path, code);
}

// The files that a table names, one after the other. find: content of what is not at its path.
Content ContentOfNamed(Contents& contents, const std::string& role, const std::vector<std::string>& ids,
                       const std::function<fs::path(const std::string&)>& path_of,
                       const std::function<std::optional<std::string>(const std::string&)>& find) {
  Content content;
  std::string digest;
  std::optional<Progress> progress;
  if (ids.size() > kFilesAtOnce) progress.emplace("look at " + role, static_cast<std::int64_t>(ids.size()), "files");
  for (std::size_t begin = 0; begin < ids.size(); begin += kFilesAtOnce) {
    const std::size_t end = std::min(ids.size(), begin + kFilesAtOnce);
    std::vector<fs::path> paths;
    for (std::size_t i = begin; i < end; ++i) paths.push_back(path_of(ids[i]));
    std::vector<std::string> hashes = contents.Files(paths);
    std::string text = digest;
    for (std::size_t i = begin; i < end; ++i) {
      std::string& hash = hashes[i - begin];
      if (hash == kAbsent) hash = find(ids[i]).value_or(kAbsent);
      content.missing += hash == kAbsent ? 1 : 0;
      text.append(ids[i]).append("\n").append(hash).append("\n");
    }
    digest = Sha256(text);
    if (progress) progress->Update(static_cast<std::int64_t>(end));
  }
  content.sha256 = digest;
  return content;
}

// Of several places one after the other: archives as a whole, of folders the files that the table names. Whether one is
// missing everywhere is its reader's to say.
Content ContentOfPlaces(Contents& contents, const std::string& role, const std::vector<fs::path>& places,
                        const fs::path& csv, const PhotoColumns& columns,
                        const std::function<fs::path(const fs::path& folder, const std::string& id)>& path_of) {
  std::string text;
  std::vector<std::string> ids;
  for (const fs::path& place : places) {
    std::error_code code;
    if (!fs::is_directory(place, code)) {
      text += contents.File(place) + "\n";
      continue;
    }
    if (ids.empty()) ids = IdsOf(csv, columns);
    const auto nowhere = [](const std::string&) { return std::nullopt; };
    const auto in_place = [&](const std::string& id) { return path_of(place, id); };
    text += ContentOfNamed(contents, role, ids, in_place, nowhere).sha256 + "\n";
  }
  return {Sha256(text)};
}

}  // namespace

Contents::Contents(fs::path cache) : cache_(std::move(cache)) { Load(); }

Contents::~Contents() {
  try {
    if (learned_) Save();
  } catch (const std::exception&) {  // the next run reads the files again
  }
}

void Contents::Load() {
  if (cache_.empty()) return;
  std::ifstream stream(cache_, std::ios::binary);
  char magic[sizeof kCacheMagic] = {};
  if (!stream.read(magic, sizeof magic) || std::memcmp(magic, kCacheMagic, sizeof magic) != 0) return;
  for (Record record; stream.read(reinterpret_cast<char*>(&record), sizeof record);) known_[record.key] = record.known;
}

void Contents::Save() const {
  if (cache_.empty()) return;
  AtomicFile file(cache_);
  file.stream().write(kCacheMagic, sizeof kCacheMagic);
  for (const auto& [key, known] : known_) {
    const Record record{key, known};
    file.stream().write(reinterpret_cast<const char*>(&record), sizeof record);
  }
  file.Commit();
}

std::string Contents::File(const fs::path& path) {
  const std::string hash = Files({path}).front();
  if (hash == kUnreadable) throw InputError(path.string() + ": cannot be read");
  return hash;
}

std::vector<std::string> Contents::Files(const std::vector<fs::path>& paths) {
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  std::vector<std::string> hashes(paths.size());
  std::vector<Record> stamps(paths.size());
  ForEachInParallel(paths.size(), 0, [&](std::size_t i) {
    ThrowIfStopped();
    struct stat info = {};
    if (stat(paths[i].c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
      hashes[i] = kAbsent;
      return;
    }
    stamps[i].key = {info.st_dev, info.st_ino};
    stamps[i].known = {
        static_cast<std::uint64_t>(info.st_size), Nanoseconds(info.st_mtim), Nanoseconds(info.st_ctim), {}};
    if (const auto found = known_.find(stamps[i].key); found != known_.end()) {
      stamps[i].known.sha256 = found->second.sha256;
      if (stamps[i].known == found->second) hashes[i] = HexOf(found->second.sha256);
    }
  });
  std::vector<std::size_t> unknown;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (hashes[i].empty()) unknown.push_back(i);
  }
  ForEachInParallel(unknown.size(), 0, [&](std::size_t u) {
    ThrowIfStopped();
    hashes[unknown[u]] = HashOrUnreadable(paths[unknown[u]]);
  });
  for (const std::size_t i : unknown) {
    Record& stamp = stamps[i];
    // A file that changes now could change once more within the same tick of its clock.
    if (hashes[i] == kUnreadable || std::max(stamp.known.modified, stamp.known.changed) > now - kSettledNs) continue;
    stamp.known.sha256 = Packed(hashes[i]);
    known_[stamp.key] = stamp.known;
    learned_ = true;
  }
  read_ += static_cast<std::int64_t>(unknown.size());
  return hashes;
}

Artifact FileArtifact(const std::string& role, const fs::path& path) {
  return {role, path, [path](Contents& contents) { return Content{contents.File(path)}; }};
}

Artifact WeightsArtifact(const std::string& role, const fs::path& path) {
  return {role, path, [path](Contents& contents) {
            const fs::path folder = FindCheckpoint(path);
            return Content{contents.File(folder.empty() ? path : folder / "model.safetensors")};
          }};
}

Artifact GalleryArtifact(const std::string& role, const fs::path& folder) {
  return {role, folder, [folder](Contents& contents) {
            Content content;
            std::string text;
            for (const char* name : {"gallery.json", "items.csv", "index.faiss"}) {
              const std::string hash = contents.File(folder / name);
              content.missing += hash == kAbsent ? 1 : 0;
              text += hash;
            }
            content.sha256 = content.missing == 3 ? kAbsent : Sha256(text);
            return content;
          }};
}

Artifact FolderArtifact(const std::string& role, const fs::path& path) {
  return {role, path, [path](Contents& contents) {
            std::error_code code;
            if (!fs::is_directory(path, code)) return Content{contents.File(path)};
            std::vector<fs::path> files;
            for (const auto& entry : fs::recursive_directory_iterator(path)) {
              if (entry.is_regular_file(code) && !IsTemporary(entry.path())) files.push_back(entry.path());
            }
            std::ranges::sort(files);
            const auto hashes = contents.Files(files);
            std::string text;
            for (std::size_t i = 0; i < files.size(); ++i) {
              text += files[i].lexically_relative(path).string() + "\n" + hashes[i] + "\n";
            }
            return Content{Sha256(text)};
          }};
}

Artifact TableArtifact(const std::string& role, const fs::path& csv, const PhotoColumns& columns, TablePart part,
                       const std::vector<std::string>& further) {
  return {role, csv, [csv, columns, part, further](Contents&) {
            if (!FileIsThere(csv)) return Content{kAbsent};
            std::string text;
            if (part == TablePart::kCells) {
              const CsvTable table = CsvTable::Read(csv);
              const std::size_t width = table.header().size();
              for (const auto& name : table.header()) text.append(name).push_back('\0');
              for (std::size_t row = 0; row < table.rows(); ++row) {
                for (std::size_t i = 0; i < width; ++i) text.append(table.Cell(row, i)).push_back('\0');
              }
              // The columns that are read from it.
              for (const auto* name : {&columns.id, &columns.lat, &columns.lon}) text.append(*name).push_back('\0');
              return Content{Sha256(text)};
            }
            for (const auto& name : further) text.append(name).push_back('\n');
            for (const PhotoRow& row : ReadPhotoTable(csv, columns, Locations::kOptional, further).rows) {
              text += row.id + '\n';
              if (part == TablePart::kIds) continue;
              if (row.location) text += FormatDouble(row.location->lat) + ' ' + FormatDouble(row.location->lon);
              text += '\n' + row.author + '\n';
              for (const auto& value : row.values) text.append(value).push_back('\n');
            }
            return Content{Sha256(text)};
          }};
}

Artifact PhotosArtifact(const std::string& role, const fs::path& images, const fs::path& csv,
                        const PhotoColumns& columns) {
  return {role, images, [=](Contents& contents) {
            std::error_code code;
            if (const auto places = PathsOf(images.string()); places.size() > 1) {
              return ContentOfPlaces(contents, role, places, csv, columns, PhotoPath);
            }
            const fs::path place = PathsOf(images.string()).front();
            if (!fs::is_directory(place, code)) return Content{contents.File(place)};
            const auto source = OpenPhotoSource(place);
            return ContentOfNamed(
                contents, role, IdsOf(csv, columns), [&](const std::string& id) { return PhotoPath(place, id); },
                [&](const std::string& id) -> std::optional<std::string> {
                  if (!source->Has(id)) return std::nullopt;
                  return Sha256(source->Read(id));
                });
          }};
}

Artifact MasksArtifact(const std::string& role, const fs::path& masks, const fs::path& csv,
                       const PhotoColumns& columns) {
  return {role, masks, [=](Contents& contents) {
            std::error_code code;
            if (const auto places = PathsOf(masks.string()); places.size() > 1) {
              return ContentOfPlaces(contents, role, places, csv, columns, MaskPath);
            }
            const fs::path place = PathsOf(masks.string()).front();
            if (!fs::exists(place, code)) return Content{kAbsent};
            if (!fs::is_directory(place, code)) return Content{contents.File(place)};
            return ContentOfNamed(
                contents, role, IdsOf(csv, columns), [&](const std::string& id) { return MaskPath(place, id); },
                [](const std::string&) { return std::nullopt; });
          }};
}

}  // namespace dualgeo
