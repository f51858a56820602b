// What a weight file holds, and the same weights as safetensors. Light: no LibTorch here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace dualgeo {

struct WeightSummary {
  struct Tensor {
    std::string name;  // as in the file
    std::string type;  // as in safetensors headers: F32, F16, BF16, I64 ...
    std::vector<std::int64_t> shape;
    std::int64_t bytes = 0;
  };
  std::filesystem::path path;  // the file itself, where a folder was given
  std::string format;          // "safetensors", "PyTorch zip archive" ...
  std::string family;          // whose names these are (WeightNames of model/weight_names.h)
  bool family_known = false;
  std::string names;                  // the family, and what its names stand below
  std::vector<std::string> prefixes;  // what stands before the family's names, "" where nothing does
  std::string note;                   // why nothing of it is read and what to take instead, or the nearest family
  // The key of a saved dict that the tensors were taken from, and the keys that were not looked into.
  std::string container;
  std::vector<std::string> left_aside;
  std::map<std::string, std::string> metadata;
  std::vector<Tensor> tensors;  // in the file's order

  std::int64_t parameters() const;  // elements of all tensors
  std::int64_t bytes() const;
};

// Reads the headers alone. path: any file or folder that io/weight_file.h reads. Throws InputError as it does.
WeightSummary SummarizeWeights(const std::filesystem::path& path);

// Writes the tensors of `in` to `out`, names, types and shapes unchanged, as safetensors that Python's safetensors and
// transformers open; the metadata goes along. Atomic. InputError when `in` is not read or `out` does not end in
// .safetensors, Error when `out` cannot be written.
void ConvertWeights(const std::filesystem::path& in, const std::filesystem::path& out);

}  // namespace dualgeo
