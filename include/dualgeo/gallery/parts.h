// Finished blocks of long work, kept beside the output that they will become: OUT.parts/. Whoever is killed finds them
// there when the same command is given again.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace dualgeo {

// OUT.parts
std::filesystem::path PartsOf(const std::filesystem::path& out);

struct KeepParts {
  std::filesystem::path folder;             // empty: nothing is kept
  std::chrono::milliseconds interval{500};  // at least, between two parts
};

// PartsOf(out); nothing for a path that is empty or is neither a file nor a folder (/dev/stdout).
KeepParts KeepPartsOf(const std::filesystem::path& out);

class PartsFolder {
 public:
  struct Part {
    std::filesystem::path file;
    std::int64_t first = 0;  // of the items that it covers
    std::int64_t count = 0;
  };

  // folder: an empty path keeps nothing. made_from: all that the blocks depend on, as text. Parts that were made from
  // the same are taken over, up to the first gap; a folder of others is set aside (OUT.parts.old-1) with a warning.
  // Throws Error when another process works there.
  PartsFolder(std::filesystem::path folder, std::string made_from);
  ~PartsFolder();
  PartsFolder(const PartsFolder&) = delete;
  PartsFolder& operator=(const PartsFolder&) = delete;

  bool keeps() const { return !folder_.empty(); }
  const std::vector<Part>& parts() const { return parts_; }
  // Items that parts cover: 0 to done() - 1.
  std::int64_t done() const;
  // Forgets this part and those behind it (of inputs that changed, or damaged).
  void DropFrom(std::size_t part);
  // The next `count` items: write(file) must make the file whole or not at all.
  void Add(std::int64_t count, const std::function<void(const std::filesystem::path& file)>& write);
  // The output is there: the parts go.
  void Remove();

 private:
  void Lock();
  void SetAside();

  std::filesystem::path folder_;
  std::string made_from_;
  std::vector<Part> parts_;
  int lock_ = -1;
};

// After an output was made by several functions that share its parts.
void RemoveParts(const std::filesystem::path& out);
// The same of a folder by its own name; none (an empty path) is none.
void RemovePartsFolder(const std::filesystem::path& folder);

}  // namespace dualgeo
