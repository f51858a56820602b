#include "dualgeo/data/photo_source.h"

#include <algorithm>
#include <mutex>
#include <system_error>

#include "dualgeo/io/file_kind.h"
#include "dualgeo/io/input_file.h"
#include "dualgeo/io/mapped_file.h"
#include "dualgeo/io/other_names.h"
#include "dualgeo/io/tar.h"
#include "dualgeo/io/zip.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/read_file.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// A single photo is a few megabytes; a file far beyond that is not one, and is not read into memory to find out.
constexpr std::size_t kMaxPhotoBytes = std::size_t{1} << 29;

std::optional<fs::file_time_type> TimeOfChange(const fs::path& path) {
  std::error_code code;
  const auto time = fs::last_write_time(path, code);
  if (code) return std::nullopt;
  return time;
}

// What Read, Has and messages have in common, whatever the photos lie in.
class NamedSource : public PhotoSource {
 public:
  std::string Read(const std::string& id) const override {
    try {
      CheckPhotoId(id);
    } catch (const InputError& error) {
      throw InputError(error.what() + NearName(id));
    }
    return ReadChecked(id);
  }
  bool Has(const std::string& id) const override {
    try {
      CheckPhotoId(id);
    } catch (const InputError&) {
      return false;
    }
    return HasChecked(id);
  }

 protected:
  virtual std::string ReadChecked(const std::string& id) const = 0;
  virtual bool HasChecked(const std::string& id) const = 0;
  // Of all files that there are.
  virtual std::vector<std::string> Names() const = 0;

  // "; city/a.jpg is there": looked for once something is missing.
  std::string NearName(const std::string& id) const {
    std::call_once(listed_, [&] { names_ = std::make_unique<OtherNames>(Names()); });
    return NameThatIsThere(*names_, id);
  }

 private:
  mutable std::once_flag listed_;
  mutable std::unique_ptr<OtherNames> names_;
};

class FolderSource : public NamedSource {
 public:
  explicit FolderSource(fs::path folder) : folder_(std::move(folder)) {}
  std::string Name(const std::string& id) const override { return Printable((folder_ / id).string(), 200); }

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
  std::vector<std::string> Names() const override {
    std::vector<std::string> names;
    std::error_code code;
    fs::recursive_directory_iterator entry(
        folder_, fs::directory_options::follow_directory_symlink | fs::directory_options::skip_permission_denied, code);
    // Links may form a circle; real folders are not that deep.
    for (; !code && entry != fs::recursive_directory_iterator(); entry.increment(code)) {
      if (entry.depth() > 16) entry.disable_recursion_pending();
      std::error_code ignored;
      if (names.size() == kMostNames) break;
      if (entry->is_regular_file(ignored)) names.push_back(entry->path().lexically_relative(folder_).string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  std::optional<fs::file_time_type> LastChange(const std::string& id) const override {
    return TimeOfChange(folder_ / id);
  }

 private:
  static constexpr std::size_t kMostNames = 1'000'000;  // of more, some hundred megabytes would be listed

  fs::path folder_;
};

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

class ZipSource : public NamedSource {
 public:
  explicit ZipSource(const fs::path& path)
      : path_(path), file_(path), members_(ReadZipDirectory(file_.bytes(), path.string())) {}
  std::string Name(const std::string& id) const override { return path_.string() + ":" + Printable(id, 200); }

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
  std::vector<std::string> Names() const override {
    std::vector<std::string> names;
    for (const auto& [name, member] : members_) {
      if (!name.ends_with('/')) names.push_back(name);
    }
    return names;
  }
  std::optional<fs::file_time_type> LastChange(const std::string&) const override { return TimeOfChange(path_); }

 private:
  fs::path path_;
  MappedFile file_;
  ZipDirectory members_;
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
  if (!fs::is_regular_file(status)) {
    throw InputError(path.string() + ": not a file; photos are read from a folder, a tar or a zip archive");
  }
  const std::string head = ReadHead(path);
  if (const auto other = DescribeOtherFile(head, FileUse::kPhotos)) throw InputError(path.string() + ": " + *other);
  if (head.starts_with("PK")) return std::make_unique<ZipSource>(path);
  return std::make_unique<TarSource>(path);
}

}  // namespace dualgeo
