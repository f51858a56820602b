// Where an output path leads.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>

namespace dualgeo {

struct OutputTarget {
  std::filesystem::path path;         // behind all links
  bool linked = false;                // `path` is not what the user wrote
  std::optional<struct stat> status;  // none: nothing is there yet
  std::optional<int> own_descriptor;  // /dev/stdout, /dev/fd/N, /proc/self/fd/N

  bool is_file() const { return status && S_ISREG(status->st_mode); }
  bool is_folder() const { return status && S_ISDIR(status->st_mode); }
};

// Follows links. Throws Error with the reason (too many links, a parent that is a file ...).
OutputTarget FollowLinks(const std::filesystem::path& path);

// A file to write: throws InputError for kinds that are refused, and for a link into a folder that is not there.
OutputTarget FileTarget(const std::filesystem::path& path);
// Likewise a folder.
OutputTarget FolderTarget(const std::filesystem::path& path);

// "a folder", "a block device"
std::string KindOf(const struct stat& status);

// "cannot write PATH: REASON"
[[noreturn]] void FailWriting(const std::filesystem::path& path, int error_number);

// A new file or folder beside `target`, locked for as long as the descriptor is open; name: where it is.
// -1 and errno when it cannot be made.
int MakeTemporaryFile(const std::filesystem::path& target, mode_t mode, std::filesystem::path& name);
int MakeTemporaryFolder(const std::filesystem::path& target, std::filesystem::path& name);

// What killed processes left beside `target` when they wrote it.
void RemoveLeftoversOf(const std::filesystem::path& target);

}  // namespace dualgeo
