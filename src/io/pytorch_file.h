// A .pth or .pt file of torch.save (or torch.jit.save) as tensors. Mapped, not read: tensors lie over the file's bytes.
#pragma once

#include "dualgeo/io/torch.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "io/mapped_file.h"
#include "io/pytorch_layout.h"

namespace dualgeo {

class PyTorchFile {
 public:
  // Throws InputError as ReadPyTorchLayout does, and for a missing file.
  explicit PyTorchFile(const std::filesystem::path& path);

  const PyTorchLayout& layout() const { return layout_; }
  // The i-th tensor of the layout, with its strides, sharing storages as in the file; it keeps the mapping alive.
  // Writing to it does not change the file. Storages that are not aligned in the file (legacy) are copied once.
  torch::Tensor View(std::size_t i) const;

 private:
  std::shared_ptr<MappedFile> mapping_;
  PyTorchLayout layout_;
  mutable std::vector<torch::Tensor> storages_;  // [bytes], uint8; filled on demand
};

}  // namespace dualgeo
