#include "grouped_file.h"

#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <vector>

#include "dualgeo/util/error.h"
#include "io/mapped_file.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

constexpr std::int64_t kGroupedHeadBytes = 128;
constexpr std::size_t kMagicBytes = 24;

// Where the eight parts begin, and where the last one ends. Below 2^63 for any head that CheckGroupedHead takes.
std::array<std::int64_t, 9> GroupedOffsets(const GroupedHead& head) {
  const std::int64_t sizes[] = {head.lists * head.float_stride() * 4,
                                (head.lists + 1) * 8,
                                head.rows * 8,
                                head.has_codes() ? head.rows * 4 : 0,
                                head.has_codes() ? head.rows * 4 : 0,
                                head.l2 != 0 ? head.rows * 4 : 0,
                                head.has_codes() ? head.rows * head.code_stride() : 0,
                                head.has_vectors() ? head.rows * head.float_stride() * 4 : 0};
  std::array<std::int64_t, 9> offsets{};
  offsets[0] = kGroupedHeadBytes;
  for (std::size_t i = 0; i < 8; ++i) offsets[i + 1] = (offsets[i] + sizes[i] + 63) / 64 * 64;
  return offsets;
}

[[noreturn]] void GroupedDamage(const std::string& name, const std::string& what) {
  throw InputError(name + ": damaged: not a whole index of the kind grouped: " + what);
}

GroupedHead ReadGroupedHead(const MappedFile& file, const std::string& name) {
  if (file.size() < static_cast<std::uint64_t>(kGroupedHeadBytes)) GroupedDamage(name, "it ends early");
  std::int64_t values[6];
  std::memcpy(values, file.data() + kMagicBytes, sizeof values);
  const auto check = [&](const char* what, std::int64_t value, std::int64_t least, std::int64_t most) {
    if (value >= least && value <= most) return;
    GroupedDamage(name, std::string(what) + " is " + std::to_string(value) + ", not " + std::to_string(least) + " to " +
                            std::to_string(most));
  };
  check("the dimension", values[0], 1, kMostGroupedDimensions);
  check("the number of vectors", values[1], 1, std::int64_t{1} << 40);
  check("the number of lists", values[2], 1, values[1]);
  check("nprobe", values[3], 1, values[2]);
  check("the metric", values[4], 0, 1);
  check("the form", values[5], 0, 2);
  GroupedHead head{values[0], values[1], values[2], values[3], values[4], static_cast<GroupedForm>(values[5]), 0};
  std::memcpy(&head.longest, file.data() + kMagicBytes + sizeof values, sizeof head.longest);
  if (!(head.longest >= 0)) GroupedDamage(name, "the longest vector's length is no number");
  const std::int64_t whole = GroupedOffsets(head)[8];
  if (file.size() != static_cast<std::uint64_t>(whole)) {
    GroupedDamage(name, "it has " + std::to_string(file.size()) + " bytes, not " + std::to_string(whole));
  }
  return head;
}

// Lists in order, each row once.
void CheckGroupedRows(const GroupedData& data, const std::string& name) {
  const GroupedHead& head = data.head();
  if (data.starts[0] != 0 || data.starts[head.lists] != head.rows) {
    GroupedDamage(name, "its lists do not hold all vectors");
  }
  std::vector<bool> seen(static_cast<std::size_t>(head.rows));
  for (std::int64_t list = 0; list < head.lists; ++list) {
    const std::int64_t begin = data.starts[list], end = data.starts[list + 1];
    if (end < begin || end > head.rows) GroupedDamage(name, "its lists are out of order");
    for (std::int64_t place = begin; place < end; ++place) {
      const std::int64_t row = data.rows[place];
      if (row < 0 || row >= head.rows) GroupedDamage(name, "a row number is beyond the number of vectors");
      if (seen[static_cast<std::size_t>(row)]) GroupedDamage(name, "a row number is there twice");
      seen[static_cast<std::size_t>(row)] = true;
    }
  }
}

}  // namespace

std::int64_t GroupedBytes(const GroupedHead& head) { return GroupedOffsets(head)[8]; }

void GroupedData::Place(char* bytes) {
  const auto at = GroupedOffsets(head_);
  bytes_ = bytes;
  size_ = at[8];
  means = reinterpret_cast<float*>(bytes + at[0]);
  starts = reinterpret_cast<std::int64_t*>(bytes + at[1]);
  rows = reinterpret_cast<std::int64_t*>(bytes + at[2]);
  if (head_.has_codes()) steps = reinterpret_cast<float*>(bytes + at[3]);
  if (head_.has_codes()) gains = reinterpret_cast<float*>(bytes + at[4]);
  if (head_.l2 != 0) norms = reinterpret_cast<float*>(bytes + at[5]);
  if (head_.has_codes()) codes = reinterpret_cast<std::uint8_t*>(bytes + at[6]);
  if (head_.has_vectors()) vectors = reinterpret_cast<float*>(bytes + at[7]);
}

GroupedData::GroupedData(const GroupedHead& head) : head_(head) {
  const auto bytes = static_cast<std::size_t>(GroupedBytes(head));
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw Error("gallery.index: grouped: " + std::to_string(bytes >> 20) + " MiB of memory for " +
                std::to_string(head.rows) + " vectors are not there");
  }
  owner_ = std::shared_ptr<void>(memory, [bytes](void* at) { munmap(at, bytes); });
  char* const at = static_cast<char*>(memory);
  std::memcpy(at, kGroupedMagic, kMagicBytes);
  const std::int64_t values[] = {head.dimension, head.rows, head.lists,
                                 head.probes,    head.l2,   static_cast<std::int64_t>(head.form)};
  std::memcpy(at + kMagicBytes, values, sizeof values);
  std::memcpy(at + kMagicBytes + sizeof values, &head.longest, sizeof head.longest);
  Place(at);
}

GroupedData::GroupedData(const std::filesystem::path& path) {
  const auto file = std::make_shared<MappedFile>(path);
  head_ = ReadGroupedHead(*file, path.string());
  owner_ = file;
  Place(file->data());
  CheckGroupedRows(*this, path.string());
}

void GroupedData::Write(const std::filesystem::path& path) const {
  AtomicFile file(path);
  file.stream().write(bytes_, static_cast<std::streamsize>(size_));
  file.Commit();
}

}  // namespace dualgeo
