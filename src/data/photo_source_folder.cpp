// Photos in a folder and below it.
#include <algorithm>
#include <system_error>

#include "dualgeo/util/text.h"
#include "photo_source_kinds.h"
#include "util/read_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

class FolderSource : public NamedSource {
 public:
  explicit FolderSource(fs::path folder) : folder_(std::move(folder)) {}
  std::string Name(const std::string& id) const override { return Printable((folder_ / id).string(), 200); }

  std::vector<std::string> Names(std::size_t most) const override {
    std::vector<std::string> names;
    std::error_code code;
    fs::recursive_directory_iterator entry(
        folder_, fs::directory_options::follow_directory_symlink | fs::directory_options::skip_permission_denied, code);
    // Links may form a circle; real folders are not that deep.
    for (; !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
      if (entry.depth() > 16) entry.disable_recursion_pending();
      std::error_code ignored;
      if (names.size() == most) break;
      if (entry->is_regular_file(ignored)) names.push_back(entry->path().lexically_relative(folder_).string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 protected:
  std::string ReadChecked(const std::string& id) const override {
    std::error_code code;
    const auto status = fs::status(folder_ / id, code);
    if (status.type() == fs::file_type::not_found) throw InputError(Name(id) + ": no such file" + NearName(id));
    return ReadFile(folder_ / id, kMaxPhotoBytes);
  }
  bool HasChecked(const std::string& id) const override {
    std::error_code ignored;
    return fs::is_regular_file(folder_ / id, ignored);
  }
  std::optional<fs::file_time_type> LastChange(const std::string& id) const override {
    return TimeOfChange(folder_ / id);
  }

 private:
  fs::path folder_;
};

}  // namespace

bool IsPhotoFolder(const PhotoPlace& place) { return place.folder; }

std::unique_ptr<PhotoSource> OpenPhotoFolder(const fs::path& path) { return std::make_unique<FolderSource>(path); }

}  // namespace dualgeo
