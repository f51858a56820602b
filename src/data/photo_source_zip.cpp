// Photos in a zip archive.
#include "dualgeo/util/text.h"
#include "io/mapped_file.h"
#include "io/zip.h"
#include "photo_source_kinds.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

class ZipSource : public NamedSource {
 public:
  explicit ZipSource(const fs::path& path)
      : path_(path), file_(path), members_(ReadZipDirectory(file_.bytes(), path.string())) {}
  std::string Name(const std::string& id) const override { return path_.string() + ":" + Printable(id, 200); }
  bool List(const std::function<void(std::string_view)>& visit) const override {
    for (const auto& [name, member] : members_) {
      if (!name.ends_with('/')) visit(name);
    }
    return true;
  }

 protected:
  std::string ReadChecked(const std::string& id) const override {
    const auto member = members_.find(id);
    if (member == members_.end()) {
      throw InputError(Name(id) + ": no such member among the archive's " + std::to_string(members_.size()) +
                       NearName(id));
    }
    return ReadZipMember(file_.bytes(), *member, path_.string(), kMaxPhotoBytes);
  }
  bool HasChecked(const std::string& id) const override { return members_.contains(id); }
  std::optional<fs::file_time_type> LastChange(const std::string&) const override { return TimeOfChange(path_); }

 private:
  fs::path path_;
  MappedFile file_;
  ZipDirectory members_;
};

}  // namespace

bool IsPhotoZip(const PhotoPlace& place) { return !place.folder && !place.other && place.head.starts_with("PK"); }

std::unique_ptr<PhotoSource> OpenPhotoZip(const fs::path& path) { return std::make_unique<ZipSource>(path); }

}  // namespace dualgeo
