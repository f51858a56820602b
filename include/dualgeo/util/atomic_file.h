// Output files appear whole or not at all: written under a temporary name beside the target, then renamed.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string_view>

namespace dualgeo {

// Usage: AtomicFile file(path); file.stream() << ...; file.Commit();
// Without Commit (an exception, say) the temporary file is removed and an older file at `path` stays as it was.
class AtomicFile {
 public:
  // Creates missing parent folders. Throws Error when the temporary file cannot be created.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  std::ostream& stream() { return stream_; }
  // For libraries that want a file name: write there (not through stream()), then Commit. It has the extension of
  // `path`.
  const std::filesystem::path& temporary() const { return temporary_; }

  // Flushes, syncs and renames. Throws Error (naming the file and the reason, e.g. "No space left on device").
  void Commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::ofstream stream_;
  bool committed_ = false;
};

void WriteFileAtomically(const std::filesystem::path& path, std::string_view content);

// A folder that appears whole: `fill` writes into a temporary sibling folder, which then replaces `path`.
// If fill throws, the temporary folder is removed and an older folder at `path` stays as it was.
void WriteFolderAtomically(const std::filesystem::path& path,
                           const std::function<void(const std::filesystem::path& temporary)>& fill);

// The whole file. Throws InputError when it is missing, unreadable, a folder, or larger than max_bytes.
std::string ReadFile(const std::filesystem::path& path, std::size_t max_bytes = std::size_t{1} << 30);

}  // namespace dualgeo
