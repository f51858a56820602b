// Reads members of a tar archive in place: one scan of the headers at opening, one positioned read for each member;
// nothing is extracted. POSIX ustar, GNU long names ('L') and pax 'path' and 'size' records (IEEE Std 1003.1-2017,
// pax; GNU tar manual, "Basic Tar Format"). Sparse members and links are not files here and are left out of the index.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dualgeo {

struct TarMember {
  std::string name;  // as stored, without a leading "./"
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

class TarFile {
 public:
  // Throws InputError, naming file and offset, when the file is missing, compressed, truncated or not a tar archive, or
  // when a header's checksum, size or name record is wrong. Of two members of one name the later counts, as in tar.
  explicit TarFile(std::filesystem::path path);
  ~TarFile();
  TarFile(const TarFile&) = delete;
  TarFile& operator=(const TarFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Regular files, in the order of the archive.
  const std::vector<TarMember>& members() const { return members_; }
  // nullptr when there is none of that name.
  const TarMember* Find(std::string_view name) const;
  // The member's bytes. Throws InputError when it is larger than max_bytes. Safe to call from several threads.
  std::string Read(const TarMember& member, std::size_t max_bytes = std::size_t{1} << 30) const;

 private:
  void Scan();
  void ReadAt(std::uint64_t offset, char* to, std::size_t size) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t file_size_ = 0;
  std::vector<TarMember> members_;
  std::unordered_map<std::string_view, std::size_t> index_;  // keys point into members_
};

}  // namespace dualgeo
