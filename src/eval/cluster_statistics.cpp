#include "eval/cluster_statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "eval/statistics.h"

namespace dualgeo {
namespace {

double StudentQuantile(double degrees) {
  return boost::math::quantile(boost::math::complement(boost::math::students_t(degrees), 0.025));
}

struct ClusterSizes {
  double photos = 0, squares = 0;  // sum of n, of n^2
};

// The correlation of two photos of one cluster. sums: of each cluster's deviations from the mean, sizes: its photos;
// variance: of a photo. Solves E[sum of w e^2] = s^2 (a0 + a1 r) for r, where taking the mean from the same photos
// lessens both e and the variance.
double Correlation(const std::vector<double>& sums, const std::vector<double>& sizes, const ClusterSizes& all,
                   double variance) {
  const double pairs = all.squares - all.photos;
  double weighted = 0, alone = 0, together = 0;
  for (std::size_t g = 0; g < sums.size(); ++g) {
    const double n = sizes[g], share = n / all.photos, weight = 1 / std::sqrt(n);
    weighted += weight * sums[g] * sums[g];
    alone += weight * (n - 2 * share * n + share * share * all.photos);
    together += weight * (n * (n - 1) * (1 - 2 * share) + share * share * pairs);
  }
  weighted /= variance;
  const double scale = together + weighted * pairs / (all.photos * all.photos);
  return scale <= 0 ? 0 : (weighted * (1 - 1 / all.photos) - alone) / scale;
}

}  // namespace

ClusterMean MeanOverClusters(std::span<const double> values, std::span<const std::uint32_t> clusters) {
  if (values.empty() || values.size() != clusters.size()) {
    throw std::invalid_argument("a mean over clusters needs values, and the cluster of each");
  }
  constexpr double kUnseen = 0.1, kLeastEffect = 0.5;
  ClusterMean result;
  result.count = values.size();
  const auto photos = static_cast<double>(values.size());
  result.mean = std::accumulate(values.begin(), values.end(), 0.0) / photos;
  const std::size_t numbers = std::size_t{1} + *std::ranges::max_element(clusters);
  std::vector<double> sums(numbers), sizes(numbers);
  double variance = 0, largest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double deviation = values[i] - result.mean;
    sums[clusters[i]] += deviation;
    sizes[clusters[i]] += 1;
    variance += deviation * deviation / photos;
    largest = std::max(largest, std::abs(values[i]));
  }
  ClusterSizes all;
  std::size_t used = 0;  // numbers without a photo are passed over
  for (std::size_t g = 0; g < numbers; ++g) {
    if (sizes[g] == 0) continue;
    all.photos += sizes[g];
    all.squares += sizes[g] * sizes[g];
    sums[used] = sums[g];
    sizes[used] = sizes[g];
    ++used;
  }
  sums.resize(used);
  sizes.resize(used);
  const double pairs_each = all.squares / photos - 1;
  const bool differ = std::sqrt(variance) > 1e-12 * largest;
  result.correlation = pairs_each == 0 ? 0 : differ ? Correlation(sums, sizes, all, variance) : kUnseen;
  result.design_effect = std::clamp(1 + result.correlation * pairs_each, kLeastEffect, 1 + pairs_each);
  result.standard_error = differ ? std::sqrt(variance / photos * result.design_effect) : 0;
  result.degrees = photos * photos / all.squares - 1;
  return result;
}

std::optional<Interval> MeanInterval(const ClusterMean& mean) {
  if (!mean.HasInterval()) return std::nullopt;
  const double half = mean.standard_error * StudentQuantile(mean.degrees);
  return Interval{mean.mean - half, mean.mean + half};
}

Interval SharePercentInterval(const ClusterMean& share) {
  if (!share.HasInterval()) return {0, 100};
  return WilsonPercent(share.mean, share.EffectiveCount(), StudentQuantile(share.degrees));
}

std::optional<Interval> MedianInterval(std::span<const double> values, std::span<const std::uint32_t> clusters) {
  const double median = Median(values);
  std::vector<double> below;
  below.reserve(values.size());
  for (const double value : values) below.push_back(value < median ? 1 : value == median ? 0.5 : 0);
  ClusterMean share = MeanOverClusters(below, clusters);
  if (!share.HasInterval()) return std::nullopt;
  share.mean = 0.5;
  const Interval percent = SharePercentInterval(share);
  return Interval{Quantile(values, percent.low / 100), Quantile(values, percent.high / 100)};
}

void SetClusterIntervals(GroupAccuracy& group, std::span<const std::optional<double>> errors_km,
                         std::span<const std::uint32_t> clusters) {
  if (errors_km.empty()) return;
  std::vector<double> hits(errors_km.size());
  for (auto& accuracy : group.accuracy) {
    std::ranges::transform(errors_km, hits.begin(), [&](const std::optional<double>& error) {
      return error && *error < accuracy.threshold_km ? 1.0 : 0.0;
    });
    const ClusterMean share = MeanOverClusters(hits, clusters);
    accuracy.ci95 = SharePercentInterval(share);
    accuracy.design_effect = share.design_effect;
  }
}

double ClusterHitTest(std::span<const double> hits, const PhotoClusters& clusters, int rounds, std::uint64_t seed) {
  return PermutationTest(ClusterSums(hits, clusters), rounds, seed, Ties::kHalf).p_value;
}

}  // namespace dualgeo
