// The members of a tar archive by name, in one piece of memory that may as well be a mapped file: a head, the members'
// places in the order of their names, the names.
#pragma once

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "io/mapped_file.h"
#include "io/tar.h"

namespace dualgeo {

struct TarStamp {
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds
  bool operator==(const TarStamp&) const = default;
};

struct TarIndexEntry {
  std::uint64_t name = 0;  // begins here in the names, and ends where the next begins
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // with kToldByRecords, where the header has another name or size
};

class TarIndex {
 public:
  // In memory, or mapped from the file `name`. Throws InputError when it is not an index, or its sizes do not fit each
  // other; so do At and Find where names leave it.
  explicit TarIndex(std::string bytes);
  TarIndex(std::unique_ptr<MappedFile> file, std::string name);

  std::size_t size() const { return static_cast<std::size_t>(count_); }
  TarMember At(std::size_t i) const;
  std::optional<TarMember> Find(std::string_view name) const;
  std::vector<TarStamp> Stamps() const;
  std::uint64_t repeated() const { return repeated_; }  // names that occurred more than once
  TarMember FirstRepeated() const { return At(first_repeated_); }
  bool ended() const { return ended_ != 0; }  // by a tar's end mark

 private:
  void Open();
  TarIndexEntry Entry(std::uint64_t i) const;

  std::string name_, owned_;
  std::unique_ptr<MappedFile> file_;
  std::string_view bytes_, stamps_, entries_, names_;
  std::uint64_t count_ = 0, repeated_ = 0, first_repeated_ = 0, ended_ = 0;
};

// What a scan finds, until it is written as an index.
class TarIndexBuilder {
 public:
  void Add(const TarMember& member);
  std::size_t size() const { return found_.size(); }
  // In the order of names; of members of one name the last. Once.
  void Write(std::ostream& out, const std::vector<TarStamp>& stamps, bool ended);

 private:
  std::vector<TarIndexEntry> found_;
  std::string names_;
};

}  // namespace dualgeo
