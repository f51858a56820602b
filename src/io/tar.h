// Reads members of a tar archive in place: one scan of the headers at the first opening, one positioned read for each
// member; nothing is extracted. POSIX ustar, GNU long names ('L') and pax 'path' and 'size' records (IEEE Std
// 1003.1-2017, pax; GNU tar manual, "Basic Tar Format"). Sparse members and links are not files here and are left out.
// libarchive reads a stream from its beginning; photos are asked for in any order, by several threads.
//
// The archive may lie in several parts, as split(1) cuts one: what a part ends within goes on in the next.
//
// An archive of 4,096 members or more is scanned once: its index (names in order, places) stays beside it as
// NAME.dualgeo-index, or, where that folder cannot be written, in $XDG_CACHE_HOME/dualgeo (~/.cache/dualgeo). It is
// mapped into memory, not read. Parts of other sizes or times than it was made of make it anew; so does a damaged one,
// and one whose members are not where it says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dualgeo {

class TarIndex;

struct TarMember {
  std::string_view name;     // as stored, without a leading "./"; lives as long as the TarFile
  std::uint64_t offset = 0;  // in the parts laid end to end
  std::uint64_t size = 0;
  bool told_by_header = true;  // name and size; else by records before it
};

class TarFile {
 public:
  // Throws InputError, naming file and offset, when a part is missing, the archive is compressed, truncated or no tar,
  // or when a header's checksum, size or name record is wrong. Of members of one name the last counts, as in tar, and
  // their number is said.
  explicit TarFile(std::vector<std::filesystem::path> parts);
  explicit TarFile(const std::filesystem::path& path) : TarFile(std::vector{path}) {}
  ~TarFile();
  TarFile(const TarFile&) = delete;
  TarFile& operator=(const TarFile&) = delete;

  const std::filesystem::path& path() const { return parts_.front().path; }
  // Regular files, one of each name, in the order of their names.
  std::size_t size() const;
  TarMember At(std::size_t i) const;
  std::optional<TarMember> Find(std::string_view name) const;
  // The member's bytes. Throws InputError when it is larger than max_bytes, or when another header stands before it
  // than when the archive was scanned. Safe to call from several threads.
  std::string Read(const TarMember& member, std::size_t max_bytes = std::size_t{1} << 30) const;
  // When a part last changed, as it was at opening.
  std::filesystem::file_time_type LastChange() const { return last_change_; }

 private:
  struct Part {
    std::filesystem::path path;
    int descriptor = -1;
    std::uint64_t begin = 0, size = 0;
    std::int64_t modified = 0;  // nanoseconds
  };
  class Scanner;

  void Close();
  void ReadAt(std::uint64_t offset, char* to, std::size_t size) const;
  std::string Where(std::uint64_t offset) const;
  bool IndexFits(const TarIndex& index) const;
  bool Holds(const TarMember& member) const;
  void OpenIndex();

  std::vector<Part> parts_;
  std::uint64_t size_ = 0;
  std::filesystem::file_time_type last_change_ = std::filesystem::file_time_type::min();
  std::unique_ptr<const TarIndex> index_;
};

// Whether a file of these first bytes begins as a tar archive does.
bool BeginsAsTar(std::string_view head);

}  // namespace dualgeo
