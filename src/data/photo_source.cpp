#include "dualgeo/data/photo_source.h"

#include <algorithm>
#include <system_error>

#include "dualgeo/io/tar.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// A single photo is a few megabytes; a file far beyond that is not one, and is not read into memory to find out.
constexpr std::size_t kMaxPhotoBytes = std::size_t{1} << 29;

class FolderSource : public PhotoSource {
 public:
  explicit FolderSource(fs::path folder) : folder_(std::move(folder)) {}
  std::string Read(const std::string& id) const override {
    CheckPhotoId(id);
    return ReadFile(folder_ / id, kMaxPhotoBytes);
  }
  bool Has(const std::string& id) const override {
    try {
      CheckPhotoId(id);
    } catch (const InputError&) {
      return false;
    }
    std::error_code ignored;
    return fs::is_regular_file(folder_ / id, ignored);
  }
  std::string Name(const std::string& id) const override { return Printable((folder_ / id).string(), 200); }

 private:
  fs::path folder_;
};

class TarSource : public PhotoSource {
 public:
  explicit TarSource(const fs::path& path) : tar_(path) {}
  std::string Read(const std::string& id) const override {
    CheckPhotoId(id);
    const TarMember* member = tar_.Find(id);
    if (member == nullptr) {
      throw InputError(Name(id) + ": no such member among the archive's " + std::to_string(tar_.members().size()));
    }
    return tar_.Read(*member, kMaxPhotoBytes);
  }
  bool Has(const std::string& id) const override {
    try {
      CheckPhotoId(id);
    } catch (const InputError&) {
      return false;
    }
    return tar_.Find(id) != nullptr;
  }
  std::string Name(const std::string& id) const override { return tar_.path().string() + ":" + Printable(id, 200); }

 private:
  TarFile tar_;
};

}  // namespace

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
  std::error_code code;
  const auto status = fs::status(path, code);
  if (!fs::exists(status)) throw InputError(path.string() + ": no such folder or tar archive of photos");
  if (fs::is_directory(status)) return std::make_unique<FolderSource>(path);
  return std::make_unique<TarSource>(path);
}

}  // namespace dualgeo
