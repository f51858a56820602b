// Photos in an uncompressed tar archive.
#include "dualgeo/util/text.h"
#include "io/tar.h"
#include "photo_source_kinds.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

class TarSource : public NamedSource {
 public:
  explicit TarSource(const std::vector<fs::path>& parts) : tar_(parts) {}
  std::string Name(const std::string& id) const override { return tar_.path().string() + ":" + Printable(id, 200); }
  bool List(const std::function<void(std::string_view)>& visit) const override {
    for (std::size_t i = 0; i < tar_.size(); ++i) visit(tar_.At(i).name);
    return true;
  }

 protected:
  std::string ReadChecked(const std::string& id) const override {
    const auto member = tar_.Find(id);
    if (!member) {
      throw InputError(Name(id) + ": no such member among the archive's " + std::to_string(tar_.size()) + NearName(id));
    }
    return tar_.Read(*member, kMaxPhotoBytes);
  }
  bool HasChecked(const std::string& id) const override { return tar_.Find(id).has_value(); }
  std::optional<fs::file_time_type> LastChange(const std::string&) const override { return tar_.LastChange(); }

 private:
  TarFile tar_;
};

}  // namespace

bool IsPhotoTar(const PhotoPlace& place) { return !place.folder && !place.other; }

std::unique_ptr<PhotoSource> OpenPhotoTar(const fs::path& path) { return OpenPhotoTarParts({path}); }

std::unique_ptr<PhotoSource> OpenPhotoTarParts(const std::vector<fs::path>& parts) {
  return std::make_unique<TarSource>(parts);
}

}  // namespace dualgeo
