// Output files and folders. They appear whole or not at all: written under a temporary name beside the target, then
// renamed. What is not a regular file is never replaced: links are followed and stay, FIFOs, character devices and
// descriptors (/dev/stdout) are written to in place, all else (folders, disks, sockets) is refused.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string_view>

#include "util/read_file.h"

namespace dualgeo {

// kSynced: on the disk when Commit returns, so that not even a power cut leaves half a file.
// kUnsynced: for thousands of files of one folder; SyncFolder at the end does it for all of them.
enum class Durability { kSynced, kUnsynced };

// Usage: AtomicFile file(path); file.stream() << ...; file.Commit();
// Without Commit (an exception, say) nothing is left and an older file at `path` stays as it was. An older file's mode
// and owner stay, too; a new one gets what the umask says. What a killed process left of the same file goes (kSynced).
class AtomicFile {
 public:
  // Creates missing parent folders. Waits for a FIFO's reader. Throws InputError when `path` is of a kind that is
  // refused, Error (with the reason) when it cannot be written.
  explicit AtomicFile(std::filesystem::path path, Durability durability = Durability::kSynced);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // Goes bad with the first failure, whose reason Commit tells.
  std::ostream& stream();
  // Flushes, syncs and renames. Throws Error naming the file and the reason, e.g. "No space left on device".
  void Commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

void WriteFileAtomically(const std::filesystem::path& path, std::string_view content,
                         Durability durability = Durability::kSynced);

// A folder that appears whole: `fill` writes into a temporary sibling, which then takes the place of `path` (of the
// folder behind it, when it is a link). If fill throws, the temporary folder is removed and an older folder at `path`
// stays as it was. All that was in the older folder is gone: see CheckFolderIsOurs in output_path.h.
void WriteFolderAtomically(const std::filesystem::path& path,
                           const std::function<void(const std::filesystem::path& temporary)>& fill);

// The folder and its parents, where they are missing; a link to a folder that is not there yet is followed.
// Throws InputError when something else is there, Error with the reason.
void CreateFolder(const std::filesystem::path& folder);

// Waits until all that was written below `folder` is on the disk (the whole file system: one call for many files).
void SyncFolder(const std::filesystem::path& folder);

// Whether a name is one of our temporary files or folders: to be passed over when a folder is read.
bool IsTemporary(const std::filesystem::path& path);

// Removes temporary files and folders below `folder` whose writers have died; those of live processes stay.
void RemoveLeftovers(const std::filesystem::path& folder);

}  // namespace dualgeo
