#include "dualgeo/gallery/parts.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <charconv>
#include <map>

#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "io/set_aside.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRecord = "made_from.txt";
const std::string kPrefix = "part-";

// part-0000004096-64: items 4096 to 4159.
fs::path PartName(std::int64_t first, std::int64_t count) {
  std::string number = std::to_string(first);
  number.insert(0, 10 - std::min<std::size_t>(10, number.size()), '0');
  return kPrefix + number + "-" + std::to_string(count);
}

bool ParsePartName(const std::string& name, PartsFolder::Part& part) {
  if (!name.starts_with(kPrefix)) return false;
  const char* const end = name.data() + name.size();
  const auto first = std::from_chars(name.data() + kPrefix.size(), end, part.first);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return false;
  const auto count = std::from_chars(first.ptr + 1, end, part.count);
  return count.ec == std::errc() && count.ptr == end && part.first >= 0 && part.count > 0;
}

// What a kill leaves between making the folder and its first part, or between the removal of its last part and its own.
bool HoldsNoWork(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename() != kRecord && !IsTemporary(entry.path())) return false;
  }
  return true;
}

// The record last: a kill in between must not leave parts of unknown work.
void RemoveFolder(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename() != kRecord) fs::remove_all(entry.path(), ignored);
  }
  fs::remove_all(folder, ignored);
}

}  // namespace

fs::path PartsOf(const fs::path& out) {
  const fs::path named = out.has_filename() ? out : out.parent_path();  // "g/" is the folder g
  return named.string() + ".parts";
}

KeepParts KeepPartsOf(const fs::path& out) {
  KeepParts keep;
  std::error_code code;
  const auto status = fs::status(out, code);
  if (out.empty() || (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status))) return keep;
  keep.folder = PartsOf(out);
  return keep;
}

void RemoveParts(const fs::path& out) { RemoveFolder(PartsOf(out)); }
void RemovePartsFolder(const fs::path& folder) {
  if (!folder.empty()) RemoveFolder(folder);
}

PartsFolder::PartsFolder(fs::path folder, std::string made_from)
    : folder_(std::move(folder)), made_from_(std::move(made_from)) {
  if (!keeps() || !fs::is_directory(folder_)) return;
  Lock();
  if (!fs::exists(folder_ / kRecord) || ReadFile(folder_ / kRecord) != made_from_) {
    if (HoldsNoWork(folder_)) {
      Remove();
    } else {
      SetAside();
    }
    return;
  }
  std::map<std::int64_t, Part> found;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    Part part;
    if (!ParsePartName(entry.path().filename().string(), part)) continue;
    part.file = entry.path();
    found[part.first] = part;
  }
  for (auto next = found.find(0); next != found.end(); next = found.find(done())) parts_.push_back(next->second);
}

PartsFolder::~PartsFolder() {
  if (lock_ >= 0) close(lock_);
}

std::int64_t PartsFolder::done() const { return parts_.empty() ? 0 : parts_.back().first + parts_.back().count; }

void PartsFolder::DropFrom(std::size_t part) {
  for (std::size_t i = part; i < parts_.size(); ++i) fs::remove(parts_[i].file);
  parts_.resize(part);
}

void PartsFolder::Add(std::int64_t count, const std::function<void(const fs::path&)>& write) {
  if (lock_ < 0) {
    CreateFolder(folder_);
    Lock();
    WriteFileAtomically(folder_ / kRecord, made_from_);
  }
  const Part part{folder_ / PartName(done(), count), done(), count};
  write(part.file);
  parts_.push_back(part);
}

void PartsFolder::Remove() {
  if (!keeps()) return;
  RemoveFolder(folder_);
  parts_.clear();
  if (lock_ >= 0) close(lock_);
  lock_ = -1;
}

void PartsFolder::Lock() {
  lock_ = open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0 || flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    throw Error(folder_.string() + ": another process works there");
  }
}

// Hours of work may stand in it: a wrong option must not cost them.
void PartsFolder::SetAside() {
  close(lock_);
  lock_ = -1;
  const fs::path old = FreeOldName(folder_);
  fs::rename(folder_, old);
  spdlog::warn("{}: blocks of other inputs or settings; set aside as {}", folder_.string(), old.string());
}

}  // namespace dualgeo
