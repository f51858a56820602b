// The directory of a zip archive, and its members: torch.save and TorchScript store tensors uncompressed, to be used
// where they lie in the file; photos are stored or deflated. (PKWARE APPNOTE 6.3, zip64 included.)
//
// Why not a library: libzip and minizip read members as streams from a file of their own, one thread at a time, and do
// not check a hostile directory (members that overlap or repeat) as is done here; inflating itself is zlib's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace dualgeo {

struct ZipMember {
  std::uint64_t begin = 0;   // of its bytes in the archive
  std::uint64_t packed = 0;  // how many they are
  std::uint64_t size = 0;    // how many they would be unpacked
  bool stored = true;
  std::uint16_t method = 0;  // 0: stored, 8: deflated
  std::uint32_t crc = 0;     // of the unpacked bytes
};

// Members by name. Checksums are not looked at (PyTorch can be told not to write them); every place is checked against
// the archive. Throws InputError, one line that begins with `source`, when the directory is missing (a file cut off) or
// damaged, or when a member is encrypted, repeated, overlaps another or leaves the archive.
using ZipDirectory = std::map<std::string, ZipMember, std::less<>>;
ZipDirectory ReadZipDirectory(std::string_view archive, const std::string& source);

// The member's unpacked bytes, checked against their size and CRC-32. InputError when they do not fit, when they are
// more than max_bytes, or packed in another way than by deflate.
std::string ReadZipMember(std::string_view archive, const ZipDirectory::value_type& member, const std::string& source,
                          std::size_t max_bytes);

// InputError when the member is compressed.
void RequireStored(const ZipDirectory::value_type& member, const std::string& source);

}  // namespace dualgeo
