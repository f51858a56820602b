// The directory of a zip archive, and members that are stored, not compressed: torch.save and TorchScript write tensors
// so, to be used where they lie in the file. (PKWARE APPNOTE 6.3, zip64 included.)
//
// Why not a library: libzip and minizip read members out as streams and do not say where in the file a member's bytes
// are, which is all that is wanted here; and what is never inflated cannot be a zip bomb.
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
};

// Members by name. Checksums are not looked at (PyTorch can be told not to write them); every place is checked against
// the archive. Throws InputError, one line that begins with `source`, when the directory is missing (a file cut off) or
// damaged, or when a member is encrypted, repeated, overlaps another or leaves the archive.
using ZipDirectory = std::map<std::string, ZipMember, std::less<>>;
ZipDirectory ReadZipDirectory(std::string_view archive, const std::string& source);

// InputError when the member is compressed.
void RequireStored(const ZipDirectory::value_type& member, const std::string& source);

}  // namespace dualgeo
