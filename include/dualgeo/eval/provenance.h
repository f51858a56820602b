// Where a table comes from. Every JSON with numbers in it (evaluate, compare, rerank sweep, ablate, robustness, run)
// carries under the key `provenance` what is needed to make it again, and to tell later whether that would still be the
// same table: command line, folder, resolved config, seed, threads, device, versions, and the SHA-256 of every file
// that was read.
//
//   "provenance": {
//     "command": ["dualgeo", "evaluate", "--predictions", "p.csv", ...],
//     "folder": "/home/me/work",            where it ran: relative paths start here
//     "config": "thresholds_km: [1, 25, ...]\n...",          YAML
//     "seed": 0, "threads": 2, "device": "cpu",
//     "versions": {"dualgeo": "0.1.0", "libtorch": "1.13.1", ...},
//     "files": [{"role": "truth", "path": "t.csv", "sha256": "9f86..."}, ...]
//   }
//
// There is no time of day in it, so that the same run writes the same bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace dualgeo {

// Versions of this program and of its libraries: {"dualgeo", "0.1.0"}, {"libtorch", "1.13.1"} ...
std::vector<std::pair<std::string, std::string>> LibraryVersions();

// A file that was read. role: truth, predictions, candidates, answers, checkpoint, photos, gallery, config ...
struct FileFingerprint {
  std::string role;
  std::string path;    // as it was given
  std::string sha256;  // ContentSha256(path)

  bool operator==(const FileFingerprint&) const = default;
};

struct Provenance {
  std::vector<std::string> command;
  std::string folder;
  std::string config;
  std::int64_t seed = 0;
  int threads = 1;
  std::string device = "cpu";
  std::vector<std::pair<std::string, std::string>> versions;
  std::vector<FileFingerprint> files;

  // Adds the file's fingerprint. Nothing happens for an empty path. Throws InputError when it cannot be read.
  void AddFile(const std::string& role, const std::filesystem::path& path);

  bool operator==(const Provenance&) const = default;
};

// SHA-256 of a file; of a stream, of what was read from it; of a folder: of the sorted lines "sha256  path below the
// folder" of its files. Unlike the stamps by which `run` skips steps, it survives copying to another machine.
std::string ContentSha256(const std::filesystem::path& path);

// Of this process: command line, folder and versions are filled in, files are to be added. config: YAML of every
// setting that changes the numbers (DumpConfig(OptionTree(options)), or DumpExperiment).
Provenance ThisProvenance(std::string config, std::int64_t seed);

nlohmann::ordered_json ToJson(const Provenance& provenance);
// Throws InputError ("m.json: provenance.files ...") when something is missing or of another type.
Provenance ProvenanceFromJson(const nlohmann::ordered_json& json, const std::filesystem::path& file);

// The provenance of a JSON table. Throws InputError when the file is not JSON or carries none.
Provenance ReadProvenance(const std::filesystem::path& file);
// The JSON files below a folder that carry a provenance, sorted.
std::vector<std::filesystem::path> FilesWithProvenance(const std::filesystem::path& folder);

enum class FileState { kSame, kChanged, kGone };

struct FileCheck {
  FileFingerprint file;
  FileState state = FileState::kSame;
  std::filesystem::path found;  // where it was looked at
};

struct VersionChange {
  std::string name, then, now;  // now: empty when this build has no such library
};

struct ProvenanceCheck {
  std::vector<FileCheck> files;
  std::vector<VersionChange> versions;  // that differ from this build's

  // Whether every file is what it was. Versions may differ: the inputs are the same, a rerun's numbers may not be.
  bool FilesMatch() const;
};

// Looks at every file again. A relative path is looked for below the folder the table was made in and, where that has
// no such file, below the current one (a run that was copied elsewhere).
ProvenanceCheck CheckProvenance(const Provenance& provenance);

// One line a file ("same", "changed", "gone") and a version that differs, and the command that made the table.
std::string FormatCheck(const Provenance& provenance, const ProvenanceCheck& check);

}  // namespace dualgeo
