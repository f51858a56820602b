#include "eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"

namespace dualgeo {

Interval WilsonPercent(std::int64_t successes, std::int64_t count) {
  if (count == 0) return {0, 100};
  const auto n = static_cast<double>(count);
  return WilsonPercent(static_cast<double>(successes) / n, n, 1.959963984540054);
}

Interval WilsonPercent(double p, double n, double z) {
  const double scale = 1 / (1 + z * z / n);
  const double middle = scale * (p + z * z / (2 * n));
  const double half = scale * z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  // At 0 and n successes the end is 0 or 100 exactly, but for rounding.
  const double low = p == 0 ? 0 : std::max(0.0, middle - half);
  const double high = p == 1 ? 1 : std::min(1.0, middle + half);
  return {100 * low, 100 * high};
}

double Median(std::span<const double> values) {
  if (values.empty()) throw std::invalid_argument("median of no values");
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t n = sorted.size();
  return n % 2 == 1 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
}

double Quantile(std::span<const double> values, double share) {
  if (values.empty() || !(share >= 0 && share <= 1))
    throw std::invalid_argument("quantile of no values, or not a share");
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
}

Interval PercentileInterval(std::vector<double>& values) {
  if (values.empty()) throw std::invalid_argument("percentiles of no values");
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(0.025 * static_cast<double>(values.size() + 1));
  const std::size_t low = rank == 0 ? 0 : rank - 1;
  return {values[low], values[values.size() - 1 - low]};
}

double GeoScore(double error_km) { return 5000 * std::exp(-error_km / 1492.7); }

namespace {

// What is drawn in a resample: a photo, or a cluster of them.
struct DrawnUnits {
  std::vector<std::uint32_t> of_error;  // the unit of each error
  std::vector<std::uint32_t> photos;    // how many photos a unit has, answered or not
};

// The middle of the sorted errors, each taken as often as its unit was drawn; `count` of them in all.
double DrawnMedian(const std::vector<double>& sorted, const std::vector<std::uint32_t>& drawn, std::uint64_t count) {
  const std::uint64_t low_rank = (count + 1) / 2, high_rank = count / 2 + 1;
  std::uint64_t seen = 0;
  double low = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (seen < low_rank && seen + drawn[i] >= low_rank) low = sorted[i];
    seen += drawn[i];
    if (seen >= high_rank) return 0.5 * (low + sorted[i]);
  }
  return low;
}

// Resamples as many units as there are. Errors are sorted, so those within a threshold are the first so many.
BootstrapIntervals Resample(const std::vector<double>& sorted, const DrawnUnits& units, int rounds, std::uint64_t seed,
                            std::span<const double> thresholds_km) {
  std::vector<double> score(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) score[i] = GeoScore(sorted[i]);
  std::vector<std::size_t> within;
  for (const double threshold : thresholds_km) {
    within.push_back(
        static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), threshold) - sorted.begin()));
  }
  std::vector<double> medians, means, scores;
  std::vector<std::vector<double>> accuracies(within.size());
  std::vector<std::uint32_t> times(units.photos.size()), drawn(sorted.size());
  Random random(DeriveSeed(seed, "bootstrap"));
  for (int round = 0; round < rounds; ++round) {
    ThrowIfStopped();
    std::fill(times.begin(), times.end(), 0);
    std::uint64_t photos = 0;
    for (std::size_t i = 0; i < times.size(); ++i) {
      const std::uint64_t unit = random.Below(times.size());
      ++times[unit];
      photos += units.photos[unit];
    }
    std::uint64_t count = 0;
    double sum = 0, score_sum = 0;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      drawn[i] = times[units.of_error[i]];
      count += drawn[i];
      sum += drawn[i] * sorted[i];
      score_sum += drawn[i] * score[i];
    }
    scores.push_back(score_sum / static_cast<double>(photos));
    for (std::size_t t = 0; t < within.size(); ++t) {
      const auto hits = std::accumulate(drawn.begin(), drawn.begin() + static_cast<std::ptrdiff_t>(within[t]), 0U);
      accuracies[t].push_back(100 * hits / static_cast<double>(photos));
    }
    if (count == 0) continue;
    means.push_back(sum / static_cast<double>(count));
    medians.push_back(DrawnMedian(sorted, drawn, count));
  }
  BootstrapIntervals intervals;
  intervals.geoscore = PercentileInterval(scores);
  for (auto& resampled : accuracies) intervals.accuracy.push_back(PercentileInterval(resampled));
  if (!means.empty()) {
    intervals.mean_km = PercentileInterval(means);
    intervals.median_km = PercentileInterval(medians);
  }
  return intervals;
}

}  // namespace

BootstrapIntervals Bootstrap(std::span<const double> errors_km, std::int64_t unanswered, int rounds, std::uint64_t seed,
                             std::span<const double> thresholds_km) {
  if (rounds < 1 || errors_km.size() + static_cast<std::size_t>(unanswered) == 0) {
    throw std::invalid_argument("bootstrap needs rounds and photos");
  }
  std::vector<double> sorted(errors_km.begin(), errors_km.end());
  std::sort(sorted.begin(), sorted.end());
  DrawnUnits units;
  units.of_error.resize(sorted.size());
  std::iota(units.of_error.begin(), units.of_error.end(), 0U);
  units.photos.assign(sorted.size() + static_cast<std::size_t>(unanswered), 1);
  return Resample(sorted, units, rounds, seed, thresholds_km);
}

BootstrapIntervals ClusterBootstrap(std::span<const std::optional<double>> errors_km,
                                    std::span<const std::uint32_t> clusters, int rounds, std::uint64_t seed,
                                    std::span<const double> thresholds_km) {
  if (rounds < 1 || errors_km.empty() || errors_km.size() != clusters.size()) {
    throw std::invalid_argument("cluster bootstrap needs rounds, and a cluster for each photo");
  }
  // Clusters without a photo here are not drawn: those that have some are numbered anew.
  std::vector<std::uint32_t> numbers(*std::max_element(clusters.begin(), clusters.end()) + std::size_t{1}, UINT32_MAX);
  DrawnUnits units;
  std::vector<std::pair<double, std::uint32_t>> answered;
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    std::uint32_t& number = numbers[clusters[i]];
    if (number == UINT32_MAX) {
      number = static_cast<std::uint32_t>(units.photos.size());
      units.photos.push_back(0);
    }
    ++units.photos[number];
    if (errors_km[i]) answered.emplace_back(*errors_km[i], number);
  }
  std::sort(answered.begin(), answered.end());
  std::vector<double> sorted;
  for (const auto& [error, number] : answered) {
    sorted.push_back(error);
    units.of_error.push_back(number);
  }
  return Resample(sorted, units, rounds, seed, thresholds_km);
}

}  // namespace dualgeo
