#include "dualgeo/eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "dualgeo/util/random.h"

namespace dualgeo {

Interval WilsonPercent(std::int64_t successes, std::int64_t count) {
  if (count == 0) return {0, 100};
  constexpr double kZ = 1.959963984540054;
  const auto n = static_cast<double>(count);
  const double p = static_cast<double>(successes) / n;
  const double scale = 1 / (1 + kZ * kZ / n);
  const double middle = scale * (p + kZ * kZ / (2 * n));
  const double half = scale * kZ * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  // At 0 and n successes the end is 0 or 100 exactly, but for rounding.
  const double low = successes == 0 ? 0 : std::max(0.0, middle - half);
  const double high = successes == count ? 1 : std::min(1.0, middle + half);
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

BootstrapIntervals Bootstrap(std::span<const double> errors_km, std::int64_t unanswered, int rounds, std::uint64_t seed,
                             std::span<const double> thresholds_km) {
  if (rounds < 1 || errors_km.size() + static_cast<std::size_t>(unanswered) == 0) {
    throw std::invalid_argument("bootstrap needs rounds and photos");
  }
  std::vector<double> sorted(errors_km.begin(), errors_km.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> score(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) score[i] = GeoScore(sorted[i]);
  // Errors are sorted, so those within a threshold are the first so many.
  std::vector<std::size_t> within;
  for (const double threshold : thresholds_km) {
    within.push_back(
        static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), threshold) - sorted.begin()));
  }
  const std::size_t answered = sorted.size();
  const std::size_t photos = answered + static_cast<std::size_t>(unanswered);

  std::vector<double> medians, means, scores;
  std::vector<std::vector<double>> accuracies(within.size());
  std::vector<std::uint32_t> drawn(answered);  // how often each answered photo is in the resample
  Random random(DeriveSeed(seed, "bootstrap"));
  for (int round = 0; round < rounds; ++round) {
    std::fill(drawn.begin(), drawn.end(), 0);
    for (std::size_t i = 0; i < photos; ++i) {
      const std::uint64_t photo = random.Below(photos);
      if (photo < answered) ++drawn[photo];
    }
    std::uint64_t count = 0;
    double sum = 0, score_sum = 0;
    for (std::size_t i = 0; i < answered; ++i) {
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
    // Errors are sorted, so the middle ones are found by counting.
    const std::uint64_t low_rank = (count + 1) / 2, high_rank = count / 2 + 1;
    std::uint64_t seen = 0;
    double low = 0;
    for (std::size_t i = 0; i < answered; ++i) {
      if (seen < low_rank && seen + drawn[i] >= low_rank) low = sorted[i];
      seen += drawn[i];
      if (seen >= high_rank) {
        medians.push_back(0.5 * (low + sorted[i]));
        break;
      }
    }
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

}  // namespace dualgeo
