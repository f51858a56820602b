// A zip archive of stored members, byte by byte, for tests and fuzzers of the reader.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace dualgeo {

struct StoredMember {
  std::string name;
  std::string content;
};

// `value` in `bytes` bytes, little endian.
inline std::string LittleEndian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
  return text;
}

// `claim`, where it is not 0: the size that the directory gives for the last member.
inline std::string StoredZip(const std::vector<StoredMember>& members, std::uint64_t claim = 0) {
  std::string bytes;
  std::string directory;
  for (const auto& member : members) {
    const std::uint64_t size = claim != 0 && &member == &members.back() ? claim : member.content.size();
    const auto crc =
        crc32(0, reinterpret_cast<const Bytef*>(member.content.data()), static_cast<uInt>(member.content.size()));
    directory += "PK\1\2" + std::string(12, '\0') + LittleEndian(crc, 4) + LittleEndian(size, 4) +
                 LittleEndian(size, 4) + LittleEndian(member.name.size(), 2) + std::string(12, '\0') +
                 LittleEndian(bytes.size(), 4) + member.name;
    bytes += "PK\3\4" + std::string(22, '\0') + LittleEndian(member.name.size(), 2) + std::string(2, '\0') +
             member.name + member.content;
  }
  const auto begin = bytes.size();
  return bytes + directory + "PK\5\6" + std::string(4, '\0') + LittleEndian(members.size(), 2) +
         LittleEndian(members.size(), 2) + LittleEndian(directory.size(), 4) + LittleEndian(begin, 4) +
         std::string(2, '\0');
}

}  // namespace dualgeo
