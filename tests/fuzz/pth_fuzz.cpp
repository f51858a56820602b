// Any bytes give either a table whose tensors lie within the file, or one line. What begins like neither container is
// taken as the pickle of a well-formed archive, which spares the fuzzer from inventing offsets.
#include <string>
#include <string_view>

#include "fuzz_support.h"
#include "io/pytorch_layout.h"
#include "tests/support/stored_zip.h"

using dualgeo::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (size > 0 && bytes[0] != 'P' && bytes[0] != '\x80') {
    bytes = dualgeo::StoredZip({{"x/data.pkl", bytes}, {"x/data/0", std::string(96, '\1')}, {"x/data/1", "12345678"}});
  }
  dualgeo::ExpectInputErrorOrNone([&] {
    const auto layout = dualgeo::ReadPyTorchLayout(bytes, "x.pth");
    Require(!layout.tensors.empty());
    for (const auto& storage : layout.storages) {
      Require(storage.begin <= bytes.size() && storage.size <= bytes.size() - storage.begin);
    }
    for (const auto& tensor : layout.tensors) {
      const auto count = dualgeo::ElementCount(tensor.shape);
      Require(count.has_value() && tensor.shape.size() == tensor.strides.size());
      if (*count == 0) continue;
      std::int64_t last = tensor.offset;
      for (std::size_t i = 0; i < tensor.shape.size(); ++i) last += (tensor.shape[i] - 1) * tensor.strides[i];
      Require(tensor.offset >= 0 && last >= tensor.offset);
      const auto end = (static_cast<std::uint64_t>(last) + 1) * dualgeo::Info(tensor.type).size;
      Require(end <= layout.storages.at(tensor.storage).size);
    }
  });
  return 0;
}
