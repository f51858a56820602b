// The tensors of a weight file, whatever its format; which one it is, is told from its bytes:
//   safetensors             .safetensors
//   sharded safetensors     model.safetensors.index.json beside its shards
//   PyTorch                 .pth, .pt, .bin (io/pytorch_layout.h): zip, TorchScript, legacy
//   a folder                of a checkpoint or of Hugging Face: its model.safetensors, model.safetensors.index.json or
//                           pytorch_model.bin, the first there is
#pragma once

#include "dualgeo/io/torch.h"

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace dualgeo {

struct WeightFile {
  std::filesystem::path path;  // the file itself, where a folder was given
  std::string format;
  // The key of a saved dict that the state dict was taken from ("model_state_dict"), and the other keys.
  std::string container;
  std::vector<std::string> left_aside;
  std::map<std::string, std::string> metadata;
  // In the file's order; mapped, not read, and private: writing to one does not change the file.
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
};

// Throws InputError, one line that begins with the file's name: see the readers. A shard must be a plain file name, and
// shards and index must agree on every tensor.
WeightFile ReadWeightFile(const std::filesystem::path& path);

// The files that it would read: the file, or an index and its shards. Throws InputError as ReadWeightFile.
std::vector<std::filesystem::path> FilesOfWeights(const std::filesystem::path& path);

}  // namespace dualgeo
