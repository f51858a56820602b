#include "dualgeo/eval/significance.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "dualgeo/util/error.h"

namespace dualgeo {

double McNemarExact(std::int64_t only_a, std::int64_t only_b) {
  if (only_a < 0 || only_b < 0) throw std::invalid_argument("counts of photos cannot be negative");
  const std::int64_t n = only_a + only_b;
  if (only_a == only_b) return 1;  // of which 0, 0 is one case
  // Twice the lower tail of Binomial(n, 1/2), summed from its largest term downwards.
  const std::int64_t k = std::min(only_a, only_b);
  const auto log_choose = [n](std::int64_t i) {
    const auto total = static_cast<double>(n), some = static_cast<double>(i);
    return std::lgamma(total + 1) - std::lgamma(some + 1) - std::lgamma(total - some + 1);
  };
  double term = 1, sum = 0;  // relative to the k-th
  for (std::int64_t i = k; i >= 0 && term > 1e-18 * sum; --i) {
    sum += term;
    term *= static_cast<double>(i) / static_cast<double>(n - i + 1);
  }
  const double log_p = std::log(2 * sum) + log_choose(k) - static_cast<double>(n) * std::numbers::ln2;
  return std::min(1.0, std::exp(log_p));
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
    comparisons.push_back(comparison);
  }
  return comparisons;
}

}  // namespace dualgeo
