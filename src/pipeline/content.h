// What tells one state of an input or output from another: the bytes that count, whatever their files are called, when
// they were touched or which way they lead there (links are followed).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/util/hash.h"

namespace dualgeo {

// SHA-256 of files, remembered from run to run: a file whose device, inode, size and times of change (mtime and ctime,
// which nobody can set back) are those at which it was hashed need not be read again. Any other stamp, and any file
// changed less than two seconds before it was hashed, is.
class Contents {
 public:
  // cache: file of the hashes known; it need not exist, and a damaged one is as none.
  explicit Contents(std::filesystem::path cache = {});
  ~Contents();  // writes what was learned; a cache that cannot be written is left
  Contents(const Contents&) = delete;
  Contents& operator=(const Contents&) = delete;

  // Of a regular file; "absent" when there is none. Throws InputError when it cannot be read.
  std::string File(const std::filesystem::path& path);
  // Of many, in their order, read by several threads; "unreadable" instead of an error. Throws Interrupted.
  std::vector<std::string> Files(const std::vector<std::filesystem::path>& paths);
  // How many files were read.
  std::int64_t read() const { return read_; }

 private:
  struct Key {
    std::uint64_t device, inode;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return key.inode * 1000003U + key.device; }
  };
  struct Known {
    std::uint64_t size;
    std::int64_t modified, changed;  // nanoseconds
    Sha256Digest sha256;
    bool operator==(const Known&) const = default;
  };
  struct Record {  // of the cache file
    Key key;
    Known known;
  };

  void Load();
  void Save() const;

  std::filesystem::path cache_;
  std::unordered_map<Key, Known, KeyHash> known_;
  bool learned_ = false;
  std::int64_t read_ = 0;
};

struct Content {
  std::string sha256;        // "absent" when there is nothing at all
  std::int64_t missing = 0;  // files that should be there (photos of the table)
  bool operator==(const Content&) const = default;
};

// An input or output of a step. role: what it is to the step ("photos", "checkpoint"), the key in its record; path:
// where it is today, for people.
struct Artifact {
  std::string role;
  std::filesystem::path path;
  std::function<Content(Contents&)> content;
};

Artifact FileArtifact(const std::string& role, const std::filesystem::path& path);
// A checkpoint folder (its weights count alone) or a file of weights.
Artifact WeightsArtifact(const std::string& role, const std::filesystem::path& path);
// The three files of a gallery.
Artifact GalleryArtifact(const std::string& role, const std::filesystem::path& folder);
// All files below a folder, or one file.
Artifact FolderArtifact(const std::string& role, const std::filesystem::path& path);

// What of a photo table counts: its ids and their order; places and authors, too; or every cell of it.
enum class TablePart { kIds, kRows, kCells };
// further: of kRows, other columns that are read, too.
Artifact TableArtifact(const std::string& role, const std::filesystem::path& csv, const PhotoColumns& columns,
                       TablePart part, const std::vector<std::string>& further = {});
// The photos that the table names, in a folder (others there do not count) or a tar.
Artifact PhotosArtifact(const std::string& role, const std::filesystem::path& images, const std::filesystem::path& csv,
                        const PhotoColumns& columns);
// Likewise their masks.
Artifact MasksArtifact(const std::string& role, const std::filesystem::path& masks, const std::filesystem::path& csv,
                       const PhotoColumns& columns);

}  // namespace dualgeo
