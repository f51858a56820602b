#include "eval/significance.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"
#include "eval/cluster_statistics.h"
#include "eval/statistics.h"

namespace dualgeo {
namespace {

// The error at which half of the resample is reached; orders[i] are photos by rising error.
double ResampledMedian(const std::vector<double>& errors, const std::vector<std::uint32_t>& order,
                       const std::vector<std::uint32_t>& drawn) {
  const std::uint64_t count = std::accumulate(drawn.begin(), drawn.end(), std::uint64_t{0});
  const std::uint64_t low_rank = (count + 1) / 2, high_rank = count / 2 + 1;
  std::uint64_t seen = 0;
  double low = 0;
  for (const std::uint32_t photo : order) {
    const std::uint64_t next = seen + drawn[photo];
    if (seen < low_rank && next >= low_rank) low = errors[photo];
    if (next >= high_rank) return 0.5 * (low + errors[photo]);
    seen = next;
  }
  return low;
}

// Per photo and method: share of the runs within each threshold, GeoScore, distance. a's minus b's.
class PairedValues {
 public:
  PairedValues(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b,
               std::span<const double> thresholds)
      : photos_(a.front().size()), width_(thresholds.size() + 2), values_(photos_ * width_) {
    Add(a, thresholds, 1.0 / static_cast<double>(a.size()));
    Add(b, thresholds, -1.0 / static_cast<double>(b.size()));
  }

  std::size_t width() const { return width_; }

  // One measure of each photo.
  std::vector<double> OfPhotos(std::size_t measure) const {
    std::vector<double> column(photos_);
    for (std::size_t photo = 0; photo < photos_; ++photo) column[photo] = values_[photo * width_ + measure];
    return column;
  }

  // Means over the photos, each taken as often as it was drawn.
  void Means(const std::vector<std::uint32_t>& drawn, std::vector<double>& means) const {
    std::fill(means.begin(), means.end(), 0.0);
    std::uint64_t count = 0;
    for (std::size_t photo = 0; photo < photos_; ++photo) {
      if (drawn[photo] == 0) continue;
      const double weight = drawn[photo];
      count += drawn[photo];
      const double* row = &values_[photo * width_];
      for (std::size_t m = 0; m < width_; ++m) means[m] += weight * row[m];
    }
    for (double& mean : means) mean /= static_cast<double>(count);
  }

 private:
  void Add(const std::vector<std::vector<double>>& runs, std::span<const double> thresholds, double weight) {
    for (const auto& errors : runs) {
      for (std::size_t photo = 0; photo < photos_; ++photo) {
        double* row = &values_[photo * width_];
        for (std::size_t t = 0; t < thresholds.size(); ++t) {
          row[t] += errors[photo] < thresholds[t] ? 100 * weight : 0;
        }
        row[width_ - 2] += weight * GeoScore(errors[photo]);
        row[width_ - 1] += weight * std::min(errors[photo], kFarthestKm);
      }
    }
  }

  std::size_t photos_, width_;
  std::vector<double> values_;
};

// The runs' medians, averaged.
class Medians {
 public:
  explicit Medians(const std::vector<std::vector<double>>& runs) : runs_(runs) {
    for (const auto& errors : runs) {
      std::vector<std::uint32_t> order(errors.size());
      std::iota(order.begin(), order.end(), 0U);
      std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) { return errors[i] < errors[j]; });
      orders_.push_back(std::move(order));
    }
  }
  double Mean(const std::vector<std::uint32_t>& drawn) const {
    double sum = 0;
    for (std::size_t run = 0; run < runs_.size(); ++run) sum += ResampledMedian(runs_[run], orders_[run], drawn);
    return sum / static_cast<double>(runs_.size());
  }

 private:
  const std::vector<std::vector<double>>& runs_;
  std::vector<std::vector<std::uint32_t>> orders_;
};

// Both infinite: half of neither method's photos is answered, so that there is no difference to speak of.
double MedianDifference(double a, double b) { return a == b ? 0 : a - b; }

}  // namespace

std::vector<double> ErrorsOrNoAnswer(const Evaluation& evaluation) {
  std::vector<double> errors;
  errors.reserve(evaluation.photos.size());
  for (const auto& photo : evaluation.photos) errors.push_back(photo.error_km.value_or(kNoAnswer));
  return errors;
}

double McNemarExact(std::int64_t only_a, std::int64_t only_b) {
  if (only_a < 0 || only_b < 0) throw std::invalid_argument("counts of photos cannot be negative");
  const std::int64_t n = only_a + only_b;
  if (only_a == only_b) return 1;  // of which 0, 0 is one case
  const boost::math::binomial_distribution<double> fair(static_cast<double>(n), 0.5);
  return std::min(1.0, 2 * boost::math::cdf(fair, static_cast<double>(std::min(only_a, only_b))));
}

Discordant CountDiscordant(std::span<const double> a, std::span<const double> b, double threshold_km) {
  if (a.size() != b.size()) throw std::invalid_argument("errors of different numbers of photos");
  Discordant count;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool in_a = a[i] < threshold_km, in_b = b[i] < threshold_km;
    count.only_a += in_a && !in_b ? 1 : 0;
    count.only_b += in_b && !in_a ? 1 : 0;
  }
  return count;
}

std::vector<double> DistanceDifferences(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) throw std::invalid_argument("errors of different numbers of photos");
  std::vector<double> differences(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    differences[i] = std::min(a[i], kFarthestKm) - std::min(b[i], kFarthestKm);
  }
  return differences;
}

namespace {

// Counts patterns whose sum is farther off than the one observed, and as far.
class ExtremeSums {
 public:
  // Sums that are equal but for the order of addition count as equal.
  ExtremeSums(double total, double size, Ties ties) : total_(std::abs(total)), slack_(1e-12 * size), ties_(ties) {}

  void Add(double sum) {
    farther_ += std::abs(sum) > total_ + slack_ ? 1 : 0;
    reached_ += std::abs(sum) >= total_ - slack_ ? 1 : 0;
  }
  double Count() const {
    const auto reached = static_cast<double>(reached_);
    return ties_ == Ties::kWhole ? reached : 0.5 * (reached + static_cast<double>(farther_));
  }
  // What the observed pattern itself counts.
  double Observed() const { return ties_ == Ties::kWhole ? 1 : 0.5; }

 private:
  double total_, slack_;
  Ties ties_;
  std::int64_t farther_ = 0, reached_ = 0;
};

}  // namespace

Permutation PermutationTest(std::span<const double> differences, int rounds, std::uint64_t seed, Ties ties) {
  if (differences.empty() || rounds < 1) throw std::invalid_argument("permutation test needs differences and rounds");
  std::vector<double> values;  // that have a sign to flip
  double total = 0, size = 0;
  for (const double difference : differences) {
    if (difference == 0) continue;
    values.push_back(difference);
    total += difference;
    size += std::abs(difference);
  }
  Permutation result;
  result.mean_difference = total / static_cast<double>(differences.size());
  const std::size_t n = values.size();
  result.exact = n < 31 && (std::int64_t{1} << n) <= rounds;
  if (n == 0) return result;
  ExtremeSums extreme(total, size, result.exact ? Ties::kWhole : ties);
  if (result.exact) {
    const auto patterns = std::int64_t{1} << n;
    for (std::int64_t pattern = 0; pattern < patterns; ++pattern) {
      ThrowIfStopped();
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += (pattern >> i & 1) != 0 ? -values[i] : values[i];
      extreme.Add(sum);
    }
    result.p_value = extreme.Count() / static_cast<double>(patterns);
    return result;
  }
  Random random(DeriveSeed(seed, "permutation"));
  for (int round = 0; round < rounds; ++round) {
    ThrowIfStopped();
    double flipped = 0;
    for (std::size_t begin = 0; begin < n; begin += 64) {
      const std::uint64_t bits = random.Next();
      const std::size_t end = std::min(n, begin + 64);
      for (std::size_t i = begin; i < end; ++i) flipped += values[i] * static_cast<double>(bits >> (i - begin) & 1);
    }
    extreme.Add(total - 2 * flipped);
  }
  result.p_value = (extreme.Count() + extreme.Observed()) / static_cast<double>(rounds + 1);
  return result;
}

std::vector<double> ClusterSums(std::span<const double> values, const PhotoClusters& clusters) {
  if (values.size() != clusters.of_photo.size()) throw std::invalid_argument("clusters of another number of photos");
  std::vector<double> sums(clusters.count, 0.0);
  for (std::size_t i = 0; i < values.size(); ++i) sums[clusters.of_photo[i]] += values[i];
  return sums;
}

std::vector<double> HitDifferences(std::span<const double> a, std::span<const double> b, double threshold_km) {
  if (a.size() != b.size()) throw std::invalid_argument("errors of different numbers of photos");
  std::vector<double> differences(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    differences[i] = (a[i] < threshold_km ? 1 : 0) - (b[i] < threshold_km ? 1 : 0);
  }
  return differences;
}

std::vector<double> HitDifferences(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b,
                                   double threshold_km) {
  std::vector<double> sums(a.front().size());
  for (std::size_t run = 0; run < a.size(); ++run) {
    const auto differences = HitDifferences(std::span(a[run]), std::span(b[run]), threshold_km);
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += differences[i];
  }
  return sums;
}

double MeanAccuracy(const std::vector<std::vector<double>>& runs, double threshold_km) {
  double sum = 0;
  for (const auto& run : runs) {
    const auto within = std::ranges::count_if(run, [&](double error) { return error < threshold_km; });
    sum += 100.0 * static_cast<double>(within) / static_cast<double>(run.size());
  }
  return sum / static_cast<double>(runs.size());
}

std::vector<double> HolmCorrect(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) { return p_values[i] < p_values[j]; });
  std::vector<double> corrected(p_values.size());
  double greatest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const double p = p_values[order[rank]];
    if (!(p >= 0 && p <= 1)) throw std::invalid_argument("a p-value lies in [0, 1]");
    greatest = std::max(greatest, std::min(1.0, p * static_cast<double>(order.size() - rank)));
    corrected[order[rank]] = greatest;
  }
  return corrected;
}

MeanDeviation MeanAndDeviation(std::span<const double> values) {
  if (values.empty()) throw std::invalid_argument("mean of no values");
  MeanDeviation result;
  result.count = static_cast<std::int64_t>(values.size());
  const auto n = static_cast<double>(values.size());
  result.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  if (values.size() < 2) return result;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.deviation = std::sqrt(squares / (n - 1));
  return result;
}

PairedT PairedTTest(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size() || a.empty()) throw std::invalid_argument("a paired test needs pairs");
  std::vector<double> differences(a.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    differences[i] = a[i] - b[i];
    largest = std::max({largest, std::abs(a[i]), std::abs(b[i])});
  }
  const MeanDeviation moments = MeanAndDeviation(differences);
  PairedT result;
  result.pairs = moments.count;
  result.mean_difference = moments.mean;
  result.deviation = moments.deviation;
  // Equal differences have a deviation of rounding errors alone.
  if (!moments.deviation || *moments.deviation <= 1e-12 * largest) return result;
  const double error = *moments.deviation / std::sqrt(static_cast<double>(a.size()));
  const boost::math::students_t distribution(static_cast<double>(a.size() - 1));
  result.t = moments.mean / error;
  result.p_value = 2 * boost::math::cdf(boost::math::complement(distribution, std::abs(*result.t)));
  const double half = error * boost::math::quantile(boost::math::complement(distribution, 0.025));
  result.ci95 = Interval{moments.mean - half, moments.mean + half};
  return result;
}

PairedDifferences PairedBootstrap(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b,
                                  std::span<const double> thresholds_km, int rounds, std::uint64_t seed,
                                  const PhotoClusters* clusters) {
  if (a.empty() || b.empty() || a.front().empty() || rounds < 1) {
    throw std::invalid_argument("paired bootstrap needs photos, runs and rounds");
  }
  const std::size_t photos = a.front().size();
  for (const auto* runs : {&a, &b}) {
    for (const auto& run : *runs) {
      if (run.size() != photos) throw std::invalid_argument("errors of different numbers of photos");
    }
  }
  if (clusters != nullptr && clusters->of_photo.size() != photos) {
    throw std::invalid_argument("clusters of another number of photos");
  }
  const PairedValues values(a, b, thresholds_km);
  const Medians medians_a(a), medians_b(b);
  std::vector<double> means(values.width());
  std::vector<std::uint32_t> drawn(photos, 1);

  values.Means(drawn, means);
  const std::vector<double> observed = means;
  const double observed_median = MedianDifference(medians_a.Mean(drawn), medians_b.Mean(drawn));

  std::vector<std::vector<double>> resampled(values.width());
  std::vector<double> resampled_median;
  Random random(DeriveSeed(seed, "paired bootstrap"));
  std::vector<std::uint32_t> times(clusters != nullptr ? clusters->count : 0);
  for (int round = 0; round < rounds; ++round) {
    ThrowIfStopped();
    if (clusters != nullptr) {
      std::fill(times.begin(), times.end(), 0);
      for (std::size_t i = 0; i < times.size(); ++i) ++times[random.Below(times.size())];
      for (std::size_t i = 0; i < photos; ++i) drawn[i] = times[clusters->of_photo[i]];
    } else {
      std::fill(drawn.begin(), drawn.end(), 0);
      for (std::size_t i = 0; i < photos; ++i) ++drawn[random.Below(photos)];
    }
    values.Means(drawn, means);
    for (std::size_t m = 0; m < means.size(); ++m) resampled[m].push_back(means[m]);
    resampled_median.push_back(MedianDifference(medians_a.Mean(drawn), medians_b.Mean(drawn)));
  }

  PairedDifferences result;
  const auto difference = [&](std::size_t m) {
    if (clusters == nullptr) return Difference{observed[m], PercentileInterval(resampled[m])};
    const auto mean = MeanOverClusters(values.OfPhotos(m), clusters->of_photo);
    return Difference{observed[m], MeanInterval(mean).value_or(PercentileInterval(resampled[m]))};
  };
  const std::size_t thresholds = thresholds_km.size();
  for (std::size_t t = 0; t < thresholds; ++t) result.accuracy.push_back(difference(t));
  result.geoscore = difference(thresholds);
  result.mean_km = difference(thresholds + 1);
  result.median_km = {observed_median, PercentileInterval(resampled_median)};
  return result;
}

std::vector<PairedComparison> Compare(const Evaluation& a, const Evaluation& b) {
  if (a.options.thresholds_km != b.options.thresholds_km || a.options.distance != b.options.distance) {
    throw InputError("the two results were scored with different thresholds or distances");
  }
  bool same = a.photos.size() == b.photos.size() && !a.photos.empty();
  for (std::size_t i = 0; same && i < a.photos.size(); ++i) {
    same = a.photos[i].id == b.photos[i].id && a.photos[i].truth == b.photos[i].truth;
  }
  if (!same) throw InputError("the two results are not of the same photos in the same order");

  std::vector<PairedComparison> comparisons;
  for (std::size_t t = 0; t < a.options.thresholds_km.size(); ++t) {
    PairedComparison comparison;
    comparison.threshold_km = a.options.thresholds_km[t];
    const auto right = [&](const PhotoResult& photo) {
      return photo.error_km && *photo.error_km < comparison.threshold_km;
    };
    std::int64_t right_a = 0, right_b = 0;
    for (std::size_t i = 0; i < a.photos.size(); ++i) {
      const bool in_a = right(a.photos[i]), in_b = right(b.photos[i]);
      right_a += in_a ? 1 : 0;
      right_b += in_b ? 1 : 0;
      comparison.only_a += in_a && !in_b ? 1 : 0;
      comparison.only_b += in_b && !in_a ? 1 : 0;
    }
    const auto count = static_cast<double>(a.photos.size());
    comparison.percent_a = 100 * static_cast<double>(right_a) / count;
    comparison.percent_b = 100 * static_cast<double>(right_b) / count;
    comparison.p_value = McNemarExact(comparison.only_a, comparison.only_b);
    if (const auto& clusters = a.subject.clusters) {
      const auto hits = HitDifferences(ErrorsOrNoAnswer(a), ErrorsOrNoAnswer(b), comparison.threshold_km);
      constexpr int kRounds = 10000;  // where no interval is asked for
      comparison.p_value = ClusterHitTest(hits, *clusters, a.options.bootstrap > 0 ? a.options.bootstrap : kRounds,
                                          static_cast<std::uint64_t>(a.options.seed));
    }
    comparisons.push_back(comparison);
  }
  return comparisons;
}

}  // namespace dualgeo
