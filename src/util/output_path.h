// Outputs are checked before any work is done: a command that runs for hours must not fail at its last line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace dualgeo {

enum class OutputKind {
  kFile,            // AtomicFile writes it
  kPicture,         // likewise, and it may replace a file that has a photo's name
  kRegularFile,     // a library writes in it, or it is read again: FIFOs and devices will not do
  kFilledFolder,    // files are added to it
  kReplacedFolder,  // WriteFolderAtomically makes it
};

struct OutputPath {
  std::string name;            // for messages: "--out"
  std::filesystem::path path;  // empty: not asked for
  OutputKind kind = OutputKind::kFile;
};

enum class InputKind {
  kWhole,   // a file, or a folder in which nothing may be overwritten (a gallery, a checkpoint)
  kPhotos,  // photos or masks (util/path_list.h); beside them in a folder other files may lie: tables, pages, features
};

struct InputPath {
  std::string name;
  std::filesystem::path path;  // empty: not given
  InputKind kind = InputKind::kWhole;
};

// Throws InputError when an output is of a kind that cannot be written, or is an input or another output (by whatever
// path), or would replace a photo; Error with the reason when it cannot be written. Creates nothing.
void CheckOutputs(const std::vector<OutputPath>& outputs, const std::vector<InputPath>& inputs = {});

// A folder is only replaced when it is empty or ours: it holds `marker`, and nothing but `names`. Throws InputError.
void CheckFolderIsOurs(const std::filesystem::path& folder, const std::string& what, const std::string& marker,
                       const std::vector<std::string>& names);

}  // namespace dualgeo
