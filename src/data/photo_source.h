// Where photos and masks come from: a folder, an uncompressed tar archive (whole, or in parts as split(1) cuts it), a
// zip archive, or a list of those, behind one interface. An id is the photo's path below the folder (or the member's
// name), as in the IMG_ID column. docs/sources.md.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dualgeo {

class PhotoSource {
 public:
  virtual ~PhotoSource() = default;
  // The photo's encoded bytes. Throws InputError when it is missing or unreadable, or when the id is absolute or climbs
  // out with ".."; where it is there under another name (io/other_names.h), the message says which. Safe to call from
  // several threads.
  virtual std::string Read(const std::string& id) const = 0;
  // Whether Read would find it; false, too, for an id that it would refuse.
  virtual bool Has(const std::string& id) const = 0;
  // When the photo, or the archive that holds it, last changed; nothing when that is not known. What was made of it
  // before then is not to be trusted.
  virtual std::optional<std::filesystem::file_time_type> LastChange(const std::string& id) const = 0;
  // How messages name the photo: "photos/a.jpg", "photos.tar:a.jpg".
  virtual std::string Name(const std::string& id) const = 0;
  // Calls with every id where they are listed without a search, as in archives, whose ids do not change; false where
  // they are not (folders).
  virtual bool List(const std::function<void(std::string_view id)>&) const { return false; }
  // The ids of all files that there are, or of the first `most`; a folder is searched for them.
  virtual std::vector<std::string> Names(std::size_t most) const = 0;
};

// places: one or several, as util/path_list.h reads them. A file of the list that does not begin as an archive is the
// next part of the tar before it. Of several places the first that has a photo is read, and archives that share names
// say so; there, a name without an extension is that of the photo with any (the keys of WebDataset's shards).
// Throws InputError when a place is missing or neither a folder nor an archive that is read, saying what it is
// (io/file_kind.h). Compressed tars are refused: their members cannot be read in place.
std::unique_ptr<PhotoSource> OpenPhotoSource(const std::filesystem::path& places);

// Throws InputError when an id is empty, absolute, has a ".." component or a control character: a table must not be
// able to read or write outside of its folder.
void CheckPhotoId(const std::string& id);

}  // namespace dualgeo
