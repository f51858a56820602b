#include "dualgeo/io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "dualgeo/util/atomic_file.h"
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

void WriteSafetensors(const std::filesystem::path& path,
                      const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<const std::pair<std::string, torch::Tensor>*> order;
  std::set<std::string> names;
  for (const auto& tensor : tensors) {
    if (!names.insert(tensor.first).second || tensor.first == "__metadata__") {
      throw InputError(path.string() + ": tensor name \"" + Printable(tensor.first) + "\" is repeated or reserved");
    }
    order.push_back(&tensor);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->second.element_size() > b->second.element_size(); });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto* tensor : order) {
    const auto type = ElementTypeOf(tensor->second.scalar_type());
    if (!type) {
      throw InputError(path.string() + ": tensor \"" + Printable(tensor->first) + "\" has a type safetensors lacks");
    }
    const std::uint64_t end = offset + tensor->second.nbytes();
    header[tensor->first] = {
        {"dtype", Info(*type).name}, {"shape", tensor->second.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::type_error&) {
    throw InputError(path.string() + ": a tensor name or metadata value is not UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');

  AtomicFile file(path);
  const std::uint64_t header_bytes = text.size();
  file.stream().write(reinterpret_cast<const char*>(&header_bytes), 8);
  file.stream().write(text.data(), static_cast<std::streamsize>(text.size()));
  for (const auto* tensor : order) {
    const auto bytes = tensor->second.detach().to(torch::kCPU).contiguous();
    file.stream().write(static_cast<const char*>(bytes.data_ptr()), static_cast<std::streamsize>(bytes.nbytes()));
  }
  file.Commit();
}

}  // namespace dualgeo
