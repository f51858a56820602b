// Is one method better than another on the same photos?
#pragma once

#include <cstdint>
#include <vector>

#include "dualgeo/eval/evaluate.h"

namespace dualgeo {

// Two-sided exact McNemar test (McNemar 1947; binomial form): of the photos that only one of two methods gets right,
// only_a are the first's and only_b the second's. The probability, were the methods equally good, of a split at least
// as uneven; 1 when there are none.
double McNemarExact(std::int64_t only_a, std::int64_t only_b);

struct PairedComparison {
  double threshold_km = 0;
  double percent_a = 0;  // accuracy of all photos
  double percent_b = 0;
  std::int64_t only_a = 0;  // right (strictly closer than the threshold) in a alone
  std::int64_t only_b = 0;
  double p_value = 1;  // McNemarExact
};

// One comparison per threshold. Both evaluations must be of the same truth table with the same thresholds and distance
// (InputError otherwise).
std::vector<PairedComparison> Compare(const Evaluation& a, const Evaluation& b);

}  // namespace dualgeo
