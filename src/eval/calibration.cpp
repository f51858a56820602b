#include "eval/calibration.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "dualgeo/util/text.h"
#include "eval/cluster_statistics.h"
#include "eval/statistics.h"

namespace dualgeo {
namespace {

struct Outcome {
  PlaceEstimate estimate;
  double error_km;
  std::uint32_t cluster;  // 0 where there are none
};

std::vector<Outcome> Outcomes(const RerankStudy& study, const Estimates& estimates, DistanceKind distance,
                              const PhotoClusters* clusters) {
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    if (!estimates[i]) continue;
    const double km = DistanceKm(estimates[i]->location, *study.truth.rows[i].location, distance);
    outcomes.push_back({*estimates[i], km, clusters == nullptr ? 0 : clusters->of_photo[i]});
  }
  std::stable_sort(outcomes.begin(), outcomes.end(), [](const Outcome& a, const Outcome& b) {
    return a.estimate.confidence_km < b.estimate.confidence_km;
  });
  return outcomes;
}

double Percent(std::int64_t part, std::int64_t all) {
  return all == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(all);
}

// Hits among some outcomes.
struct Hits {
  std::int64_t count = 0, hits = 0;
  std::vector<double> values;  // 0 or 1, of each
  std::vector<std::uint32_t> clusters;

  void Add(bool hit, std::uint32_t cluster) {
    ++count;
    hits += hit ? 1 : 0;
    values.push_back(hit ? 1 : 0);
    clusters.push_back(cluster);
  }
  double Observed() const { return Percent(hits, count); }
  // Wilson's.
  Interval Ci95(bool over_clusters) const {
    return over_clusters && count > 0 ? SharePercentInterval(MeanOverClusters(values, clusters))
                                      : WilsonPercent(hits, count);
  }
};

ThresholdCalibration CalibrateThreshold(const std::vector<Outcome>& outcomes, std::size_t threshold,
                                        bool over_clusters) {
  constexpr int kBins = 10;
  ThresholdCalibration result;
  result.threshold_km = kAccuracyKm[threshold];
  std::array<Hits, kBins> bins;
  std::array<double, kBins> stated{};
  std::int64_t all_hits = 0;
  for (const auto& outcome : outcomes) {
    const double p = outcome.estimate.within[threshold];
    const bool hit = outcome.error_km < result.threshold_km;
    const auto bin = static_cast<std::size_t>(std::clamp(static_cast<int>(p * kBins), 0, kBins - 1));
    bins[bin].Add(hit, outcome.cluster);
    stated[bin] += p;
    all_hits += hit ? 1 : 0;
    result.stated += p;
    result.brier += (p - hit) * (p - hit);
  }
  const auto n = static_cast<double>(outcomes.size());
  if (outcomes.empty()) return result;
  result.stated *= 100 / n;
  result.brier /= n;
  result.observed = Percent(all_hits, static_cast<std::int64_t>(outcomes.size()));
  for (std::size_t b = 0; b < kBins; ++b) {
    if (bins[b].count == 0) continue;
    const auto count = static_cast<double>(bins[b].count);
    CalibrationBin bin{
        static_cast<double>(b) * 10, static_cast<double>(b + 1) * 10, bins[b].count, 100 * stated[b] / count,
        bins[b].Observed(),          bins[b].Ci95(over_clusters)};
    result.expected_error += std::abs(bin.stated - bin.observed) * count / n;
    result.bins.push_back(bin);
  }
  return result;
}

Hits Held(const std::vector<Outcome>& outcomes, std::size_t begin, std::size_t end) {
  Hits held;
  for (std::size_t i = begin; i < end; ++i) {
    held.Add(outcomes[i].error_km < outcomes[i].estimate.confidence_km, outcomes[i].cluster);
  }
  return held;
}

}  // namespace

Calibration Calibrate(const RerankStudy& study, const Estimates& estimates, DistanceKind distance,
                      const PhotoClusters* clusters) {
  const auto outcomes = Outcomes(study, estimates, distance, clusters);
  const bool over_clusters = clusters != nullptr;
  Calibration result;
  result.over = OverWhat(clusters);
  result.count = static_cast<std::int64_t>(outcomes.size());
  for (std::size_t t = 0; t < kAccuracyKm.size(); ++t) {
    result.thresholds[t] = CalibrateThreshold(outcomes, t, over_clusters);
  }
  const Hits held = Held(outcomes, 0, outcomes.size());
  result.held = held.Observed();
  result.held_ci95 = held.Ci95(over_clusters);
  constexpr std::size_t kGroups = 5;
  for (std::size_t g = 0; g < kGroups; ++g) {
    const std::size_t begin = outcomes.size() * g / kGroups, end = outcomes.size() * (g + 1) / kGroups;
    if (begin == end) continue;
    const Hits within = Held(outcomes, begin, end);
    result.radii.push_back({outcomes[begin].estimate.confidence_km, outcomes[end - 1].estimate.confidence_km,
                            within.count, within.Observed(), within.Ci95(over_clusters)});
  }
  return result;
}

std::vector<SelectiveRow> SelectiveCurve(const RerankStudy& study, const Estimates& estimates, DistanceKind distance,
                                         const PhotoClusters* clusters) {
  const auto outcomes = Outcomes(study, estimates, distance, clusters);
  std::vector<SelectiveRow> rows;
  for (int percent = 10; percent <= 100; percent += 10) {
    const std::size_t kept = (outcomes.size() * static_cast<std::size_t>(percent) + 50) / 100;
    if (kept == 0) continue;
    SelectiveRow row;
    row.percent = percent;
    row.count = static_cast<std::int64_t>(kept);
    row.confidence_km = outcomes[kept - 1].estimate.confidence_km;
    for (std::size_t t = 0; t < kAccuracyKm.size(); ++t) {
      Hits hits;
      for (std::size_t i = 0; i < kept; ++i) hits.Add(outcomes[i].error_km < kAccuracyKm[t], outcomes[i].cluster);
      row.accuracy[t] = hits.Observed();
      row.ci95[t] = hits.Ci95(clusters != nullptr);
    }
    rows.push_back(row);
  }
  return rows;
}

std::string FormatCalibration(const Calibration& calibration) {
  std::string text =
      fmt::format("{} answers; intervals: 95 %, Wilson, over {}\n\n", calibration.count, calibration.over);
  text += "| threshold | stated % | observed % | Brier | calibration error |\n|---|---|---|---|---|\n";
  for (const auto& t : calibration.thresholds) {
    text += fmt::format("| {} km | {:.1f} | {:.1f} | {:.4f} | {:.1f} |\n", FormatDouble(t.threshold_km), t.stated,
                        t.observed, t.brier, t.expected_error);
  }
  text +=
      "\n| threshold | stated in | answers | mean stated % | observed % | 95 % interval |\n|---|---|---|---|---|---|\n";
  for (const auto& t : calibration.thresholds) {
    for (const auto& bin : t.bins) {
      text += fmt::format("| {} km | {:.0f}-{:.0f} % | {} | {:.1f} | {:.1f} | {:.1f}-{:.1f} |\n",
                          FormatDouble(t.threshold_km), bin.low, bin.high, bin.count, bin.stated, bin.observed,
                          bin.ci95.low, bin.ci95.high);
    }
  }
  text += "\n| confidence_km | answers | truth within it % (50 is meant) | 95 % interval |\n|---|---|---|---|\n";
  for (const auto& group : calibration.radii) {
    text += fmt::format("| {:.3g}-{:.3g} | {} | {:.1f} | {:.1f}-{:.1f} |\n", group.from_km, group.to_km, group.count,
                        group.held, group.ci95.low, group.ci95.high);
  }
  text += fmt::format("| all | {} | {:.1f} | {:.1f}-{:.1f} |\n", calibration.count, calibration.held,
                      calibration.held_ci95.low, calibration.held_ci95.high);
  return text;
}

std::string FormatSelective(const std::vector<SelectiveRow>& rows) {
  std::string text = "| surest | answers | confidence_km up to |";
  for (const double km : kAccuracyKm) text += fmt::format(" < {} km % |", FormatDouble(km));
  text += "\n|---|---|---|---|---|---|---|---|\n";
  for (const auto& row : rows) {
    text += fmt::format("| {} % | {} | {:.3g} |", row.percent, row.count, row.confidence_km);
    for (std::size_t t = 0; t < kAccuracyKm.size(); ++t) {
      text += fmt::format(" {:.1f} ({:.1f}-{:.1f}) |", row.accuracy[t], row.ci95[t].low, row.ci95[t].high);
    }
    text += "\n";
  }
  return text;
}

}  // namespace dualgeo
