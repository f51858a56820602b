#include "io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "torch_type.h"

namespace dualgeo {

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : path_(path), mapping_(std::make_shared<MappedFile>(path)) {
  SafetensorsHeader header = ReadSafetensorsHeader(mapping_->bytes(), path.string());
  metadata_ = std::move(header.metadata);
  entries_.reserve(header.entries.size());
  for (auto& entry : header.entries) {
    index_[entry.name] = entries_.size();
    entries_.push_back({std::move(entry.name), TorchType(entry.type), std::move(entry.shape), entry.begin, entry.end});
  }
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& entry : entries_) names.push_back(entry.name);
  return names;
}

torch::Tensor SafetensorsFile::View(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) {
    const auto nearest = Nearest(name, names());
    throw InputError(path_.string() + ": no tensor \"" + Printable(name) + "\"" +
                     (nearest ? "; did you mean \"" + Printable(*nearest) + "\"?" : ""));
  }
  const Entry& entry = entries_[found->second];
  if (entry.begin == entry.end) return torch::empty(entry.shape, entry.dtype);
  char* const data = mapping_->data() + entry.begin;
  if (reinterpret_cast<std::uintptr_t>(data) % torch::elementSize(entry.dtype) != 0) {
    auto copy = torch::empty(entry.shape, entry.dtype);
    std::memcpy(copy.data_ptr(), data, entry.end - entry.begin);
    return copy;
  }
  // The deleter holds the mapping for as long as the tensor lives.
  return torch::from_blob(
      data, entry.shape, [mapping = mapping_](void*) {}, torch::TensorOptions(entry.dtype));
}

torch::Tensor SafetensorsFile::Get(const std::string& name) const { return View(name).clone(); }

std::string SafetensorsTypeName(const torch::Tensor& tensor) {
  const auto type = ElementTypeOf(tensor.scalar_type());
  return type ? Info(*type).name : c10::toString(tensor.scalar_type());
}

namespace {

using WriterEntry = SafetensorsWriter::Entry;

std::uint64_t BytesOf(const WriterEntry& entry) {
  std::uint64_t bytes = torch::elementSize(entry.dtype);
  for (const auto extent : entry.shape) bytes *= static_cast<std::uint64_t>(extent);
  return bytes;
}

std::vector<WriterEntry> ByElementSize(std::vector<WriterEntry> entries) {
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return torch::elementSize(a.dtype) > torch::elementSize(b.dtype);
  });
  return entries;
}

// Padded to whole words.
std::string HeaderText(const std::filesystem::path& path, const std::vector<WriterEntry>& entries,
                       const std::map<std::string, std::string>& metadata) {
  const auto refuse = [&](const WriterEntry& entry, const std::string& what) {
    throw InputError(path.string() + ": tensor \"" + Printable(entry.name) + "\" " + what);
  };
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  std::set<std::string> names;
  for (const auto& entry : entries) {
    if (!names.insert(entry.name).second || entry.name == "__metadata__") refuse(entry, "is repeated or reserved");
    const auto type = ElementTypeOf(entry.dtype);
    if (!type) refuse(entry, "has a type safetensors lacks");
    if (entry.shape.size() > kMaxSafetensorsDimensions) refuse(entry, "has more dimensions than readers take");
    const std::uint64_t end = offset + BytesOf(entry);
    header[entry.name] = {{"dtype", Info(*type).name}, {"shape", entry.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::type_error&) {
    throw InputError(path.string() + ": a tensor name or metadata value is not UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > kMaxSafetensorsHeaderBytes) {
    throw InputError(path.string() + ": the header would have " + std::to_string(text.size()) +
                     " bytes; readers of safetensors take " + std::to_string(kMaxSafetensorsHeaderBytes) +
                     " (names and metadata are too long)");
  }
  return text;
}

}  // namespace

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path, std::vector<Entry> entries,
                                     const std::map<std::string, std::string>& metadata)
    : order_(ByElementSize(std::move(entries))), header_(HeaderText(path, order_, metadata)), file_(path) {
  const std::uint64_t header_bytes = header_.size();
  file_.stream().write(reinterpret_cast<const char*>(&header_bytes), 8);
  file_.stream().write(header_.data(), static_cast<std::streamsize>(header_.size()));
  for (const auto& entry : order_) left_ += BytesOf(entry);
}

void SafetensorsWriter::Append(const torch::Tensor& rows) {
  const auto bytes = rows.detach().to(torch::kCPU).contiguous();
  if (bytes.nbytes() > left_) throw Error("more tensor bytes are written than the safetensors header tells of");
  left_ -= bytes.nbytes();
  file_.stream().write(static_cast<const char*>(bytes.data_ptr()), static_cast<std::streamsize>(bytes.nbytes()));
}

void SafetensorsWriter::Commit() {
  if (left_ != 0) throw Error("fewer tensor bytes are written than the safetensors header tells of");
  file_.Commit();
}

void WriteSafetensors(const std::filesystem::path& path,
                      const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<WriterEntry> entries;
  std::map<std::string, const torch::Tensor*> tensor_of;
  for (const auto& [name, tensor] : tensors) {
    entries.push_back({name, tensor.scalar_type(), tensor.sizes().vec()});
    tensor_of[name] = &tensor;
  }
  SafetensorsWriter writer(path, std::move(entries), metadata);
  for (const auto& entry : writer.order()) writer.Append(*tensor_of.at(entry.name));
  writer.Commit();
}

}  // namespace dualgeo
