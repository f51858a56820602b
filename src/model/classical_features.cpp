#include "model/classical_features.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "model/ade_colors.h"

namespace dualgeo {
namespace {

constexpr int kOrientations = 6;
constexpr int kFilterSide = 13;

// [12, 1, 13, 13]: even and odd of each orientation, one behind the other; no response to what is uniform, and at most
// about 1 to what swings from 0 to 1 (the sum of absolute values is 2).
torch::Tensor GaborFilters() {
  auto filters = torch::empty({2 * kOrientations, 1, kFilterSide, kFilterSide}, torch::kFloat64);
  auto values = filters.accessor<double, 4>();
  constexpr double kWavelength = 4, kSigma = 2;
  constexpr int kRadius = kFilterSide / 2;
  for (int i = 0; i < 2 * kOrientations; ++i) {
    const double angle = std::numbers::pi * (i / 2) / kOrientations;
    for (int y = -kRadius; y <= kRadius; ++y) {
      for (int x = -kRadius; x <= kRadius; ++x) {
        const double u = 2 * std::numbers::pi * (x * std::cos(angle) + y * std::sin(angle)) / kWavelength;
        values[i][0][y + kRadius][x + kRadius] =
            std::exp(-(x * x + y * y) / (2 * kSigma * kSigma)) * (i % 2 == 0 ? std::cos(u) : std::sin(u));
      }
    }
    const auto envelope = filters[i].abs().sum();
    filters[i].sub_(filters[i].mean());
    filters[i].mul_(2 / envelope);
  }
  return filters.to(torch::kFloat32);
}

torch::Tensor CellMeans(const torch::Tensor& map, std::int64_t side) {
  return torch::adaptive_avg_pool2d(map, {side, side}).flatten(1);
}

// Counts of indices [N, ...] below `bins`, as shares.
torch::Tensor Histogram(const torch::Tensor& indices, std::int64_t bins) {
  std::vector<torch::Tensor> rows;
  for (const auto& one : indices.unbind(0)) {
    rows.push_back(torch::bincount(one.flatten(), {}, bins).to(torch::kFloat32) / static_cast<double>(one.numel()));
  }
  return torch::stack(rows);
}

// The class of each row: that of the nearest centre.
torch::Tensor NearestCenters(const torch::Tensor& rows, const torch::Tensor& centers) {
  std::vector<torch::Tensor> nearest;
  const auto norms = centers.square().sum(1);
  for (const auto& block : rows.split(8192)) nearest.push_back((norms - 2 * block.matmul(centers.t())).argmin(1));
  return torch::cat(nearest);
}

// 0 ground, 1 vertical, 2 sky, 3 vegetation, 4 none, by class id.
std::array<std::int64_t, 256> LayoutGroups() {
  std::array<std::int64_t, 256> groups;
  groups.fill(4);
  std::fill_n(groups.begin(), kAdeClasses, 1);
  // floor, road, sidewalk, earth, water, sea, rug, sand, path, runway, river, dirt track, land, swimming pool, stage,
  // lake
  for (const int id : {3, 6, 11, 13, 21, 26, 28, 46, 52, 54, 60, 91, 94, 101, 109, 128}) {
    groups[static_cast<std::size_t>(id)] = 0;
  }
  groups[2] = 2;
  for (const int id : {4, 9, 17, 29, 66, 72})
    groups[static_cast<std::size_t>(id)] = 3;  // tree, grass, plant, field ...
  return groups;
}

}  // namespace

torch::Tensor TinyImage(const torch::Tensor& photos) { return CellMeans(photos, 16); }

torch::Tensor InLab(const torch::Tensor& photos) {
  const auto linear = torch::where(photos <= 0.04045, photos / 12.92, ((photos + 0.055) / 1.055).pow(2.4));
  // sRGB to XYZ over the white of D65.
  const auto matrix = torch::tensor({{0.412453F / 0.950456F, 0.357580F / 0.950456F, 0.180423F / 0.950456F},
                                     {0.212671F, 0.715160F, 0.072169F},
                                     {0.019334F / 1.088754F, 0.119193F / 1.088754F, 0.950227F / 1.088754F}})
                          .to(photos.device());
  const auto xyz = torch::einsum("ij,njhw->nihw", {matrix, linear});
  const auto f = torch::where(xyz > 216.0 / 24389, xyz.clamp_min(0).pow(1.0 / 3), (24389.0 / 27 * xyz + 16) / 116);
  const auto x = f.select(1, 0), y = f.select(1, 1), z = f.select(1, 2);
  return torch::stack({116 * y - 16, 500 * (x - y), 200 * (y - z)}, 1);
}

torch::Tensor ColorHistogram(const torch::Tensor& lab) {
  const auto bin = [](const torch::Tensor& values, double low, double width, int bins) {
    return ((values - low) / width).floor().clamp(0, bins - 1).to(torch::kInt64);
  };
  const auto l = bin(lab.select(1, 0), 0, 25, 4);
  const auto a = bin(lab.select(1, 1), -110, 220.0 / 14, 14), b = bin(lab.select(1, 2), -110, 220.0 / 14, 14);
  return Histogram((l * 14 + a) * 14 + b, 4 * 14 * 14);
}

std::vector<torch::Tensor> FilterResponses(const torch::Tensor& lab) {
  const auto filters = GaborFilters().to(lab.device());
  auto grey = torch::avg_pool2d(lab.slice(1, 0, 1) / 100, 2);
  std::vector<torch::Tensor> responses;
  for (int scale = 0; scale < 4; ++scale) {
    const std::vector<std::int64_t> border(4, kFilterSide / 2);
    responses.push_back(torch::conv2d(torch::reflection_pad2d(grey, border), filters));
    grey = torch::avg_pool2d(grey, 2);
  }
  return responses;
}

torch::Tensor TextonResponses(const std::vector<torch::Tensor>& responses) {
  const auto fine = responses[0];
  const auto coarse = responses[1].repeat_interleave(2, 2).repeat_interleave(2, 3);
  const auto all = torch::cat({fine, coarse}, 1);
  const auto size = all.norm(2, {1}, true).clamp_min(1e-12);
  return all * (torch::log1p(size / 0.03) / size);
}

torch::Tensor LearnTextons(const torch::Tensor& samples, std::int64_t count, std::uint64_t seed) {
  if (samples.size(0) < count) {
    throw InputError("model.image_encoder.type: classical: the photos give " + std::to_string(samples.size(0)) +
                     " samples of texture, too few for " + std::to_string(count) + " textons");
  }
  std::vector<std::int64_t> order(static_cast<std::size_t>(samples.size(0)));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  Random random(DeriveSeed(seed, "textons"));
  random.Shuffle(order);
  order.resize(static_cast<std::size_t>(count));
  auto centers = samples.index_select(0, torch::tensor(order, torch::kInt64).to(samples.device()));
  const auto ones = torch::ones({samples.size(0)}, samples.options());
  for (int round = 0; round < 20; ++round) {
    const auto nearest = NearestCenters(samples, centers);
    const auto sums = torch::zeros_like(centers).index_add(0, nearest, samples);
    const auto members = torch::zeros({count}, samples.options()).index_add(0, nearest, ones).unsqueeze(1);
    // One that is nobody's nearest stays where it is.
    centers = torch::where(members > 0, sums / members.clamp_min(1), centers);
  }
  return centers;
}

torch::Tensor TextonHistogram(const torch::Tensor& texton_responses, const torch::Tensor& textons) {
  const auto photos = texton_responses.size(0);
  const auto rows = texton_responses.permute({0, 2, 3, 1}).reshape({-1, texton_responses.size(1)});
  return Histogram(NearestCenters(rows, textons).view({photos, -1}), textons.size(0));
}

torch::Tensor Gist(const std::vector<torch::Tensor>& responses) {
  std::vector<torch::Tensor> scales;
  for (const auto& one : responses) {
    const auto pairs = one.view({one.size(0), kOrientations, 2, one.size(2), one.size(3)});
    scales.push_back(CellMeans(pairs.square().sum(2).sqrt(), 5));
  }
  return torch::cat(scales, 1);
}

torch::Tensor GistColors(const torch::Tensor& lab) { return CellMeans(lab, 5) / 100; }

torch::Tensor LineAngles(const std::vector<LineSegment>& segments) {
  auto histogram = torch::zeros({18});
  for (const auto& segment : segments) {
    histogram[std::min(17, static_cast<int>(segment.angle / 10))] += segment.length;
  }
  return histogram / histogram.sum().clamp_min(1e-6);
}

torch::Tensor LineLengths(const std::vector<LineSegment>& segments, std::int64_t side) {
  auto histogram = torch::zeros({8});
  for (const auto& segment : segments) {
    const double octaves = std::log2(segment.length * 256 / static_cast<double>(side) / 8);
    histogram[std::clamp(static_cast<int>(2 * octaves), 0, 7)] += 1;
  }
  return histogram / histogram.sum().clamp_min(1);
}

torch::Tensor Layout(const torch::Tensor& mask) {
  const auto groups = LayoutGroups();
  const auto table = torch::tensor(std::vector<std::int64_t>(groups.begin(), groups.end()), torch::kInt64);
  const auto ids = mask.flatten().to(torch::kInt64);
  const auto group = table.to(mask.device()).index_select(0, ids).view(mask.sizes());
  const auto shares = torch::one_hot(group, 5).slice(3, 0, 4).permute({0, 3, 1, 2}).to(torch::kFloat32);
  return CellMeans(shares, 8);
}

}  // namespace dualgeo
