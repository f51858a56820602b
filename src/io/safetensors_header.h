// The header of a safetensors file: a table of tensors over the file's bytes, without LibTorch.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/element_type.h"

namespace dualgeo {

// The limits of the reference implementation's header, and ours of a shape.
inline constexpr std::uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;
inline constexpr std::size_t kMaxSafetensorsDimensions = 32;

struct SafetensorsHeader {
  struct Entry {
    std::string name;
    ElementType type = ElementType::kFloat32;
    std::vector<std::int64_t> shape;
    // Byte range in the file.
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  // In the order of the bytes.
  std::vector<Entry> entries;
  // The header's __metadata__.
  std::map<std::string, std::string> metadata;
};

// file: all of its bytes, of which the header's are looked at. Throws InputError, one line that begins with `path`, for
// all that is listed at SafetensorsFile, before anything is allocated for it.
SafetensorsHeader ReadSafetensorsHeader(std::string_view file, const std::string& path);

}  // namespace dualgeo
