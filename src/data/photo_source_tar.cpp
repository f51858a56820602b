// Photos in an uncompressed tar archive.
#include "dualgeo/io/tar.h"
#include "dualgeo/util/text.h"
#include "photo_source_kinds.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

class TarSource : public NamedSource {
 public:
  explicit TarSource(const fs::path& path) : tar_(path) {}
  std::string Name(const std::string& id) const override { return tar_.path().string() + ":" + Printable(id, 200); }

 protected:
  std::string ReadChecked(const std::string& id) const override {
    const TarMember* member = tar_.Find(id);
    if (member == nullptr) {
      throw InputError(Name(id) + ": no such member among the archive's " + std::to_string(tar_.members().size()) +
                       NearName(id));
    }
    return tar_.Read(*member, kMaxPhotoBytes);
  }
  bool HasChecked(const std::string& id) const override { return tar_.Find(id) != nullptr; }
  std::vector<std::string> Names() const override {
    std::vector<std::string> names;
    for (const auto& member : tar_.members()) names.push_back(member.name);
    return names;
  }
  std::optional<fs::file_time_type> LastChange(const std::string&) const override { return TimeOfChange(tar_.path()); }

 private:
  TarFile tar_;
};

}  // namespace

bool IsPhotoTar(const PhotoPlace& place) { return !place.folder && !place.other; }

std::unique_ptr<PhotoSource> OpenPhotoTar(const fs::path& path) { return std::make_unique<TarSource>(path); }

}  // namespace dualgeo
