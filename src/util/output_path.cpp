#include "util/output_path.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <string_view>
#include <system_error>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "output_target.h"
#include "util/atomic_file.h"
#include "util/path_list.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

bool IsFolderKind(OutputKind kind) { return kind == OutputKind::kFilledFolder || kind == OutputKind::kReplacedFolder; }

// The nearest folder above that is there: everything below can be made if this can be written.
fs::path ExistingParent(const fs::path& path) {
  fs::path parent = path.parent_path();
  std::error_code ignored;
  while (!parent.empty() && !fs::exists(fs::symlink_status(parent, ignored))) parent = parent.parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

// By trying: permissions do not tell of read-only and special file systems, nor what root may.
void CheckCanCreateIn(const fs::path& folder, const fs::path& path) {
  const OutputTarget target = FolderTarget(folder);
  if (!target.status) return CheckCanCreateIn(ExistingParent(target.path), path);
  fs::path probe;
  const int descriptor = MakeTemporaryFile(target.path / "check", 0600, probe);
  if (descriptor < 0) {
    throw Error("cannot write " + path.string() + ": nothing can be created in folder " + target.path.string() + ": " +
                ErrnoText(errno));
  }
  unlink(probe.c_str());
  close(descriptor);
}

bool HasExtension(const fs::path& path, std::initializer_list<std::string_view> extensions) {
  return std::ranges::find(extensions, LowerCase(path.extension().string())) != extensions.end();
}

bool LooksLikePhoto(const fs::path& path) {
  return HasExtension(path, {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic",
                             ".heif", ".avif", ".gif", ".jxl"});
}

// What may lie beside photos and was made from them. By what it is, not by what photos are named: ids have any name.
bool LooksMade(const fs::path& path) {
  return HasExtension(path, {".csv", ".tsv", ".txt", ".md", ".tex", ".json", ".jsonl", ".geojson", ".html", ".svg",
                             ".yaml", ".yml", ".safetensors"});
}

void CheckFile(const OutputPath& output) {
  const OutputTarget target = FileTarget(output.path);
  const bool plain = !target.own_descriptor && (!target.status || target.is_file());
  if (output.kind == OutputKind::kRegularFile && !plain) {
    throw InputError("cannot write " + output.path.string() + ": it is " +
                     (target.status ? KindOf(*target.status) : "a descriptor") +
                     ", and a regular file is needed, which can be read again");
  }
  if (target.own_descriptor) {
    const int flags = fcntl(*target.own_descriptor, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) FailWriting(output.path, EBADF);
    return;
  }
  if (target.status && access(target.path.c_str(), W_OK) != 0) FailWriting(output.path, errno);
  if (plain) CheckCanCreateIn(ExistingParent(target.path), output.path);
}

void CheckFolder(const OutputPath& output) {
  const OutputTarget target = FolderTarget(output.path);
  const bool inside = target.status && output.kind == OutputKind::kFilledFolder;
  if (inside) return CheckCanCreateIn(target.path, output.path);
  const fs::path parent = ExistingParent(target.path);
  struct stat above = {};
  if (target.status && stat(parent.c_str(), &above) == 0 && above.st_dev != target.status->st_dev) {
    throw InputError("cannot write " + output.path.string() +
                     ": the root of a file system cannot be replaced; name a folder below it");
  }
  CheckCanCreateIn(parent, output.path);
}

// What a path is, however it is spelled.
struct Identity {
  fs::path path;                      // canonical
  std::optional<struct stat> status;  // behind links

  static Identity Of(const fs::path& path) {
    Identity identity;
    try {
      identity.path = fs::weakly_canonical(FollowLinks(path).path);
    } catch (const std::exception&) {  // a link loop: an input's reader will say so
      identity.path = path;
    }
    if (!identity.path.has_filename()) identity.path = identity.path.parent_path();
    struct stat status = {};
    if (stat(path.c_str(), &status) == 0) identity.status = status;
    return identity;
  }
  bool Is(const Identity& other) const {
    if (!status || !other.status) return !status && !other.status && path == other.path;
    if (S_ISCHR(status->st_mode)) return false;  // a terminal is read and written
    return status->st_dev == other.status->st_dev && status->st_ino == other.status->st_ino;
  }
  bool IsBelow(const Identity& other) const {
    const auto [mine, theirs] = std::mismatch(path.begin(), path.end(), other.path.begin(), other.path.end());
    return theirs == other.path.end() && mine != path.end();
  }
  bool is_folder() const { return status && S_ISDIR(status->st_mode); }
};

void CheckAgainstInput(const OutputPath& output, const Identity& out, const InputPath& input) {
  const Identity in = Identity::Of(input.path);
  const auto refuse = [&](const std::string& why) {
    throw InputError(output.name + " " + Printable(output.path.string(), 300) + ": " + why + " of " + input.name +
                     (input.path == output.path ? "" : " " + Printable(input.path.string(), 300)) +
                     "; an output must not be an input");
  };
  if (out.Is(in)) refuse(in.is_folder() ? "is the folder" : "is the file");
  if (output.kind == OutputKind::kReplacedFolder && in.IsBelow(out)) refuse("is a folder above the file");
  if (IsFolderKind(output.kind) || !in.is_folder() || !out.status || !out.IsBelow(in)) return;
  if (input.kind == InputKind::kWhole || !LooksMade(out.path)) refuse("is a file that is in the folder");
}

// Photos may lie in several places. A pattern that nothing fits is their reader's to refuse.
std::vector<InputPath> EachInput(const std::vector<InputPath>& inputs) {
  std::vector<InputPath> each;
  for (const InputPath& input : inputs) {
    if (input.path.empty()) continue;
    std::vector<fs::path> paths = {input.path};
    try {
      if (input.kind == InputKind::kPhotos) paths = PathsOf(input.path.string());
    } catch (const InputError&) {
    }
    for (const auto& path : paths) each.push_back({input.name, path, input.kind});
  }
  return each;
}

}  // namespace

void CheckOutputs(const std::vector<OutputPath>& outputs, const std::vector<InputPath>& inputs) {
  const std::vector<InputPath> each = EachInput(inputs);
  std::vector<std::pair<const OutputPath*, Identity>> seen;
  for (const OutputPath& output : outputs) {
    if (output.path.empty()) continue;
    IsFolderKind(output.kind) ? CheckFolder(output) : CheckFile(output);
    const Identity out = Identity::Of(output.path);
    for (const InputPath& input : each) CheckAgainstInput(output, out, input);
    if (output.kind != OutputKind::kPicture && out.status && S_ISREG(out.status->st_mode) && LooksLikePhoto(out.path)) {
      throw InputError(output.name + " " + Printable(output.path.string(), 300) +
                       ": a file is there that is named as photos are, and it would be lost; name another");
    }
    for (const auto& [other, identity] : seen) {
      if (!out.Is(identity)) continue;
      throw InputError(output.name + " " + Printable(output.path.string(), 300) + " is the file of " + other->name +
                       ", too; give each output its own");
    }
    seen.emplace_back(&output, out);
  }
}

void CheckFolderIsOurs(const fs::path& folder, const std::string& what, const std::string& marker,
                       const std::vector<std::string>& names) {
  std::error_code code;
  if (!fs::is_directory(folder, code)) return;
  std::vector<std::string> foreign;
  bool empty = true;
  bool marked = false;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename().string();
    if (IsTemporary(name)) continue;
    empty = false;
    marked = marked || name == marker;
    if (std::find(names.begin(), names.end(), name) == names.end()) foreign.push_back(Printable(name));
  }
  if (code) throw Error(folder.string() + ": cannot be read: " + code.message());
  if (empty || (marked && foreign.empty())) return;
  std::sort(foreign.begin(), foreign.end());
  const std::string why = foreign.empty() ? "it holds no " + marker : "it holds " + foreign.front();
  throw InputError("cannot write " + folder.string() + ": the folder is not " + what + " alone (" + why +
                   "), and replacing it would delete what is there; name a new or empty folder");
}

}  // namespace dualgeo
