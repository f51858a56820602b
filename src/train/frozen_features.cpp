#include "frozen_features.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

constexpr std::int64_t kBatch = 32;
constexpr std::int64_t kPhotosOfPart = 1024;

// Megabytes of what one photo leaves on the disk.
double MegabytesOf(const torch::Tensor& tokens, const torch::Tensor& mask) {
  const double numbers = static_cast<double>(tokens.numel() / tokens.size(0));
  return (2 * numbers + (mask.defined() ? static_cast<double>(mask.numel() / mask.size(0)) : 0)) / 1e6;
}

}  // namespace

FrozenFeatures::Part::Part(const std::filesystem::path& path) : file(path), tokens(file.View("tokens")) {
  rows = file.View("rows");
  if (file.Has("mask")) mask = file.View("mask");
  if (tokens.scalar_type() != torch::kBFloat16 || tokens.dim() != 3 || rows.scalar_type() != torch::kInt64 ||
      rows.dim() != 1 || rows.size(0) != tokens.size(0) ||
      (mask.defined() && (mask.scalar_type() != torch::kUInt8 || mask.dim() != 3 || mask.size(0) != tokens.size(0)))) {
    throw InputError(path.string() + ": holds no features of a frozen encoder");
  }
}

FrozenFeatures::FrozenFeatures(const PhotoDataset& dataset, const LoaderOptions& loader,
                               const std::filesystem::path& folder, const std::string& made_from,
                               std::vector<std::optional<std::uint64_t>> versions, const Encode& encode)
    : dataset_(dataset), seeds_(std::move(versions)) {
  PartsFolder parts(folder, made_from);  // locked while they are made
  for (std::size_t i = 0; i < parts.parts().size(); ++i) {
    try {
      const Part part(parts.parts()[i].file);
    } catch (const InputError& error) {
      spdlog::warn("{}; made again", error.what());
      parts.DropFrom(i);
    }
  }
  Make(parts, loader, encode);
  Open(parts.parts());
}

void FrozenFeatures::Make(PartsFolder& folder, const LoaderOptions& options, const Encode& encode) const {
  const std::int64_t photos = dataset_.size();
  const std::int64_t total = versions() * photos;
  if (folder.done() == total) return;
  const torch::InferenceMode inference;
  Progress progress("frozen features", total, "photos");
  progress.Update(folder.done());
  bool said = false;
  while (folder.done() < total) {
    const std::int64_t version = folder.done() / photos;
    const std::int64_t first = folder.done() % photos;
    std::vector<std::int64_t> order(static_cast<std::size_t>(std::min(kPhotosOfPart, photos - first)));
    std::iota(order.begin(), order.end(), first);
    Loader loader(dataset_, order, kBatch, /*drop_last=*/false, options, seeds_[static_cast<std::size_t>(version)]);
    std::vector<torch::Tensor> tokens, masks;
    std::vector<std::int64_t> rows;
    while (const auto batch = loader.Next()) {
      ThrowIfStopped();
      tokens.push_back(encode(*batch).to(torch::kCPU, torch::kBFloat16));
      if (batch->mask.defined()) masks.push_back(batch->mask);
      rows.insert(rows.end(), batch->indices.begin(), batch->indices.end());
      progress.Update(folder.done() + static_cast<std::int64_t>(rows.size()));
      if (!said) {
        const double size = MegabytesOf(tokens[0], batch->mask);
        spdlog::info("frozen features: {} photos in {} versions, {:.3g} MB each, {:.3g} GB in all", photos, versions(),
                     size, size * static_cast<double>(total) / 1000);
        said = true;
      }
    }
    for (const auto& photo : loader.skipped()) spdlog::warn("frozen features: left out {}", photo.reason);
    // A part of photos none of which could be read has no tokens to tell the shape by.
    if (tokens.empty()) tokens.push_back(torch::empty({0, 1, 1}, torch::kBFloat16));
    folder.Add(static_cast<std::int64_t>(order.size()), [&](const std::filesystem::path& file) {
      std::vector<std::pair<std::string, torch::Tensor>> tensors = {{"tokens", torch::cat(tokens)},
                                                                    {"rows", torch::tensor(rows, torch::kInt64)}};
      if (!masks.empty()) tensors.emplace_back("mask", torch::cat(masks));
      WriteSafetensors(file, tensors);
    });
  }
  progress.Finish();
}

void FrozenFeatures::Open(const std::vector<PartsFolder::Part>& parts) {
  const std::int64_t photos = dataset_.size();
  places_.resize(static_cast<std::size_t>(versions() * photos));
  for (const auto& kept : parts) {
    const Part& part = parts_.emplace_back(kept.file);
    const std::int64_t version = kept.first / photos;
    const auto* rows = part.rows.data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < part.rows.numel(); ++i) {
      if (rows[i] < 0 || rows[i] >= photos) throw InputError(kept.file.string() + ": holds rows of another table");
      places_[static_cast<std::size_t>(version * photos + rows[i])] = {static_cast<std::int32_t>(parts_.size() - 1),
                                                                       static_cast<std::int32_t>(i)};
    }
  }
}

std::optional<Batch> FrozenFeatures::Get(std::int64_t version, std::span<const std::int64_t> rows) const {
  Batch batch;
  std::vector<torch::Tensor> tokens, masks;
  std::vector<double> latlon;
  for (const std::int64_t row : rows) {
    const Place& place = PlaceOf(version, row);
    if (place.part < 0) continue;
    const Part& part = parts_[static_cast<std::size_t>(place.part)];
    tokens.push_back(part.tokens.select(0, place.row));
    if (part.mask.defined()) masks.push_back(part.mask.select(0, place.row));
    batch.indices.push_back(row);
    const auto& location = Photo(row).location;
    latlon.push_back(location ? location->lat : std::nan(""));
    latlon.push_back(location ? location->lon : std::nan(""));
  }
  if (batch.indices.empty()) return std::nullopt;
  batch.tokens = torch::stack(tokens).to(torch::kFloat32);
  if (!masks.empty()) batch.mask = torch::stack(masks);
  batch.latlon = torch::tensor(latlon, torch::kFloat64).view({-1, 2});
  return batch;
}

std::int64_t FrozenFeatures::VersionOf(const std::optional<std::uint64_t>& seed) const {
  const auto found = std::ranges::find(seeds_, seed);
  if (found == seeds_.end()) throw Error("frozen features: no version has this augmentation");
  return found - seeds_.begin();
}

FrozenReader::FrozenReader(const FrozenFeatures& features, std::optional<std::uint64_t> augmentation_seed,
                           std::vector<std::int64_t> order, std::int64_t batch_size, bool drop_last)
    : features_(features),
      version_(features.VersionOf(augmentation_seed)),
      order_(std::move(order)),
      batch_size_(static_cast<std::size_t>(batch_size)) {
  if (drop_last) order_.resize(order_.size() / batch_size_ * batch_size_);
}

std::optional<Batch> FrozenReader::Next() {
  while (at_ < order_.size()) {
    const auto rows = std::span(order_).subspan(at_, std::min(batch_size_, order_.size() - at_));
    for (const std::int64_t row : rows) {
      if (features_.Has(version_, row)) continue;
      const std::string& id = features_.Photo(row).id;
      skipped_.push_back({row, id, Printable(id) + ": has no frozen features, since it could not be read"});
    }
    auto batch = features_.Get(version_, rows);
    at_ += rows.size();
    if (batch) return batch;
  }
  return std::nullopt;
}

}  // namespace dualgeo
