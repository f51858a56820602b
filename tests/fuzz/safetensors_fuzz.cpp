// Any bytes give either a table whose tensors fill the file's data without gap or overlap, or one line.
#include <string_view>

#include "fuzz_support.h"
#include "io/safetensors_header.h"

using dualgeo::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  dualgeo::ExpectInputErrorOrNone([&] {
    const auto header = dualgeo::ReadSafetensorsHeader(bytes, "x.safetensors");
    for (std::size_t i = 0; i < header.entries.size(); ++i) {
      const auto& entry = header.entries[i];
      const auto count = dualgeo::ElementCount(entry.shape);
      Require(count && static_cast<std::uint64_t>(*count) * dualgeo::Info(entry.type).size == entry.end - entry.begin);
      Require(entry.begin <= entry.end && entry.end <= size);
      Require(i == 0 || header.entries[i - 1].end == entry.begin);
    }
  });
  return 0;
}
