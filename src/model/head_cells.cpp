#include "head_cells.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "dualgeo/util/error.h"
#include "head_kinds.h"

namespace dualgeo {
namespace {

constexpr std::int64_t kNoCell = -100;  // what cross_entropy passes over
constexpr double kPigeonRadiusKm = 6378.137;

std::string OutputName(std::size_t partition) { return "cells_" + std::to_string(partition); }

// Great circles between a [N, 2] and b [M, 2] in degrees: km, [N, M].
torch::Tensor HaversineKm(const torch::Tensor& a, const torch::Tensor& b) {
  const auto radians = std::numbers::pi / 180;
  const auto lat1 = (a.select(1, 0) * radians).unsqueeze(1), lon1 = (a.select(1, 1) * radians).unsqueeze(1);
  const auto lat2 = (b.select(1, 0) * radians).unsqueeze(0), lon2 = (b.select(1, 1) * radians).unsqueeze(0);
  const auto h = torch::sin((lat2 - lat1) / 2).square() +
                 torch::cos(lat1) * torch::cos(lat2) * torch::sin((lon2 - lon1) / 2).square();
  return 2 * kPigeonRadiusKm * torch::asin(h.clamp(0, 1).sqrt());
}

}  // namespace

CellsHeadImpl::CellsHeadImpl(const ModelOptions& model) : options_(model.cells) {
  for (std::size_t i = 0; i < options_.partitions.size(); ++i) {
    const Partition& partition = partitions_.emplace_back(Partition::Read(options_.partitions[i]));
    const auto& cells = partition.cells();
    const auto count = std::ssize(cells);
    auto ids = torch::empty({count}, torch::kInt64);
    auto means = torch::empty({count, 2}, torch::kFloat64);
    for (std::int64_t cell = 0; cell < count; ++cell) {
      const PartitionCell& one = cells[static_cast<std::size_t>(cell)];
      ids[cell] = static_cast<std::int64_t>(std::ranges::min(one.area).id());
      means[cell][0] = one.mean.lat;
      means[cell][1] = one.mean.lon;
    }
    means_.push_back(means);
    classifiers_.push_back(register_module(OutputName(i), Linear(model.embed_dim, count)));
    ids_.push_back(register_buffer(OutputName(i) + "_ids", ids));
  }
}

void CellsHeadImpl::Initialise(std::uint64_t seed) {
  for (std::size_t i = 0; i < classifiers_.size(); ++i) InitialisePart(seed, OutputName(i).c_str(), classifiers_[i]);
}

torch::Tensor CellsHeadImpl::Kept(const ViewFeatures& features) { return PhotoVector(features, options_.vector); }

NamedTensors CellsHeadImpl::Forward(const ViewFeatures& features, const Targets&) {
  NamedTensors outputs;
  for (auto& classifier : classifiers_) outputs.emplace_back(OutputName(outputs.size()), classifier(Kept(features)));
  return outputs;
}

std::vector<torch::Tensor> CellsHeadImpl::PlaceLogits(const torch::Tensor& kept) {
  std::vector<torch::Tensor> logits;
  for (auto& classifier : classifiers_) logits.push_back(classifier(kept));
  return logits;
}

// The class of each photo, [N] int64, on the CPU.
torch::Tensor CellsHeadImpl::Labels(std::size_t partition, const torch::Tensor& latlon) const {
  const auto places = latlon.to(torch::kCPU, torch::kFloat64).contiguous();
  const auto values = places.accessor<double, 2>();
  auto labels = torch::full({places.size(0)}, kNoCell, torch::kInt64);
  for (std::int64_t i = 0; i < places.size(0); ++i) {
    const auto hit = partitions_[partition].Find(LatLon{values[i][0], values[i][1]});
    if (hit) labels[i] = static_cast<std::int64_t>(hit->cell);
  }
  return labels;
}

// How much each cell counts for each photo, [N, cells].
torch::Tensor CellsHeadImpl::SmoothLabels(std::size_t partition, const torch::Tensor& latlon,
                                          const torch::Tensor& own) const {
  const auto km = HaversineKm(latlon.to(own.device(), torch::kFloat64, /*non_blocking=*/true),
                              means_[partition].to(own.device(), /*non_blocking=*/true));
  const auto from = options_.smooth_from == "own" ? km.gather(1, own.clamp_min(0).unsqueeze(1)) : km.amin(1, true);
  return torch::exp(-(km - from) / options_.tau_km);
}

TrainingLoss CellsHeadImpl::Loss(const NamedTensors& outputs, const Targets& targets) {
  TrainingLoss loss;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const double weight = options_.weights.empty() ? 1 : options_.weights[i];
    if (weight == 0) continue;
    const auto& [name, logits] = outputs[i];
    const auto labels = Labels(i, targets.latlon).to(logits.device(), /*non_blocking=*/true);
    const auto inside = labels != kNoCell;
    torch::Tensor term;
    if (options_.labels == "haversine") {
      const auto smooth = SmoothLabels(i, targets.latlon, labels).to(logits.scalar_type());
      const auto each = -(smooth * torch::log_softmax(logits, 1)).sum(1);
      term = (each * inside).sum() / inside.sum().clamp_min(1);
    } else {
      // The sum, so that a batch of photos in no cell gives 0 and not 0 / 0.
      term = torch::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum, kNoCell) / inside.sum().clamp_min(1);
    }
    loss.details.emplace_back(name, term);
    loss.total = loss.total.defined() ? loss.total + weight * term : weight * term;
  }
  return loss;
}

NamedTensors CellsHeadImpl::Places(const NamedTensors& outputs, const Targets&) {
  return {{"cell_mean", means_.back().index_select(0, outputs.back().second.argmax(1).cpu())}};
}

void CellsHeadImpl::CheckLoaded() const {
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    const auto& cells = partitions_[i].cells();
    const auto ids = ids_[i].cpu();
    for (std::int64_t cell = 0; cell < ids.size(0); ++cell) {
      const auto own = static_cast<std::int64_t>(std::ranges::min(cells[static_cast<std::size_t>(cell)].area).id());
      if (ids[cell].item<std::int64_t>() == own) continue;
      throw InputError(options_.partitions[i] + ": not the partition that the checkpoint was trained on: class " +
                       std::to_string(cell) + " is another cell");
    }
  }
}

std::shared_ptr<HeadImpl> MakeCellsHead(const ModelOptions& model, const LossOptions&) {
  return std::make_shared<CellsHeadImpl>(model);
}

}  // namespace dualgeo
