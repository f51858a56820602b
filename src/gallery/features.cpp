#include "dualgeo/gallery/features.h"

#include "dualgeo/io/torch.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "dualgeo/io/safetensors.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

constexpr const char* kNames[] = {"image",           "segmentation",           "fused_image", "fused_segmentation",
                                  "projected_image", "projected_segmentation", "gps",         "projected_gps"};

std::vector<std::string> ParseIds(const std::string& text, const std::string& file) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) throw InputError(file + ": metadata key ids is not a JSON array of strings");
  std::vector<std::string> ids;
  std::unordered_set<std::string> seen;
  for (const auto& id : json) {
    if (!id.is_string()) throw InputError(file + ": metadata key ids is not a JSON array of strings");
    ids.push_back(id.get<std::string>());
    if (!seen.insert(ids.back()).second) {
      throw InputError(file + ": id '" + Printable(ids.back()) + "' stands twice in metadata key ids");
    }
  }
  return ids;
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

Matrix ToMatrix(const torch::Tensor& tensor, const std::string& name, const std::vector<std::string>& ids,
                const std::string& file) {
  Matrix matrix(tensor.size(0), tensor.size(1));
  const auto source = tensor.contiguous();
  std::copy_n(source.data_ptr<float>(), matrix.values.size(), matrix.values.begin());
  for (std::int64_t i = 0; i < matrix.rows; ++i) {
    for (const float value : matrix.Row(i)) {
      if (!std::isfinite(value)) {
        throw InputError(file + ": tensor " + name + " has a value that is not finite, for id '" +
                         Printable(ids[static_cast<std::size_t>(i)]) + "'");
      }
    }
  }
  return matrix;
}

}  // namespace

const Matrix& FeatureSet::Require(const std::string& name) const {
  const auto found = features.find(name);
  if (found != features.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& item : features) names.push_back(item.first);
  throw InputError("there is no feature " + name + "; there are: " + (names.empty() ? "none" : Join(names)));
}

FeatureSet ReadFeatures(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  const std::string name = path.string();
  FeatureSet set;
  const auto metadata = [&](const char* key) {
    const auto found = file.metadata().find(key);
    return found == file.metadata().end() ? std::string() : found->second;
  };
  if (file.metadata().count("ids") == 0) {
    throw InputError(name + ": no metadata key ids, so this is not a features file (dualgeo embed writes them)");
  }
  set.ids = ParseIds(metadata("ids"), name);
  set.model = metadata("model");
  if (const auto kind = metadata("kind"); !kind.empty()) set.kind = kind;
  if (set.kind != "photos" && set.kind != "gps") {
    throw InputError(name + ": metadata key kind is '" + Printable(set.kind) + "', not photos or gps");
  }
  for (const auto& entry : file.entries()) {
    if (std::find(std::begin(kNames), std::end(kNames), entry.name) != std::end(kNames)) {
      CheckShape(entry, torch::kFloat32, set.size(), name);
      set.features[entry.name] = ToMatrix(file.View(entry.name), entry.name, set.ids, name);
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
    }
  }
  if (set.features.empty()) throw InputError(name + ": holds none of the features that dualgeo embed writes");
  if (set.kind == "gps" && set.locations.size() != set.ids.size()) {
    throw InputError(name + ": tensor latlon is missing");
  }
  return set;
}

void WriteFeatures(const std::filesystem::path& path, const FeatureSet& set) {
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  for (const auto& [name, matrix] : set.features) {
    if (matrix.rows != set.size()) throw Error("features " + name + ": rows and ids differ in number");
    auto* values = const_cast<float*>(matrix.values.data());  // from_blob takes no const; nothing writes to it
    tensors.emplace_back(name, torch::from_blob(values, {matrix.rows, matrix.columns}, torch::kFloat32));
  }
  if (!set.locations.empty()) {
    auto latlon = torch::empty({set.size(), 2}, torch::kFloat64);
    auto cells = latlon.accessor<double, 2>();
    for (std::int64_t i = 0; i < set.size(); ++i) {
      cells[i][0] = set.locations[static_cast<std::size_t>(i)].lat;
      cells[i][1] = set.locations[static_cast<std::size_t>(i)].lon;
    }
    tensors.emplace_back("latlon", latlon);
  }
  std::map<std::string, std::string> metadata = {{"kind", set.kind}};
  try {
    metadata["ids"] = nlohmann::json(set.ids).dump();
  } catch (const nlohmann::json::exception&) {
    throw InputError(path.string() + ": a photo's id is not UTF-8 text, which a features file cannot hold");
  }
  if (!set.model.empty()) metadata["model"] = set.model;
  WriteSafetensors(path, tensors, metadata);
}

}  // namespace dualgeo
