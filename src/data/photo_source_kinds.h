// What the kinds of photo sources share. A new kind is one file in src/data/ and one line here.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/photo_source.h"
#include "dualgeo/util/error.h"
#include "io/other_names.h"

// bool takes(const PhotoPlace&), and what opens it. The first that takes a place.
#define DUALGEO_PHOTO_SOURCES(KIND)              \
  KIND("folder", IsPhotoFolder, OpenPhotoFolder) \
  KIND("zip archive", IsPhotoZip, OpenPhotoZip)  \
  KIND("tar archive", IsPhotoTar, OpenPhotoTar)

namespace dualgeo {

// What the name of a source leads to, as far as it is known before anything opens it.
struct PhotoPlace {
  std::filesystem::path path;
  bool folder = false;
  std::string head;                  // of a file
  std::optional<std::string> other;  // what a file is that no photos are read from (io/file_kind.h)
};

// A single photo is a few megabytes; a file far beyond that is not one, and is not read into memory to find out.
constexpr std::size_t kMaxPhotoBytes = std::size_t{1} << 29;
// Names among which a missing one is looked for: of more, some hundred megabytes would be listed.
constexpr std::size_t kMostNames = 1'000'000;

std::optional<std::filesystem::file_time_type> TimeOfChange(const std::filesystem::path& path);

// What Read, Has and messages have in common, whatever the photos lie in.
class NamedSource : public PhotoSource {
 public:
  std::string Read(const std::string& id) const override;
  bool Has(const std::string& id) const override;
  // Those of List, where a source has one.
  std::vector<std::string> Names(std::size_t most) const override;

 protected:
  virtual std::string ReadChecked(const std::string& id) const = 0;
  virtual bool HasChecked(const std::string& id) const = 0;

  // "; city/a.jpg is there": looked for once something is missing.
  std::string NearName(const std::string& id) const;

 private:
  mutable std::once_flag listed_;
  mutable std::unique_ptr<OtherNames> names_;
};

#define DECLARE(name, takes, open)     \
  bool takes(const PhotoPlace& place); \
  std::unique_ptr<PhotoSource> open(const std::filesystem::path& path);
DUALGEO_PHOTO_SOURCES(DECLARE)
#undef DECLARE

// The parts of one tar, in order.
std::unique_ptr<PhotoSource> OpenPhotoTarParts(const std::vector<std::filesystem::path>& parts);
// Several sources as one. text: what names them.
std::unique_ptr<PhotoSource> JoinPhotoSources(const std::string& text,
                                              std::vector<std::unique_ptr<PhotoSource>> sources);

}  // namespace dualgeo
