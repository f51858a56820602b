// A flat dict of name -> tensor as a .pt file (a zip of a pickle and raw storages) that Python's torch.load opens, also
// with weights_only=True. The reader accepts the exact pickle that the writer makes and nothing else, so a file from
// elsewhere cannot make it execute or build anything.
#pragma once

#include "dualgeo/io/torch.h"

#include <filesystem>
#include <map>
#include <string>

namespace dualgeo {

// float32, float64, int64 and uint8 tensors of any device. Throws Error when the file cannot be written.
void WriteTensorArchive(const std::filesystem::path& path, const std::map<std::string, torch::Tensor>& tensors);

// Throws InputError when the file is missing, damaged or something else.
std::map<std::string, torch::Tensor> ReadTensorArchive(const std::filesystem::path& path);

}  // namespace dualgeo
