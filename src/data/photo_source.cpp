#include "data/photo_source.h"

#include <sys/resource.h>

#include <algorithm>
#include <system_error>

#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/text.h"
#include "io/file_kind.h"
#include "io/input_file.h"
#include "io/tar.h"
#include "photo_source_kinds.h"
#include "util/path_list.h"

namespace dualgeo {
namespace fs = std::filesystem;

std::optional<fs::file_time_type> TimeOfChange(const fs::path& path) {
  std::error_code code;
  const auto time = fs::last_write_time(path, code);
  if (code) return std::nullopt;
  return time;
}

std::string NamedSource::Read(const std::string& id) const {
  try {
    CheckPhotoId(id);
  } catch (const InputError& error) {
    throw InputError(error.what() + NearName(id));
  }
  return ReadChecked(id);
}

bool NamedSource::Has(const std::string& id) const {
  try {
    CheckPhotoId(id);
  } catch (const InputError&) {
    return false;
  }
  return HasChecked(id);
}

std::vector<std::string> NamedSource::Names(std::size_t most) const {
  std::vector<std::string> names;
  List([&](std::string_view id) {
    if (names.size() < most) names.emplace_back(id);
  });
  return names;
}

std::string NamedSource::NearName(const std::string& id) const {
  std::call_once(listed_, [&] { names_ = std::make_unique<OtherNames>(Names(kMostNames)); });
  return NameThatIsThere(*names_, id);
}

void CheckPhotoId(const std::string& id) {
  const auto refuse = [&](const std::string& why) {
    throw InputError("photo id \"" + Printable(id) + "\" " + why +
                     "; ids are paths below the photos' folder or archive");
  };
  if (id.empty()) refuse("is empty");
  if (std::any_of(id.begin(), id.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    refuse("has a control character");
  }
  const fs::path path(id);
  if (path.is_absolute()) refuse("is absolute");
  if (std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; })) {
    refuse("has a \"..\" component");
  }
}

namespace {

constexpr std::size_t kOtherDescriptors = 256;

// What is at a path. of: behind a message that nothing is.
PhotoPlace PlaceAt(const fs::path& path, const std::string& of) {
  std::error_code code;
  const auto status = fs::status(path, code);
  if (!fs::exists(status)) throw InputError(path.string() + ": no such folder or tar archive of photos" + of);
  PhotoPlace place{path, fs::is_directory(status), "", {}};
  if (place.folder) return place;
  if (!fs::is_regular_file(status)) {
    throw InputError(path.string() + ": not a file; photos are read from a folder, a tar or a zip archive");
  }
  place.head = ReadHead(path);
  place.other = DescribeOtherFile(place.head, FileUse::kPhotos);
  return place;
}

std::unique_ptr<PhotoSource> OpenPlace(const PhotoPlace& place) {
  struct Kind {
    const char* name;
    bool (*takes)(const PhotoPlace&);
    std::unique_ptr<PhotoSource> (*open)(const fs::path&);
  };
  static constexpr Kind kKinds[] = {DUALGEO_PHOTO_SOURCES(DUALGEO_KIND_ENTRY)};
  for (const Kind& kind : kKinds) {
    if (kind.takes(place)) return kind.open(place.path);
  }
  throw InputError(place.path.string() + ": " + place.other.value_or("no photos are read from such a file"));
}

// Archives stay open, each a descriptor; many systems begin with 1,024 and allow far more.
void AllowDescriptors(std::size_t count) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= count + kOtherDescriptors) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, count + kOtherDescriptors);
  setrlimit(RLIMIT_NOFILE, &limit);  // where that is not enough, opening says so
}

bool GoesOn(const PhotoPlace& place) {
  return !place.folder && !BeginsAsTar(place.head) && !place.head.starts_with("PK\3\4");
}

}  // namespace

std::unique_ptr<PhotoSource> OpenPhotoSource(const fs::path& places) {
  const std::string text = places.string();
  const std::vector<fs::path> paths = PathsOf(text);
  const std::string of = paths.size() == 1 ? ""
                                           : "; it is one of the " + std::to_string(paths.size()) + " places that " +
                                                 Printable(text, 200) + " names";
  if (paths.size() > kOtherDescriptors) AllowDescriptors(paths.size());
  std::vector<std::unique_ptr<PhotoSource>> sources;
  std::vector<fs::path> parts;  // of the tar at hand
  const auto finish_tar = [&] {
    if (!parts.empty()) sources.push_back(OpenPhotoTarParts(parts));
    parts.clear();
  };
  for (const fs::path& path : paths) {
    const PhotoPlace place = PlaceAt(path, of);
    if (!parts.empty() && GoesOn(place)) {
      parts.push_back(path);
      continue;
    }
    finish_tar();
    if (paths.size() > 1 && BeginsAsTar(place.head)) {
      parts = {path};
    } else {
      sources.push_back(OpenPlace(place));
    }
  }
  finish_tar();
  if (sources.size() == 1) return std::move(sources.front());
  return JoinPhotoSources(text, std::move(sources));
}

}  // namespace dualgeo
