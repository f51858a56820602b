// Intervals for scores.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dualgeo/eval/evaluate.h"

namespace dualgeo {

// Wilson's 95 % score interval (Wilson 1927) for `successes` of `count`, in percent. [0, 100] when count is 0.
Interval WilsonPercent(std::int64_t successes, std::int64_t count);
// The same of a share in [0, 1] of `count` photos, which need not be whole, with another quantile than 1.96.
Interval WilsonPercent(double share, double count, double quantile);

// Middle value; mean of the two middle ones when there is an even number. Not for empty lists.
double Median(std::span<const double> values);

// Linear between the sorted values (Hyndman & Fan 1996, definition 7: R's and NumPy's default); share in [0, 1]. Not
// for empty lists.
double Quantile(std::span<const double> values, double share);

// 5000 exp(-km / 1492.7)
double GeoScore(double error_km);

// The 2.5 % (R + 1)-th smallest of R resampled values and the one as far from the top (Davison & Hinkley 1997, 5.2.1);
// sorts them.
Interval PercentileInterval(std::vector<double>& values);

// 95 % percentile intervals over `rounds` resamples of the photos (Efron 1979). Median and mean are over the answered
// photos of a resample; there is none when nothing is answered.
struct BootstrapIntervals {
  std::optional<Interval> median_km;
  std::optional<Interval> mean_km;
  Interval geoscore;
  std::vector<Interval> accuracy;  // percent of all photos, one per threshold
};
// errors_km: of the answered photos, in any order; unanswered: how many photos have no answer. The same seed gives the
// same intervals on every machine, whatever the thresholds.
BootstrapIntervals Bootstrap(std::span<const double> errors_km, std::int64_t unanswered, int rounds, std::uint64_t seed,
                             std::span<const double> thresholds_km = {});

// The same, resampling whole clusters of photos. errors_km: of every photo, nothing for one without an answer;
// clusters: the photo's. Accuracies and GeoScore are shares of the photos that a resample holds.
BootstrapIntervals ClusterBootstrap(std::span<const std::optional<double>> errors_km,
                                    std::span<const std::uint32_t> clusters, int rounds, std::uint64_t seed,
                                    std::span<const double> thresholds_km = {});

}  // namespace dualgeo
