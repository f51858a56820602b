#include "dualgeo/gallery/features.h"

#include "dualgeo/io/torch.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/safetensors.h"

namespace dualgeo {
namespace {

constexpr const char* kNames[] = {
    "image",      "segmentation",  "fused_image", "fused_segmentation", "projected_image", "projected_segmentation",
    "gps",        "projected_gps", "image_raw",   "segmentation_raw",   "fused_image_raw", "fused_segmentation_raw",
    "image_text", kPlaceVector,    "text",        "projected_text",     "caption",         kClassical};

// Files of earlier versions: a JSON array of strings in the metadata.
std::vector<std::string> ParseIds(const std::string& text, const std::string& file) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) throw InputError(file + ": metadata key ids is not a JSON array of strings");
  std::vector<std::string> ids;
  for (const auto& id : json) {
    if (!id.is_string()) throw InputError(file + ": metadata key ids is not a JSON array of strings");
    ids.push_back(id.get<std::string>());
  }
  return ids;
}

std::vector<std::string> ReadIds(const SafetensorsFile& file, const std::string& name) {
  if (const auto found = file.metadata().find("ids"); found != file.metadata().end() && !file.Has("ids")) {
    return ParseIds(found->second, name);
  }
  if (!file.Has("ids") || !file.Has("id_offsets")) {
    throw InputError(name +
                     ": no tensors ids and id_offsets, so this is not a features file (dualgeo embed writes them)");
  }
  const auto bytes = file.View("ids");
  const auto offsets = file.View("id_offsets");
  if (bytes.scalar_type() != torch::kUInt8 || bytes.dim() != 1 || offsets.scalar_type() != torch::kInt64 ||
      offsets.dim() != 1 || offsets.numel() < 1) {
    throw InputError(name + ": tensors ids and id_offsets must be uint8 [bytes] and int64 [N + 1]");
  }
  const auto* text = reinterpret_cast<const char*>(bytes.data_ptr<std::uint8_t>());
  const auto* at = offsets.data_ptr<std::int64_t>();
  const std::int64_t count = offsets.numel() - 1;
  if (at[0] != 0 || at[count] != bytes.numel()) {
    throw InputError(name + ": tensor id_offsets must run from 0 to the " + std::to_string(bytes.numel()) +
                     " bytes of ids");
  }
  std::vector<std::string> ids;
  ids.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    if (at[i + 1] < at[i] || at[i + 1] > bytes.numel()) {
      throw InputError(name + ": tensor id_offsets falls, or leaves ids, at row " + std::to_string(i));
    }
    ids.emplace_back(text + at[i], static_cast<std::size_t>(at[i + 1] - at[i]));
  }
  return ids;
}

void CheckDistinct(const std::vector<std::string>& ids, const std::string& file) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(ids.size());
  for (const auto& id : ids) {
    if (!seen.insert(id).second) throw InputError(file + ": id '" + Printable(id) + "' stands twice in ids");
  }
}

std::string Shape(const SafetensorsFile::Entry& entry) {
  std::vector<std::string> sizes;
  for (const auto size : entry.shape) sizes.push_back(std::to_string(size));
  std::string text = "[";  // not "[" + Join(...): GCC 12 then warns of an overflow that cannot happen
  text += Join(sizes) + "]";
  return text;
}

void CheckShape(const SafetensorsFile::Entry& entry, torch::Dtype dtype, std::int64_t rows, const std::string& file) {
  const std::string type = dtype == torch::kFloat32 ? "float32" : "float64";
  if (entry.dtype != dtype || entry.shape.size() != 2) {
    throw InputError(file + ": tensor " + entry.name + " is " + std::string(c10::toString(entry.dtype)) + " " +
                     Shape(entry) + ", not a " + type + " matrix");
  }
  if (entry.shape[0] != rows) {
    throw InputError(file + ": tensor " + entry.name + " has " + std::to_string(entry.shape[0]) +
                     " rows, but there are " + std::to_string(rows) + " ids");
  }
}

std::vector<Sha256Digest> ReadHashes(const SafetensorsFile& file, std::int64_t rows, const std::string& name) {
  const auto bytes = file.View("photo_sha256");
  if (bytes.scalar_type() != torch::kUInt8 || bytes.dim() != 2 || bytes.size(0) != rows || bytes.size(1) != 32) {
    throw InputError(name + ": tensor photo_sha256 must be uint8 [" + std::to_string(rows) + ", 32]");
  }
  std::vector<Sha256Digest> hashes(static_cast<std::size_t>(rows));
  if (rows > 0) std::memcpy(hashes.data(), bytes.data_ptr(), bytes.nbytes());
  return hashes;
}

[[noreturn]] void NoFeature(const std::string& name, const std::vector<std::string>& names) {
  throw InputError("there is no feature " + name + "; there are: " + (names.empty() ? "none" : Join(names)));
}

}  // namespace

const Matrix& FeatureSet::Require(const std::string& name) const {
  const auto found = features.find(name);
  if (found != features.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& item : features) names.push_back(item.first);
  NoFeature(name, names);
}

FeatureFile::FeatureFile(const std::filesystem::path& path) : path_(path), file_(path, std::ios::binary) {
  const SafetensorsFile file(path);
  const std::string name = path.string();
  FeatureSet& set = head_;
  const auto metadata = [&](const char* key) {
    const auto found = file.metadata().find(key);
    return found == file.metadata().end() ? std::string() : found->second;
  };
  set.ids = ReadIds(file, name);
  CheckDistinct(set.ids, name);
  set.model = metadata("model");
  if (const auto kind = metadata("kind"); !kind.empty()) set.kind = kind;
  if (set.kind != "photos" && set.kind != "gps" && set.kind != "texts") {
    throw InputError(name + ": metadata key kind is '" + Printable(set.kind) + "', not photos, gps or texts");
  }
  for (const auto& entry : file.entries()) {
    if (entry.name.starts_with(kAttributePrefix) ||
        std::find(std::begin(kNames), std::end(kNames), entry.name) != std::end(kNames)) {
      CheckShape(entry, torch::kFloat32, set.size(), name);
      features_[entry.name] = {entry.begin, entry.shape[1]};
    } else if (entry.name == "latlon" && set.kind == "gps") {
      CheckShape(entry, torch::kFloat64, set.size(), name);
      if (entry.shape[1] != 2) throw InputError(name + ": tensor latlon is " + Shape(entry) + ", not [N, 2]");
      const auto latlon = file.Get("latlon");
      for (std::int64_t i = 0; i < set.size(); ++i) {
        const LatLon place{latlon[i][0].item<double>(), latlon[i][1].item<double>()};
        if (!IsValid(place)) {
          throw InputError(name + ": tensor latlon, row " + std::to_string(i) + ": " + ToString(place) +
                           " is not a latitude and longitude");
        }
        set.locations.push_back(place);
      }
    } else if (entry.name == "photo_sha256" && set.kind == "photos") {
      set.photo_sha256 = ReadHashes(file, set.size(), name);
    }
  }
  if (features_.empty()) throw InputError(name + ": holds none of the features that dualgeo embed writes");
  if (set.kind == "gps" && set.locations.size() != set.ids.size()) {
    throw InputError(name + ": tensor latlon is missing");
  }
}

std::vector<std::string> FeatureFile::names() const {
  std::vector<std::string> names;
  for (const auto& item : features_) names.push_back(item.first);
  return names;
}

FeatureSet FeatureFile::Read(const std::vector<std::string>& wanted, std::int64_t first, std::int64_t count) {
  FeatureSet block;
  block.kind = head_.kind;
  block.model = head_.model;
  block.ids.assign(head_.ids.begin() + first, head_.ids.begin() + first + count);
  for (const auto& name : wanted) {
    const auto found = features_.find(name);
    if (found == features_.end()) NoFeature(name, names());
    const Place& place = found->second;
    Matrix& matrix = block.features[name] = Matrix(count, place.columns);
    const auto row = static_cast<std::uint64_t>(place.columns) * sizeof(float);
    file_.seekg(static_cast<std::streamoff>(place.begin + static_cast<std::uint64_t>(first) * row));
    file_.read(reinterpret_cast<char*>(matrix.values.data()),
               static_cast<std::streamsize>(static_cast<std::uint64_t>(count) * row));
    if (!file_) throw InputError(path_.string() + ": cannot be read, or was cut short");
    for (std::int64_t i = 0; i < count; ++i) {
      if (std::ranges::all_of(matrix.Row(i), [](float value) { return std::isfinite(value); })) continue;
      throw InputError(path_.string() + ": tensor " + name + " has a value that is not finite, for id '" +
                       Printable(block.ids[static_cast<std::size_t>(i)]) + "'");
    }
  }
  return block;
}

FeatureSet ReadFeatures(const std::filesystem::path& path) {
  FeatureFile file(path);
  FeatureSet set = file.head();
  set.features = file.Read(file.names(), 0, set.size()).features;
  return set;
}

namespace {

// What the header of a features file tells.
struct FeaturesLayout {
  std::string kind;
  std::string model;
  std::int64_t rows = 0;
  std::int64_t id_bytes = 0;
  std::map<std::string, std::int64_t> columns;
  bool locations = false;
  bool hashes = false;
};

SafetensorsWriter StartFeatures(const std::filesystem::path& path, const FeaturesLayout& layout) {
  std::vector<SafetensorsWriter::Entry> entries;
  for (const auto& [name, columns] : layout.columns) {
    entries.push_back({name, torch::kFloat32, {layout.rows, columns}});
  }
  if (layout.locations) entries.push_back({"latlon", torch::kFloat64, {layout.rows, 2}});
  entries.push_back({"id_offsets", torch::kInt64, {layout.rows + 1}});
  entries.push_back({"ids", torch::kUInt8, {layout.id_bytes}});
  if (layout.hashes) entries.push_back({"photo_sha256", torch::kUInt8, {layout.rows, 32}});
  std::map<std::string, std::string> metadata = {{"kind", layout.kind}};
  if (!layout.model.empty()) metadata["model"] = layout.model;
  return {path, std::move(entries), metadata};
}

FeaturesLayout LayoutOf(const FeatureSet& set) {
  FeaturesLayout layout{set.kind, set.model, set.size(), 0, {}, !set.locations.empty(), !set.photo_sha256.empty()};
  for (const auto& [name, matrix] : set.features) {
    if (matrix.rows != set.size()) throw Error("features " + name + ": rows and ids differ in number");
    layout.columns[name] = matrix.columns;
  }
  if (layout.hashes && set.photo_sha256.size() != set.ids.size()) {
    throw Error("features: hashes and ids differ in number");
  }
  for (const auto& id : set.ids) layout.id_bytes += static_cast<std::int64_t>(id.size());
  return layout;
}

FeaturesLayout LayoutOf(const SafetensorsFile& file) {
  const auto metadata = [&](const char* key) {
    const auto found = file.metadata().find(key);
    return found == file.metadata().end() ? std::string() : found->second;
  };
  FeaturesLayout layout{metadata("kind"), metadata("model"), 0, 0, {}, file.Has("latlon"), file.Has("photo_sha256")};
  for (const auto& entry : file.entries()) {
    if (entry.name == "id_offsets" && entry.shape.size() == 1) layout.rows = entry.shape[0] - 1;
    if (entry.name == "ids" && entry.shape.size() == 1) layout.id_bytes = entry.shape[0];
    if (entry.dtype == torch::kFloat32 && entry.shape.size() == 2) layout.columns[entry.name] = entry.shape[1];
  }
  return layout;
}

torch::Tensor Borrow(const void* data, torch::IntArrayRef sizes, torch::Dtype dtype) {
  return torch::from_blob(const_cast<void*>(data), sizes, dtype);  // from_blob takes no const; nothing writes to it
}

torch::Tensor ColumnOf(const FeatureSet& set, const std::string& name) {
  if (name == "latlon") return Borrow(set.locations.data(), {set.size(), 2}, torch::kFloat64);
  if (name == "photo_sha256") return Borrow(set.photo_sha256.data(), {set.size(), 32}, torch::kUInt8);
  if (name == "id_offsets") {
    auto offsets = torch::zeros({set.size() + 1}, torch::kInt64);
    auto* at = offsets.data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < set.ids.size(); ++i) at[i + 1] = at[i] + static_cast<std::int64_t>(set.ids[i].size());
    return offsets;
  }
  if (name == "ids") {
    std::string text;
    for (const auto& id : set.ids) text += id;
    return Borrow(text.data(), {static_cast<std::int64_t>(text.size())}, torch::kUInt8).clone();
  }
  const Matrix& matrix = set.features.at(name);
  return Borrow(matrix.values.data(), {matrix.rows, matrix.columns}, torch::kFloat32);
}

}  // namespace

void WriteFeatures(const std::filesystem::path& path, const FeatureSet& set) {
  static_assert(sizeof(LatLon) == 2 * sizeof(double) && sizeof(Sha256Digest) == 32, "written as they stand");
  auto writer = StartFeatures(path, LayoutOf(set));
  for (const auto& entry : writer.order()) writer.Append(ColumnOf(set, entry.name));
  writer.Commit();
}

void JoinFeatures(const std::vector<std::filesystem::path>& parts, const std::filesystem::path& path) {
  if (parts.empty()) throw Error(path.string() + ": there are no parts to join");
  FeaturesLayout layout = LayoutOf(SafetensorsFile(parts.front()));
  layout.rows = layout.id_bytes = 0;
  for (const auto& part : parts) {
    const FeaturesLayout other = LayoutOf(SafetensorsFile(part));
    if (other.columns != layout.columns || other.kind != layout.kind || other.model != layout.model ||
        other.hashes != layout.hashes || other.locations != layout.locations) {
      throw InputError(part.string() + ": holds other features than " + parts.front().string());
    }
    layout.rows += other.rows;
    layout.id_bytes += other.id_bytes;
  }
  auto writer = StartFeatures(path, layout);
  for (const auto& entry : writer.order()) {
    const bool offsets = entry.name == "id_offsets";
    std::int64_t before = 0;
    if (offsets) writer.Append(torch::zeros({1}, torch::kInt64));
    for (const auto& part : parts) {
      const auto rows = SafetensorsFile(part).View(entry.name);
      if (!offsets) {
        writer.Append(rows);
        continue;
      }
      writer.Append(rows.slice(0, 1) + before);
      before += rows[-1].item<std::int64_t>();
    }
  }
  writer.Commit();
}

void AppendRows(FeatureSet more, FeatureSet& set) {
  if (set.ids.empty() && set.features.empty()) {
    set = std::move(more);
    return;
  }
  const auto append = [](auto& from, auto& to) { to.insert(to.end(), from.begin(), from.end()); };
  append(more.ids, set.ids);
  append(more.locations, set.locations);
  append(more.photo_sha256, set.photo_sha256);
  for (auto& [name, matrix] : more.features) {
    Matrix& rows = set.features.at(name);
    append(matrix.values, rows.values);
    rows.rows += matrix.rows;
  }
}

}  // namespace dualgeo
