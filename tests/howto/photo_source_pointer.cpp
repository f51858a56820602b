// A made-up photo source: a text file that says "photos are in FOLDER".
#include "photo_source_kinds.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

const std::string kPointer = "photos are in ";

}  // namespace

bool IsPhotoPointer(const PhotoPlace& place) { return place.head.starts_with(kPointer); }

std::unique_ptr<PhotoSource> OpenPhotoPointer(const std::filesystem::path& path) {
  std::string folder = ReadFile(path).substr(kPointer.size());
  while (folder.ends_with('\n')) folder.pop_back();
  return OpenPhotoSource(path.parent_path() / folder);
}

}  // namespace dualgeo
