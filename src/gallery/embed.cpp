#include "dualgeo/gallery/embed.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <type_traits>

#include "dualgeo/data/loader.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/progress.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

// "key=value" lines of the options that change what a model computes from given weights and inputs.
class OptionText {
 public:
  template <class T, class... Rule>
  void Field(const std::string& name, const T& value, const char*, const Rule&...) {
    if (name == "weights" || name == "freeze" || name == "dropout" || name == "drop_path") return;
    text.append(prefix_).append(name).append("=").append(Text(value)).append("\n");
  }
  template <class T>
  void Group(const std::string& name, T& value, const char*) {
    if (name == "segmenter") return;  // makes masks, which are an input here
    const auto outer = prefix_;
    prefix_.append(name).append(".");
    value.Visit(*this);
    prefix_ = outer;
  }

  std::string text;

 private:
  static std::string Text(const std::string& value) { return value; }
  template <class T>
  requires std::is_arithmetic_v<T>
  static std::string Text(T value) { return FormatDouble(static_cast<double>(value)); }
  template <class T>
  static std::string Text(const std::optional<T>& value) {
    return value ? Text(*value) : "null";
  }
  template <class T>
  static std::string Text(const std::vector<T>& values) {
    std::vector<std::string> texts;
    for (const auto& value : values) texts.push_back(Text(value));
    return Join(texts);
  }

  std::string prefix_;
};

torch::Device DeviceOf(const DualGeoModel& model) { return model->parameters().front().device(); }

// Rows of a [N, D] tensor behind those already in the matrix.
void Append(const torch::Tensor& rows, const std::string& name, const std::vector<std::string>& ids, Matrix& matrix) {
  const auto block = rows.to(torch::kCPU, torch::kFloat32).contiguous();
  const float* values = block.data_ptr<float>();
  matrix.columns = block.size(1);
  for (std::int64_t i = 0; i < block.size(0); ++i) {
    const float* row = values + i * matrix.columns;
    if (!std::all_of(row, row + matrix.columns, [](float value) { return std::isfinite(value); })) {
      throw Error("embedding '" + Printable(ids[static_cast<std::size_t>(matrix.rows)]) + "': " + name +
                  " is not finite; are the weights damaged, or is the precision too low?");
    }
    matrix.values.insert(matrix.values.end(), row, row + matrix.columns);
    ++matrix.rows;
  }
}

// [N, 2] degrees, on the model's device.
torch::Tensor LatLonTensor(std::span<const LatLon> coordinates, const torch::Device& device) {
  auto latlon = torch::empty({static_cast<std::int64_t>(coordinates.size()), 2}, torch::kFloat64);
  auto cells = latlon.accessor<double, 2>();
  for (std::size_t i = 0; i < coordinates.size(); ++i) {
    cells[static_cast<std::int64_t>(i)][0] = coordinates[i].lat;
    cells[static_cast<std::int64_t>(i)][1] = coordinates[i].lon;
  }
  return latlon.to(device);
}

}  // namespace

std::string ModelFingerprint(const DualGeoModel& model) {
  OptionText options;
  auto copy = model->options();
  copy.Visit(options);
  std::string text = options.text;
  for (const auto& [name, tensor] : StateDict(*model)) {
    const auto bytes = tensor.detach().to(torch::kCPU).contiguous();
    text.append(name).append(" ").append(c10::toString(bytes.scalar_type()));
    for (const auto size : bytes.sizes()) text.append(" ").append(std::to_string(size));
    const std::string_view content(static_cast<const char*>(bytes.data_ptr()), bytes.nbytes());
    text.append(" ").append(Sha256(content)).append("\n");
  }
  return Sha256(text);
}

void AppendFeatures(DualGeoModel& model, const torch::Tensor& pixels, const torch::Tensor& mask, FeatureSet& set) {
  const auto device = DeviceOf(model);
  const auto add = [&](const char* name, const torch::Tensor& rows) {
    if (rows.defined()) Append(rows, name, set.ids, set.features[name]);
  };
  const auto unit = [](const torch::Tensor& rows) {
    if (!rows.defined()) return rows;
    return torch::nn::functional::normalize(rows.to(torch::kFloat32),
                                            torch::nn::functional::NormalizeFuncOptions().dim(1));
  };
  const auto features = model->Encode(pixels.to(device), mask.defined() ? mask.to(device) : mask);
  add("image", unit(features.image));
  add("segmentation", unit(features.segmentation));
  add("fused_image", unit(features.fused_image));
  add("fused_segmentation", unit(features.fused_segmentation));
  if (features.fused_image.defined()) add("projected_image", unit(model->ProjectImage(features.fused_image)));
  if (features.fused_segmentation.defined()) {
    add("projected_segmentation", unit(model->ProjectSegmentation(features.fused_segmentation)));
  }
}

EmbedResult EmbedPhotos(DualGeoModel& model, const PhotoDataset& dataset, const EmbedOptions& options,
                        const LoaderOptions& loader_options) {
  const auto& fusion = model->options().fusion;
  if (fusion.type == "cross_attention" && fusion.scope == "batch" && model->options().views == "both") {
    spdlog::warn(
        "embed: with model.fusion.scope batch a photo's features depend on the photos embedded beside it (batches "
        "of {} in the table's order)",
        options.batch_size);
  }
  const torch::InferenceMode inference;
  model->eval();

  EmbedResult result;
  auto& set = result.features;
  set.model = ModelFingerprint(model);
  std::vector<std::int64_t> order(static_cast<std::size_t>(dataset.size()));
  std::iota(order.begin(), order.end(), 0);
  LoaderOptions once = loader_options;
  once.cache_megabytes = 0;  // every photo is used once
  const auto start = std::chrono::steady_clock::now();
  Loader loader(dataset, order, options.batch_size, /*drop_last=*/false, once, std::nullopt);
  Progress progress("embed", dataset.size(), "photos");
  while (const auto batch = loader.Next()) {
    for (const auto index : batch->indices) {
      set.ids.push_back(dataset.table().rows[static_cast<std::size_t>(index)].id);
    }
    AppendFeatures(model, batch->pixels, batch->mask, set);
    progress.Update(set.size() + static_cast<std::int64_t>(loader.skipped().size()));
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.photos_per_second = seconds > 0 ? static_cast<double>(set.size()) / seconds : 0;
  progress.Finish();
  for (const auto& photo : loader.skipped()) {
    spdlog::warn("embed: left out {}", photo.reason);
    result.skipped.push_back(photo.id);
  }
  if (set.ids.empty()) throw InputError("embed: not one photo of " + dataset.table().path.string() + " could be read");
  return result;
}

FeatureSet EmbedGps(DualGeoModel& model, std::span<const LatLon> coordinates, std::vector<std::string> ids) {
  const torch::InferenceMode inference;
  model->eval();
  const auto device = DeviceOf(model);
  FeatureSet set;
  set.kind = "gps";
  set.model = ModelFingerprint(model);
  set.locations.assign(coordinates.begin(), coordinates.end());
  if (ids.empty()) {
    for (std::size_t i = 0; i < coordinates.size(); ++i) ids.push_back(std::to_string(i));
  }
  set.ids = std::move(ids);
  const auto total = static_cast<std::int64_t>(coordinates.size());
  constexpr std::int64_t kChunk = 4096;
  Progress progress("embed", total, "points");
  for (std::int64_t start = 0; start < total; start += kChunk) {
    ThrowIfStopped();
    const auto count = std::min(kChunk, total - start);
    const auto gps = model->EncodeGps(
        LatLonTensor(coordinates.subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(count)), device));
    Append(gps, "gps", set.ids, set.features["gps"]);
    Append(model->ProjectGps(gps), "projected_gps", set.ids, set.features["projected_gps"]);
    progress.Update(start + count);
  }
  progress.Finish();
  return set;
}

Matrix ProjectCoordinates(DualGeoModel& model, std::span<const LatLon> coordinates) {
  const torch::InferenceMode inference;
  model->eval();
  std::vector<std::string> names;  // for messages
  names.reserve(coordinates.size());
  for (const LatLon& place : coordinates) names.push_back(ToString(place));
  Matrix matrix;
  if (coordinates.empty()) return matrix;
  const auto gps = model->EncodeGps(LatLonTensor(coordinates, DeviceOf(model)));
  Append(model->ProjectGps(gps), "projected_gps", names, matrix);
  return matrix;
}

}  // namespace dualgeo
