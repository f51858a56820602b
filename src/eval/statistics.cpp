#include "dualgeo/eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

// Percentiles 2.5 and 97.5 of the resampled values (nearest rank).
Interval Percentiles(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    const auto index = static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)));
    return values[index];
  };
  return {at(0.025), at(0.975)};
}

}  // namespace

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

double GeoScore(double error_km) { return 5000 * std::exp(-error_km / 1492.7); }

BootstrapIntervals Bootstrap(std::span<const double> errors_km, std::int64_t unanswered, int rounds,
                             std::uint64_t seed) {
  if (rounds < 1 || errors_km.size() + static_cast<std::size_t>(unanswered) == 0) {
    throw std::invalid_argument("bootstrap needs rounds and photos");
  }
  std::vector<double> sorted(errors_km.begin(), errors_km.end());
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> score(sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) score[i] = GeoScore(sorted[i]);
  const std::size_t answered = sorted.size();
  const std::size_t photos = answered + static_cast<std::size_t>(unanswered);

  std::vector<double> medians, means, scores;
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
  intervals.geoscore = Percentiles(scores);
  if (!means.empty()) {
    intervals.mean_km = Percentiles(means);
    intervals.median_km = Percentiles(medians);
  }
  return intervals;
}

}  // namespace dualgeo
