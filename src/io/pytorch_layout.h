// What torch.save's files hold and where: a table of tensors over the bytes of a .pth or .pt file, without LibTorch.
//   zip      torch.save since PyTorch 1.6: data.pkl, and each storage as a stored member
//   script   torch.jit.save: the same with code beside it, as OpenAI published CLIP; parameters and buffers are read,
//            code is not
//   legacy   torch.save before: pickles one after the other, then the storages
// The pickles are read as data (io/pickle.h); nothing in a file is ever executed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/element_type.h"

namespace dualgeo {

struct PyTorchLayout {
  struct Storage {
    std::uint64_t begin = 0;  // byte range in the file
    std::uint64_t size = 0;
  };
  struct Tensor {
    std::string name;
    ElementType type = ElementType::kFloat32;
    std::vector<std::int64_t> shape;
    std::vector<std::int64_t> strides;  // in elements, as is offset
    std::int64_t offset = 0;
    std::size_t storage = 0;  // tensors may share one
  };
  std::string format;
  // The key of the saved dict under which the state dict was found ("model_state_dict", "state_dict" ...); "" when the
  // file holds nothing but the state dict.
  std::string container;
  // What stands beside the state dict: numbers and texts with their values, and the keys of what is not looked into
  // (an optimiser's state, say).
  std::map<std::string, std::string> metadata;
  std::vector<std::string> left_aside;

  std::vector<Storage> storages;
  // In the file's order. Names of nested dicts, lists and scripted modules are joined by dots; a file that holds a
  // single tensor names it after the archive or the file.
  std::vector<Tensor> tensors;
};

// Throws InputError, one line that begins with `path`, for anything that is not such a file, is cut off or damaged,
// names a function that a table of tensors does not need, or has a tensor whose shape does not fit its bytes. Every
// size is checked against the bytes that are there before anything is allocated for it.
PyTorchLayout ReadPyTorchLayout(std::string_view bytes, const std::string& path);

}  // namespace dualgeo
