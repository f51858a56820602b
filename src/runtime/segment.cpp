#include "runtime/segment.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/dataset.h"
#include "data/loader.h"
#include "data/mask.h"
#include "dualgeo/model/segformer.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "io/safetensors.h"
#include "model/fingerprint.h"
#include "runtime/checkpoint.h"
#include "runtime/processes.h"
#include "runtime/runtime.h"
#include "runtime/upsample_argmax.h"
#include "runtime/views.h"
#include "util/atomic_file.h"
#include "util/output_path.h"
#include "util/progress.h"

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

constexpr const char* kMaskRecord = "segment.json";

// Not: batch size, device and threads, which change a logit's last bits only.
std::string MaskRecord(const SegmentJob& job, const SegFormer& model) {
  nlohmann::ordered_json record = {
      {"format", "dualgeo masks 1"},
      {"segmenter", Fingerprint(TextOf(job.segmenter), *model)},
      {"precision", job.runtime.precision},
  };
  if (job.loader.fast_decoding()) record["decode"] = job.loader.decode;
  return record.dump(1) + "\n";
}

// Masks of two segmenters in one folder would be taken for one's. The record is written before the first mask.
void ClaimMaskFolder(const SegmentJob& job, const std::string& record) {
  const fs::path path = job.out / kMaskRecord;
  if (fs::exists(path)) {
    if (ReadFile(path) == record) return;
    throw InputError(job.out.string() + ": holds masks of another segmenter or other settings (" + path.string() +
                     "); name another folder, or remove this one");
  }
  for (const auto& row : job.photos.rows) {
    const fs::path mask = MaskPath(job.out, row.id);
    if (fs::exists(mask)) {
      throw InputError(mask.string() + ": is there and not by dualgeo segment, as far as is known (" +
                       (job.out / kMaskRecord).string() + " is missing); name another folder, or remove it");
    }
  }
  WriteFileAtomically(path, record);
}

// Whether row i's mask is there, whole, and not older than its photo.
std::vector<char> FindMasks(const PhotoDataset& dataset, const fs::path& out) {
  std::vector<char> there(static_cast<std::size_t>(dataset.size()));
  at::parallel_for(0, dataset.size(), 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto row = static_cast<std::size_t>(i);
      const fs::path mask = MaskPath(out, dataset.table().rows[row].id);
      if (StopRequested() || !IsWholeMask(mask)) continue;
      const auto changed = dataset.LastChange(i);
      there[row] = !changed || *changed <= fs::last_write_time(mask);
    }
  });
  ThrowIfStopped();
  return there;
}

// The photos of those batches in which a mask is missing: a photo's logits depend, in their last bits, on the size of
// its batch, and the masks are to be the same however often the work was interrupted.
std::vector<std::int64_t> OpenBatches(const std::vector<char>& there, int batch_size) {
  std::vector<std::int64_t> order;
  const auto size = static_cast<std::int64_t>(there.size());
  for (std::int64_t begin = 0; begin < size; begin += batch_size) {
    const std::int64_t end = std::min(size, begin + batch_size);
    if (std::all_of(there.begin() + begin, there.begin() + end, [](char is) { return is != 0; })) continue;
    for (std::int64_t i = begin; i < end; ++i) order.push_back(i);
  }
  return order;
}

// This process's batches of those.
std::vector<std::int64_t> OwnBatches(const std::vector<std::int64_t>& order, int batch_size) {
  const Share share = ShareOf(std::ssize(order), batch_size, AllProcesses().rank(), AllProcesses().size());
  return {order.begin() + share.begin, order.begin() + share.end};
}

// Rank 0 takes the folder for all.
void ClaimForAll(const SegmentJob& job, const SegFormer& model) {
  Processes& all = AllProcesses();
  if (all.several() && job.logits) throw InputError("--logits: only one process can write them");
  const std::string record = MaskRecord(job, model);
  all.RequireSame("segmentation", record + "batch_size: " + std::to_string(job.batch_size) + "\n");
  if (all.first()) {
    ClaimMaskFolder(job, record);
    RemoveLeftovers(job.out);
  }
  all.Barrier();
}

// What the other processes did.
void AddOthers(SegmentResult& result) {
  const auto written = torch::tensor({result.written}, torch::kInt64);
  AllProcesses().Sum({written});
  result.written = written.item<std::int64_t>();
  std::vector<std::string> skipped;
  for (const std::string& text : AllProcesses().GatherText(Join(result.skipped, "\n"))) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) skipped.push_back(line);
  }
  result.skipped = std::move(skipped);
}

}  // namespace

SegmentResult SegmentPhotos(const SegmentJob& job) {
  Resolve(job.segmenter);
  const torch::Device device = SetupRuntime(job.runtime);
  CheckMaskNames(job);
  CheckOutputs({{"--out", job.out, OutputKind::kFilledFolder}, {"--logits", job.logits.value_or("")}},
               {{"--images", job.images, InputKind::kPhotos}, {"--checkpoint", job.weights}});
  SegFormer model = LoadSegmenter(job.weights, job.segmenter, device);
  LoaderOptions loader_options = job.loader;
  loader_options.cache_megabytes = 0;  // each photo is seen once
  ViewOptions views = SegmenterViews(job.segmenter, /*with_masks=*/false, 0);
  views.fast_decoding = job.loader.fast_decoding();
  views.as_bytes = device.is_cuda();
  const PhotoDataset dataset(job.photos, job.images, {}, views);
  ClaimForAll(job, model);
  std::vector<char> there = FindMasks(dataset, job.out);
  AllProcesses().Barrier();  // before the first new one
  SegmentResult result;
  result.kept = std::count(there.begin(), there.end(), 1);
  if (job.logits) {
    there.assign(there.size(), 0);
    result.kept = 0;
  }
  Loader loader(dataset, OwnBatches(OpenBatches(there, job.batch_size), job.batch_size), job.batch_size,
                /*drop_last=*/false, loader_options, std::nullopt);

  std::vector<torch::Tensor> all_logits;
  std::vector<std::string> ids;
  Progress progress("segment", dataset.size(), "photos");
  progress.Update(result.kept);
  const auto start = std::chrono::steady_clock::now();
  const c10::InferenceMode inference;
  while (auto batch = loader.Next()) {
    torch::Tensor logits;
    {
      const AutocastGuard autocast(device, job.runtime.precision);
      MoveTo(device, *batch);
      logits = model->Forward(batch->pixels).to(torch::kCPU, torch::kFloat32);
    }
    const auto count = static_cast<std::int64_t>(batch->indices.size());
    std::atomic<std::int64_t> written = 0;
    at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
      const c10::InferenceMode inference_here;
      for (std::int64_t i = begin; i < end; ++i) {
        const auto k = static_cast<std::size_t>(i);
        const auto index = static_cast<std::size_t>(batch->indices[k]);
        if (there[index] != 0) continue;
        WriteMask(MaskPath(job.out, dataset.table().rows[index].id), UpsampleArgmax(logits[i], batch->photo_sizes[k]),
                  Durability::kUnsynced);
        ++written;
      }
    });
    result.written += written;
    if (job.logits) {
      all_logits.push_back(logits);
      for (const auto index : batch->indices) ids.push_back(dataset.table().rows[static_cast<std::size_t>(index)].id);
    }
    progress.Update(result.kept + result.written);
  }
  for (const auto& skipped : loader.skipped()) {
    spdlog::warn("segment: skipped: {}", skipped.reason);
    result.skipped.push_back(skipped.id);
  }
  AddOthers(result);
  if (result.written + result.kept == 0) {
    throw InputError("segment: not one photo of " + job.photos.path.string() + " could be read");
  }
  SyncFolder(job.out);  // once for all masks: one sync a mask would cost more than the network
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
