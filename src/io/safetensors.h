// safetensors, the file format of Hugging Face weights and of this program's checkpoints and features
// (https://github.com/huggingface/safetensors): 8 bytes of header length (little endian), a JSON header giving each
// tensor's dtype, shape and byte range, then the bytes.
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/mapped_file.h"
#include "io/safetensors_header.h"
#include "util/atomic_file.h"

namespace dualgeo {

// A file opened for reading. The file is mapped, not read: opening a 1.7 GB checkpoint costs its header.
//
// The constructor checks the whole header before anything is allocated for it and throws InputError, in one line with
// the file's name, for: a missing or unreadable file; a git-LFS pointer or a web page saved under this name; a header
// length beyond the file or beyond 100 MB; text that is not the JSON the format allows (other nesting, other keys,
// duplicate names or keys, numbers that are not whole); an unknown dtype; a shape whose size overflows or differs from
// its bytes; byte ranges that overlap, leave gaps or leave the file.
class SafetensorsFile {
 public:
  struct Entry {
    std::string name;
    torch::Dtype dtype = torch::kFloat32;
    std::vector<std::int64_t> shape;
    // Byte range in the file.
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };

  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  // In the order of the bytes.
  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<std::string> names() const;
  // The header's __metadata__.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  bool Has(const std::string& name) const { return index_.count(name) != 0; }

  // A copy that owns its memory. InputError when there is no such tensor, with the nearest name.
  torch::Tensor Get(const std::string& name) const;
  // The tensor over the mapped bytes, without a copy where they are aligned; it keeps the mapping alive. Writing to it
  // changes neither the file nor any other tensor (the mapping is private, copy on write).
  torch::Tensor View(const std::string& name) const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<MappedFile> mapping_;
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t> index_;
  std::map<std::string, std::string> metadata_;
};

// "F32", "I64" ...; the dtype's own name where safetensors has none for it.
std::string SafetensorsTypeName(const torch::Tensor& tensor);

// A file written piece by piece, for tensors that never stand in memory whole:
//   SafetensorsWriter writer(path, {{"image", torch::kFloat32, {rows, 768}}}, metadata);
//   for (const auto& entry : writer.order()) { ... writer.Append(some_rows_of_it); ... }
//   writer.Commit();
class SafetensorsWriter {
 public:
  struct Entry {
    std::string name;
    torch::Dtype dtype = torch::kFloat32;
    std::vector<std::int64_t> shape;
  };
  // Writes the header. Throws InputError, before anything is written, for an unsupported dtype, a repeated or reserved
  // name, text that is not UTF-8, and a header that no reader would take: longer than 100 MB, more than 32 dimensions.
  SafetensorsWriter(const std::filesystem::path& path, std::vector<Entry> entries,
                    const std::map<std::string, std::string>& metadata);

  // The tensors by falling element size, so that each is aligned: the order in which Append takes their elements.
  const std::vector<Entry>& order() const { return order_; }
  // Any device, any strides.
  void Append(const torch::Tensor& rows);
  // Throws Error when the disk is full, or when other than all the bytes that the header tells of were appended.
  void Commit();

 private:
  std::vector<Entry> order_;
  std::string header_;  // checked before the file is opened
  AtomicFile file_;
  std::uint64_t left_ = 0;
};

// Writes tensors (any device, any strides; float64/32/16, bfloat16, int64/32/16/8, uint8, bool) so that Python's
// safetensors reads them. Atomic. The bytes are laid out by falling element size, so that every tensor is aligned; the
// same input gives the same bytes. Throws as SafetensorsWriter.
void WriteSafetensors(const std::filesystem::path& path,
                      const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace dualgeo
