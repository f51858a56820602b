// A file in memory without reading it: pages come from the disk when they are touched. The mapping is private (copy on
// write), so that even writing to it does not change the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace dualgeo {

class MappedFile {
 public:
  // InputError when the file is missing, unreadable or not a regular file; Error when it cannot be mapped.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() const { return data_; }
  std::uint64_t size() const { return size_; }
  std::string_view bytes() const { return {data_, static_cast<std::size_t>(size_)}; }

 private:
  char* data_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace dualgeo
