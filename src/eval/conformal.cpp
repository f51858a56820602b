#include "eval/conformal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <unordered_map>

#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// ceil(share (n + 1)), rounding errors of the product aside.
double QuantileRank(double share, double n) { return std::ceil(share * (n + 1) - 1e-9); }

std::vector<std::vector<double>> SortedByPhotographer(const ConformalScores& scores) {
  std::vector<std::vector<double>> of(scores.photographers);
  for (std::size_t i = 0; i < scores.score.size(); ++i) of.at(scores.photographer[i]).push_back(scores.score[i]);
  for (auto& own : of) {
    if (own.empty()) throw std::invalid_argument("a photographer without a photo");
    std::ranges::sort(own);
  }
  return of;
}

// The least of the sorted scores for which `holds` is true, which it stays; kNever where it is for none.
template <class Holds>
double LeastScore(std::vector<double> sorted, const Holds& holds) {
  std::ranges::sort(sorted);
  const auto found = std::ranges::partition_point(sorted, [&](double score) { return !holds(score); });
  return found == sorted.end() ? kNever : *found;
}

// Of each photographer's photos, the share with at most this score.
std::vector<double> SharesUpTo(const std::vector<std::vector<double>>& of, double score) {
  std::vector<double> shares;
  for (const auto& own : of) {
    const auto within = std::ranges::upper_bound(own, score) - own.begin();
    shares.push_back(static_cast<double>(within) / static_cast<double>(own.size()));
  }
  return shares;
}

// The probability of at least `rank` successes among independent trials.
double ProbabilityOfAtLeast(std::size_t rank, const std::vector<double>& trials) {
  std::vector<double> count(trials.size() + 1, 0);
  count[0] = 1;
  for (std::size_t k = 0; k < trials.size(); ++k) {
    for (std::size_t n = k + 1; n > 0; --n) count[n] += trials[k] * (count[n - 1] - count[n]);
    count[0] *= 1 - trials[k];
  }
  return std::accumulate(count.begin() + static_cast<std::ptrdiff_t>(rank), count.end(), 0.0);
}

double FactorByDraws(const ConformalScores& scores, double share) {
  const auto of = SortedByPhotographer(scores);
  const double rank = QuantileRank(share, static_cast<double>(of.size()));
  if (rank > static_cast<double>(of.size())) return kNever;
  return LeastScore(scores.score, [&](double score) {
    return ProbabilityOfAtLeast(static_cast<std::size_t>(rank), SharesUpTo(of, score)) >= 0.5 - 1e-12;
  });
}

double FactorByPhotographers(const ConformalScores& scores, double share) {
  const auto of = SortedByPhotographer(scores);
  return LeastScore(scores.score, [&](double score) {
    const auto shares = SharesUpTo(of, score);
    const double held = std::accumulate(shares.begin(), shares.end(), 0.0);
    return held >= share * static_cast<double>(of.size() + 1) - 1e-9;
  });
}

double FactorByPhotos(const ConformalScores& scores, double share) {
  std::vector<double> sorted = scores.score;
  std::ranges::sort(sorted);
  const double rank = QuantileRank(share, static_cast<double>(sorted.size()));
  return rank > static_cast<double>(sorted.size()) ? kNever : sorted[static_cast<std::size_t>(rank) - 1];
}

// Some of the photographers' scores.
ConformalScores OfPhotographers(const ConformalScores& scores, const std::vector<std::uint32_t>& number) {
  ConformalScores some;
  for (std::size_t i = 0; i < scores.score.size(); ++i) {
    const std::uint32_t own = number[scores.photographer[i]];
    if (own == std::numeric_limits<std::uint32_t>::max()) continue;
    some.score.push_back(scores.score[i]);
    some.photographer.push_back(own);
    some.photographers = std::max(some.photographers, own + 1);
  }
  return some;
}

}  // namespace

const std::vector<std::string>& ConformalRuleNames() {
  static const std::vector<std::string> names = {"draw", "photographer", "photo"};
  return names;
}

ConformalScores ConformalScoresOf(const PhotoTable& table, const std::vector<std::size_t>& rows,
                                  std::vector<double> score) {
  ConformalScores scores;
  scores.score = std::move(score);
  std::unordered_map<std::string, std::uint32_t> number;
  for (const std::size_t row : rows) {
    const std::string& author = table.rows.at(row).author;
    if (author.empty()) {
      scores.photographer.push_back(scores.photographers++);
    } else {
      const auto [found, fresh] = number.emplace(author, scores.photographers);
      scores.photographers += fresh ? 1 : 0;
      scores.photographer.push_back(found->second);
    }
  }
  return scores;
}

double ConformalFactor(const ConformalScores& scores, double share, const std::string& rule) {
  if (scores.score.empty() || !(share > 0 && share < 1)) throw std::invalid_argument("no scores, or no share of them");
  if (rule == "draw") return FactorByDraws(scores, share);
  if (rule == "photographer") return FactorByPhotographers(scores, share);
  if (rule == "photo") return FactorByPhotos(scores, share);
  throw std::invalid_argument("conformal rule " + rule);
}

ConformalCoverage TryConformal(const ConformalScores& scores, double share, const std::string& rule, int splits,
                               std::uint64_t seed) {
  constexpr auto kOther = std::numeric_limits<std::uint32_t>::max();
  ConformalCoverage coverage{rule, share, ConformalFactor(scores, share, rule)};
  coverage.splits = splits;
  Random random(DeriveSeed(seed, "conformal halves"));
  std::vector<std::uint32_t> order(scores.photographers);
  std::iota(order.begin(), order.end(), 0U);
  double squares = 0;
  for (int split = 0; split < splits; ++split) {
    random.Shuffle(order);
    std::vector<std::uint32_t> calibrated(order.size(), kOther), tried(order.size(), kOther);
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::size_t half = order.size() / 2;
      (i < half ? calibrated : tried)[order[i]] = static_cast<std::uint32_t>(i < half ? i : i - half);
    }
    const double factor = ConformalFactor(OfPhotographers(scores, calibrated), share, rule);
    const ConformalScores others = OfPhotographers(scores, tried);
    const auto held = std::ranges::count_if(others.score, [&](double score) { return score <= factor; });
    const double percent = 100 * static_cast<double>(held) / static_cast<double>(others.score.size());
    const auto shares = SharesUpTo(SortedByPhotographer(others), factor);
    coverage.photos += percent / splits;
    squares += percent * percent / splits;
    coverage.photographers +=
        100 * std::accumulate(shares.begin(), shares.end(), 0.0) / static_cast<double>(shares.size()) / splits;
  }
  coverage.photos_sd = std::sqrt(std::max(0.0, squares - coverage.photos * coverage.photos));
  return coverage;
}

}  // namespace dualgeo
