#include "dualgeo/data/photo_source.h"

#include <algorithm>
#include <system_error>

#include "dualgeo/io/file_kind.h"
#include "dualgeo/io/input_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/text.h"
#include "photo_source_kinds.h"

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

std::string NamedSource::NearName(const std::string& id) const {
  std::call_once(listed_, [&] { names_ = std::make_unique<OtherNames>(Names()); });
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

std::unique_ptr<PhotoSource> OpenPhotoSource(const fs::path& path) {
  struct Kind {
    const char* name;
    bool (*takes)(const PhotoPlace&);
    std::unique_ptr<PhotoSource> (*open)(const fs::path&);
  };
  static constexpr Kind kKinds[] = {DUALGEO_PHOTO_SOURCES(DUALGEO_KIND_ENTRY)};
  std::error_code code;
  const auto status = fs::status(path, code);
  if (!fs::exists(status)) throw InputError(path.string() + ": no such folder or tar archive of photos");
  PhotoPlace place{path, fs::is_directory(status), "", {}};
  if (!place.folder) {
    if (!fs::is_regular_file(status)) {
      throw InputError(path.string() + ": not a file; photos are read from a folder, a tar or a zip archive");
    }
    place.head = ReadHead(path);
    place.other = DescribeOtherFile(place.head, FileUse::kPhotos);
  }
  for (const Kind& kind : kKinds) {
    if (kind.takes(place)) return kind.open(path);
  }
  throw InputError(path.string() + ": " + place.other.value_or("no photos are read from such a file"));
}

}  // namespace dualgeo
