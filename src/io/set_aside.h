// Finished work is never deleted: what has to make room for new work is renamed to NAME.old-1 (or the next free number)
// and entered in a list, steps/set_aside.jsonl of its run. Only what the list names is ever removed, and only by
// `dualgeo runs --prune`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace dualgeo {

// NAME.old-1, or the next number under which nothing stands.
std::filesystem::path FreeOldName(const std::filesystem::path& path);

// Renames `path` and returns its new name; an empty path when there is nothing. run_dir: whose list it goes into.
// Throws Error.
std::filesystem::path SetAside(const std::filesystem::path& path, const std::filesystem::path& run_dir,
                               const std::string& why);

// Keeps a copy under that name, of finished work that is to be continued in place: of a folder by hard links where the
// file system has them, so its files must be replaced as wholes and not written in; hidden ones (locks) stay out of it.
// Otherwise as SetAside.
std::filesystem::path CopyAside(const std::filesystem::path& path, const std::filesystem::path& run_dir,
                                const std::string& why);

// Undoes SetAside: the old work has its name again. Throws Error when something stands at `path`.
void BringBack(const std::filesystem::path& aside, const std::filesystem::path& path);

struct SetAsideItem {
  std::filesystem::path path;
  std::string when;  // 2026-01-31T12:00:00Z
  std::string why;
  std::uintmax_t bytes = 0;
};

// What was set aside in a run, or in the runs below a folder (a study), and is still there; in the order of time.
// Throws InputError when there is no such folder.
std::vector<SetAsideItem> ListSetAside(const std::filesystem::path& run_dir);

// Removes these and nothing else. Returns what was removed. Throws Error when something cannot be removed.
std::vector<SetAsideItem> PruneSetAside(const std::filesystem::path& run_dir);

}  // namespace dualgeo
