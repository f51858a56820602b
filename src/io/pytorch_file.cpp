#include "io/pytorch_file.h"

#include <cstring>

#include "torch_type.h"

namespace dualgeo {

PyTorchFile::PyTorchFile(const std::filesystem::path& path)
    : mapping_(std::make_shared<MappedFile>(path)),
      layout_(ReadPyTorchLayout(mapping_->bytes(), path.string())),
      storages_(layout_.storages.size()) {}

torch::Tensor PyTorchFile::View(std::size_t i) const {
  const auto& tensor = layout_.tensors.at(i);
  const auto dtype = TorchType(tensor.type);
  const auto& place = layout_.storages[tensor.storage];
  auto& storage = storages_[tensor.storage];
  if (!storage.defined()) {
    char* const data = mapping_->data() + place.begin;
    const auto size = static_cast<std::int64_t>(place.size);
    // The largest element, since tensors of several types may share a storage.
    if (reinterpret_cast<std::uintptr_t>(data) % 8 == 0 && size > 0) {
      // The deleter holds the mapping for as long as a tensor lives.
      storage = torch::from_blob(
          data, {size}, [mapping = mapping_](void*) {}, torch::kUInt8);
    } else {
      storage = torch::empty({size}, torch::kUInt8);
      if (size > 0) std::memcpy(storage.data_ptr(), data, place.size);
    }
  }
  if (*ElementCount(tensor.shape) == 0) return torch::empty(tensor.shape, dtype);
  // An untyped storage may end with part of an element.
  const auto whole = storage.numel() / static_cast<std::int64_t>(Info(tensor.type).size) *
                     static_cast<std::int64_t>(Info(tensor.type).size);
  return storage.slice(0, 0, whole).view(dtype).as_strided(tensor.shape, tensor.strides, tensor.offset);
}

}  // namespace dualgeo
