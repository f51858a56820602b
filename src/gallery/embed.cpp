#include "gallery/embed.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "data/loader.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "model/fingerprint.h"
#include "runtime/processes.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

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

// [N * crops, D] -> [N, D].
torch::Tensor PoolCrops(const torch::Tensor& rows, std::int64_t crops, const std::string& pooling) {
  if (crops == 1 || !rows.defined()) return rows;
  const auto each = rows.to(torch::kFloat32).view({rows.size(0) / crops, crops, rows.size(1)});
  return pooling == "max" ? each.amax(1) : each.mean(1);
}

}  // namespace

std::string ModelFingerprint(const DualGeoModel& model) { return Fingerprint(TextOf(model->options()), *model); }

void AppendFeatures(DualGeoModel& model, const torch::Tensor& pixels, const torch::Tensor& mask,
                    const std::vector<std::string>& raw, FeatureSet& set) {
  const auto device = DeviceOf(model);
  const auto add = [&](const std::string& name, const torch::Tensor& rows) {
    if (rows.defined()) Append(rows, name, set.ids, set.features[name]);
  };
  const auto unit = [](const torch::Tensor& rows) {
    if (!rows.defined()) return rows;
    return torch::nn::functional::normalize(rows.to(torch::kFloat32),
                                            torch::nn::functional::NormalizeFuncOptions().dim(1));
  };
  const ImageEncoderOptions& encoder = model->options().image_encoder;
  const std::int64_t crops = pixels.dim() == 5 ? pixels.size(1) : 1;
  const auto pooled = [&](const torch::Tensor& rows) { return PoolCrops(rows, crops, encoder.crops_pooling); };
  const auto flat = [&](const torch::Tensor& input) {
    return (crops > 1 && input.defined() ? input.flatten(0, 1) : input).to(device);
  };
  const auto features = model->Encode(flat(pixels), mask.defined() ? flat(mask) : mask);
  if (encoder.type == kClassical) {
    add(kClassical, pooled(features.image));
    return;
  }
  const NamedTensors views = {{"image", features.image},
                              {"segmentation", features.segmentation},
                              {"fused_image", features.fused_image},
                              {"fused_segmentation", features.fused_segmentation}};
  for (const auto& [name, rows] : views) add(name, unit(pooled(rows)));
  for (const auto& name : raw) {
    const torch::Tensor rows = Find(views, name);
    if (!rows.defined()) {
      throw InputError("gallery.features: the model has no " + name + " (model.views: " + model->options().views + ")");
    }
    add(name + kRawSuffix, pooled(rows));
  }
  for (const auto& head : model->heads()) {
    const auto kept = head->Kept(features);
    if (kept.defined()) {
      add(kPlaceVector, encoder.crops_of == "vectors" ? pooled(kept) : kept.reshape({kept.size(0) / crops, -1}));
    }
    for (const auto& [name, rows] : head->PhotoVectors(features)) add(name, unit(pooled(rows)));
    for (const auto& [name, rows] : head->Attributes(features)) add(name, PoolCrops(rows, crops, "mean"));
  }
}

std::vector<torch::Tensor> PlaceProbabilities(std::vector<torch::Tensor> logits, std::int64_t crops,
                                              const ImageEncoderOptions& options, bool joint) {
  if (logits.empty()) return logits;
  std::vector<std::int64_t> classes;
  for (const auto& one : logits) classes.push_back(one.size(1));
  if (joint) logits = {torch::cat(logits, 1)};
  for (auto& one : logits) {
    if (options.crops_of == "logits") one = PoolCrops(one, crops, options.crops_pooling);
    one = torch::softmax(one, 1, torch::kFloat32);
    if (options.crops_of == "probabilities") one = PoolCrops(one, crops, options.crops_pooling);
  }
  return joint ? logits.front().split_with_sizes(classes, 1) : logits;
}

namespace {

// A photo or mask that changed after a part was written: the part is not of it any more.
void DropOldParts(const PhotoDataset& dataset, FeatureBlocks& blocks) {
  for (std::size_t i = 0; i < blocks.parts().parts().size(); ++i) {
    ThrowIfStopped();
    const PartsFolder::Part& part = blocks.parts().parts()[i];
    const auto made = std::filesystem::last_write_time(part.file);
    for (std::int64_t row = part.first; row < std::min(part.first + part.count, dataset.size()); ++row) {
      if (const auto changed = dataset.LastChange(row); changed && *changed > made) {
        spdlog::warn("embed: {} changed since its features were made; going on before it", dataset.Name(row));
        blocks.parts().DropFrom(i);
        return;
      }
    }
  }
}

// Bad photos that parts of an earlier, interrupted process left out.
void AddSkipped(const PhotoDataset& dataset, const FeatureBlocks& blocks, std::vector<std::string>& skipped) {
  const auto& parts = blocks.parts().parts();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (blocks.rows_of_part(i) == parts[i].count) continue;
    const auto ids = ReadFeatures(parts[i].file).ids;
    const std::unordered_set<std::string_view> there(ids.begin(), ids.end());
    for (std::int64_t row = parts[i].first; row < parts[i].first + parts[i].count; ++row) {
      const std::string& id = dataset.table().rows[static_cast<std::size_t>(row)].id;
      if (!there.contains(id)) skipped.push_back(id);
    }
  }
}

}  // namespace

EmbedReport EmbedPhotos(DualGeoModel& model, const PhotoDataset& dataset, const EmbedOptions& options,
                        const LoaderOptions& loader_options, FeatureBlocks& blocks) {
  const auto& fusion = model->options().fusion;
  if (fusion.type == "cross_attention" && fusion.scope == "batch" && model->options().views == "both") {
    spdlog::warn(
        "embed: with model.fusion.scope batch a photo's features depend on the photos embedded beside it (batches "
        "of {} in the table's order)",
        options.batch_size);
  }
  const torch::InferenceMode inference;
  model->eval();

  DropOldParts(dataset, blocks);
  EmbedReport report;
  AddSkipped(dataset, blocks, report.skipped);
  // Parts end where batches do, so that the rest is cut into the same batches.
  const std::int64_t done = blocks.done();
  if (done > 0) spdlog::info("embed: {} of {} photos were embedded before", done, dataset.size());
  const std::int64_t rows_before = blocks.rows();
  std::vector<std::int64_t> order(static_cast<std::size_t>(dataset.size() - done));
  std::iota(order.begin(), order.end(), done);
  LoaderOptions once = loader_options;
  once.cache_megabytes = 0;  // every photo is used once
  const auto start = std::chrono::steady_clock::now();
  // As many crops a batch as else photos, so that memory does not grow with them.
  const std::int64_t batch_size = std::max<std::int64_t>(1, options.batch_size / CountOf(dataset.view().crops));
  Loader loader(dataset, order, batch_size, /*drop_last=*/false, once, std::nullopt);
  Progress progress("embed", dataset.size(), "photos");
  progress.Update(done);
  while (auto batch = loader.Next()) {
    MoveTo(DeviceOf(model), *batch);
    FeatureSet& set = blocks.block();
    for (const auto index : batch->indices) {
      set.ids.push_back(dataset.table().rows[static_cast<std::size_t>(index)].id);
    }
    set.photo_sha256.insert(set.photo_sha256.end(), batch->photo_sha256.begin(), batch->photo_sha256.end());
    AppendFeatures(model, batch->pixels, batch->mask, options.raw, set);
    const std::int64_t batches = (batch->indices.back() - done) / batch_size + 1;
    const std::int64_t covered = std::min(dataset.size(), done + batches * batch_size);
    blocks.Covered(covered);
    progress.Update(covered);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.rows = blocks.rows();
  report.columns = blocks.columns();
  report.photos_per_second = seconds > 0 ? static_cast<double>(report.rows - rows_before) / seconds : 0;
  progress.Finish();
  for (const auto& photo : loader.skipped()) {
    spdlog::warn("embed: left out {}", photo.reason);
    report.skipped.push_back(photo.id);
  }
  // (Of a rank's share that may be so.)
  if (report.rows == 0 && !AllProcesses().several()) {
    throw InputError("embed: not one photo of " + dataset.table().path.string() + " could be read");
  }
  return report;
}

EmbedResult EmbedPhotos(DualGeoModel& model, const PhotoDataset& dataset, const EmbedOptions& options,
                        const LoaderOptions& loader_options) {
  FeatureBlocks blocks("photos", ModelFingerprint(model), dataset.size(), KeepParts(), {});
  EmbedResult result{EmbedPhotos(model, dataset, options, loader_options, blocks), {}};
  result.features = blocks.Take();
  return result;
}

namespace {

// Numbers below 1e-38 count as 0 in this thread: weight decay leaves tens of thousands of them in a network (GeoCLIP's
// released GPS encoder), which change no digit of a sum and take the processor ten times as long.
class FlushesDenormals {
 public:
  FlushesDenormals() { at::globalContext().setFlushDenormal(true); }
  ~FlushesDenormals() { at::globalContext().setFlushDenormal(false); }
};

// [N, 2] degrees -> gps and projected_gps. On the CPU each thread takes points of its own through all layers, so that
// none waits for another at the end of each.
std::pair<torch::Tensor, torch::Tensor> EmbedPoints(DualGeoModel& model, const torch::Tensor& latlon) {
  const auto embed = [&](const torch::Tensor& points) {
    const auto gps = model->EncodeGps(points);
    return std::pair{gps, model->ProjectGps(gps)};
  };
  if (!latlon.device().is_cpu()) return embed(latlon);
  const std::int64_t threads = at::get_num_threads();
  const auto slices = latlon.split(std::max<std::int64_t>(256, (latlon.size(0) + threads - 1) / threads));
  std::vector<torch::Tensor> gps(slices.size()), projected(slices.size());
  at::parallel_for(0, static_cast<std::int64_t>(slices.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    const torch::InferenceMode inference;  // a thread's own
    const FlushesDenormals flush;
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      std::tie(gps[i], projected[i]) = embed(slices[i]);
    }
  });
  return {torch::cat(gps), torch::cat(projected)};
}

}  // namespace

void EmbedGps(DualGeoModel& model, std::span<const LatLon> coordinates, const std::vector<std::string>& ids,
              FeatureBlocks& blocks) {
  const torch::InferenceMode inference;
  model->eval();
  const auto device = DeviceOf(model);
  const auto total = static_cast<std::int64_t>(coordinates.size());
  constexpr std::int64_t kChunk = 4096;
  Progress progress("embed", total, "points");
  progress.Update(blocks.done());
  for (std::int64_t start = blocks.done(); start < total; start += kChunk) {
    ThrowIfStopped();
    const std::int64_t end = std::min(total, start + kChunk);
    const auto points = coordinates.subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start));
    FeatureSet& set = blocks.block();
    for (std::int64_t i = start; i < end; ++i) {
      set.ids.push_back(ids.empty() ? std::to_string(i) : ids[static_cast<std::size_t>(i)]);
    }
    set.locations.insert(set.locations.end(), points.begin(), points.end());
    const auto [gps, projected] = EmbedPoints(model, LatLonTensor(points, device));
    Append(gps, "gps", set.ids, set.features["gps"]);
    Append(projected, "projected_gps", set.ids, set.features["projected_gps"]);
    blocks.Covered(end);
    progress.Update(end);
  }
  progress.Finish();
}

FeatureSet EmbedGps(DualGeoModel& model, std::span<const LatLon> coordinates, std::vector<std::string> ids) {
  FeatureBlocks blocks("gps", ModelFingerprint(model), static_cast<std::int64_t>(coordinates.size()), KeepParts(), {});
  EmbedGps(model, coordinates, ids, blocks);
  return blocks.Take();
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
