#include "dualgeo/train/segment.h"

#include <ATen/Parallel.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "dualgeo/data/dataset.h"
#include "dualgeo/data/loader.h"
#include "dualgeo/data/mask.h"
#include "dualgeo/io/safetensors.h"
#include "dualgeo/model/segformer.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/train/checkpoint.h"
#include "dualgeo/train/runtime.h"
#include "dualgeo/train/upsample_argmax.h"
#include "dualgeo/train/views.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/progress.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// a.jpg and a.png would overwrite each other's mask. Also checks every id before any work is done.
void CheckMaskNames(const SegmentJob& job) {
  std::map<fs::path, std::string> photo_of;
  for (const auto& row : job.photos.rows) {
    const auto [found, is_new] = photo_of.emplace(MaskPath(job.out, row.id), row.id);
    if (!is_new) {
      throw InputError(job.photos.path.string() + ": " + row.id + " and " + found->second +
                       " have the same mask name " + found->first.string());
    }
  }
}

}  // namespace

SegmentResult SegmentPhotos(const SegmentJob& job) {
  Resolve(job.segmenter);
  const torch::Device device = SetupRuntime(job.runtime);
  CheckMaskNames(job);
  SegFormer model = LoadSegmenter(job.weights, job.segmenter, device);
  LoaderOptions loader_options = job.loader;
  loader_options.cache_megabytes = 0;  // each photo is seen once
  const PhotoDataset dataset(job.photos, job.images, {}, SegmenterViews(job.segmenter, /*with_masks=*/false, 0));
  std::vector<std::int64_t> order(static_cast<std::size_t>(dataset.size()));
  std::iota(order.begin(), order.end(), 0);
  Loader loader(dataset, order, job.batch_size, /*drop_last=*/false, loader_options, std::nullopt);

  SegmentResult result;
  std::vector<torch::Tensor> all_logits;
  std::vector<std::string> ids;
  Progress progress("segment", dataset.size(), "photos");
  const auto start = std::chrono::steady_clock::now();
  const c10::InferenceMode inference;
  while (auto batch = loader.Next()) {
    torch::Tensor logits;
    {
      const AutocastGuard autocast(device, job.runtime.precision);
      logits = model->Forward(batch->pixels.to(device)).to(torch::kCPU, torch::kFloat32);
    }
    const auto count = static_cast<std::int64_t>(batch->indices.size());
    at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
      const c10::InferenceMode inference_here;
      for (std::int64_t i = begin; i < end; ++i) {
        const auto k = static_cast<std::size_t>(i);
        const PhotoRow& row = dataset.table().rows[static_cast<std::size_t>(batch->indices[k])];
        WriteMask(MaskPath(job.out, row.id), UpsampleArgmax(logits[i], batch->photo_sizes[k]));
      }
    });
    result.written += count;
    if (job.logits) {
      all_logits.push_back(logits);
      for (const auto index : batch->indices) ids.push_back(dataset.table().rows[static_cast<std::size_t>(index)].id);
    }
    progress.Update(result.written);
  }
  for (const auto& skipped : loader.skipped()) {
    spdlog::warn("segment: skipped: {}", skipped.reason);
    result.skipped.push_back(skipped.id);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.photos_per_second = seconds > 0 ? static_cast<double>(result.written) / seconds : 0;
  progress.Finish();
  if (job.logits) {
    const int side = job.segmenter.image_size / 4;
    const torch::Tensor logits =
        all_logits.empty() ? torch::empty({0, job.segmenter.num_labels, side, side}) : torch::cat(all_logits);
    WriteSafetensors(*job.logits, {{"logits", logits}}, {{"ids", nlohmann::json(ids).dump()}});
  }
  return result;
}

}  // namespace dualgeo
