// Intervals for scores.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dualgeo/eval/evaluate.h"

namespace dualgeo {

// Wilson's 95 % score interval (Wilson 1927) for `successes` of `count`, in percent. [0, 100] when count is 0.
Interval WilsonPercent(std::int64_t successes, std::int64_t count);

// Middle value; mean of the two middle ones when there is an even number. Not for empty lists.
double Median(std::span<const double> values);

// 5000 exp(-km / 1492.7)
double GeoScore(double error_km);

// 95 % percentile intervals over `rounds` resamples of the photos. Median and mean are over the answered photos of a
// resample; there is none when nothing is answered.
struct BootstrapIntervals {
  std::optional<Interval> median_km;
  std::optional<Interval> mean_km;
  Interval geoscore;
};
// errors_km: of the answered photos, in any order; unanswered: how many photos have no answer. The same seed gives the
// same intervals on every machine.
BootstrapIntervals Bootstrap(std::span<const double> errors_km, std::int64_t unanswered, int rounds,
                             std::uint64_t seed);

}  // namespace dualgeo
