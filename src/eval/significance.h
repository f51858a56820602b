// Is one method better than another on the same photos? Pure functions of error distances: ablations, robustness tables
// and reports use them as `dualgeo compare` does.
//
// Errors are kilometres, one per photo, in the same order for both methods. kNoAnswer (infinity) stands for a photo
// without an answer: a miss at every threshold, GeoScore 0, and in means and in the permutation test an error of
// kFarthestKm, as far as one can be wrong on Earth. So no method gains by keeping quiet.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "dualgeo/eval/evaluate.h"

namespace dualgeo {

inline constexpr double kNoAnswer = std::numeric_limits<double>::infinity();
// Half the circumference of the 6371 km sphere; the farthest WGS84 geodesic is 20003.9 km.
inline constexpr double kFarthestKm = 20015.086796;

// Errors of an evaluation's photos, in the order of its truth table.
std::vector<double> ErrorsOrNoAnswer(const Evaluation& evaluation);

// Two-sided exact McNemar test (McNemar 1947; binomial form): of the photos that only one of two methods gets right,
// only_a are the first's and only_b the second's. The probability, were the methods equally good, of a split at least
// as uneven; 1 when there are none.
double McNemarExact(std::int64_t only_a, std::int64_t only_b);

// Photos right (strictly closer than the threshold) in one of the two alone.
struct Discordant {
  std::int64_t only_a = 0;
  std::int64_t only_b = 0;
};
Discordant CountDiscordant(std::span<const double> a, std::span<const double> b, double threshold_km);

// Two-sided sign-flip permutation test (Fisher 1935; Pitman 1937) of paired differences: the probability, were the
// sign of each difference a coin's, of a mean at least as far from 0. All 2^n sign patterns where these are at most
// `rounds` (photos without a difference do not count), else `rounds` random ones, the observed among them (Phipson &
// Smyth 2010): never below 1 / (rounds + 1).
// Ties::kHalf: where patterns are drawn, those whose mean is exactly as far off count half (mid-p, Lancaster 1961), for
// differences that are whole numbers; never below half of that. Where all patterns are counted they count whole: of a
// few differences the exact test is what everybody else's is, and never rejects too often.
enum class Ties { kWhole, kHalf };
struct Permutation {
  double mean_difference = 0;
  double p_value = 1;
  bool exact = false;
};
Permutation PermutationTest(std::span<const double> differences, int rounds, std::uint64_t seed,
                            Ties ties = Ties::kWhole);

// a - b with kNoAnswer as kFarthestKm: what the permutation test of distances is of.
std::vector<double> DistanceDifferences(std::span<const double> a, std::span<const double> b);

// 1, 0 or -1 a photo: right (strictly closer than the threshold) in a alone, in both or neither, in b alone.
std::vector<double> HitDifferences(std::span<const double> a, std::span<const double> b, double threshold_km);
// Of several runs of each, [run][photo]: their sums.
std::vector<double> HitDifferences(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b,
                                   double threshold_km);

// Percent of photos that are right (strictly closer than the threshold), mean over runs.
double MeanAccuracy(const std::vector<std::vector<double>>& runs, double threshold_km);

// The differences of each cluster's photos, added up: their signs are flipped together, where photos of a cluster are
// not independent.
std::vector<double> ClusterSums(std::span<const double> differences, const PhotoClusters& clusters);

// Corrected for the number of tests (Holm 1979): reject those at most 0.05, and the probability of any false rejection
// among them is at most 5 %, whatever the dependence between the tests. In the order given.
std::vector<double> HolmCorrect(std::span<const double> p_values);

struct MeanDeviation {
  std::int64_t count = 0;
  double mean = 0;
  std::optional<double> deviation;  // of a sample (n - 1); nothing for fewer than two values
};
MeanDeviation MeanAndDeviation(std::span<const double> values);

// Student's paired t-test over seeds: value i of both comes from the same seed. No test (and no interval) for fewer
// than two pairs, or when all differences are equal, since then there is no deviation to measure them by.
struct PairedT {
  std::int64_t pairs = 0;
  double mean_difference = 0;       // a - b
  std::optional<double> deviation;  // of the differences
  std::optional<double> t;
  std::optional<double> p_value;  // two-sided, pairs - 1 degrees of freedom
  std::optional<Interval> ci95;   // of the mean difference
};
// Throws std::invalid_argument when the lengths differ.
PairedT PairedTTest(std::span<const double> a, std::span<const double> b);

struct Difference {
  double value = 0;  // a - b
  Interval ci95;
};

// How the methods differ, with 95 % percentile intervals from resampling photos, the same ones for both methods (paired
// bootstrap, Efron 1979), or over clusters. Positive accuracies and GeoScore speak for a, positive distances against
// it.
struct PairedDifferences {
  std::vector<Difference> accuracy;  // one per threshold, percentage points
  Difference median_km, mean_km;     // mean: kNoAnswer as kFarthestKm; median infinite where half is unanswered
  Difference geoscore;
};

// a, b: the runs (seeds) of each method, each an error per photo; one run each in the plain case. Scores of several
// runs are averaged; what the intervals tell is how far the choice of photos, not of seeds, goes. 3,000 photos with
// 10,000 rounds: about a quarter of a second. The same seed gives the same intervals on every machine. Throws
// std::invalid_argument for no photos, no runs, runs of different lengths or rounds < 1. With clusters, intervals are
// those of means over clusters (cluster_statistics.h); for the median whole clusters are resampled.
PairedDifferences PairedBootstrap(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b,
                                  std::span<const double> thresholds_km, int rounds, std::uint64_t seed,
                                  const PhotoClusters* clusters = nullptr);

struct PairedComparison {
  double threshold_km = 0;
  double percent_a = 0;  // accuracy of all photos
  double percent_b = 0;
  std::int64_t only_a = 0;  // right (strictly closer than the threshold) in a alone
  std::int64_t only_b = 0;
  double p_value = 1;  // McNemarExact; ClusterHitTest over a's clusters where it has some
};

// One comparison per threshold. Both evaluations must be of the same truth table with the same thresholds and distance
// (InputError otherwise).
std::vector<PairedComparison> Compare(const Evaluation& a, const Evaluation& b);

}  // namespace dualgeo
