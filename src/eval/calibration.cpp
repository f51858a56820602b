#include "dualgeo/eval/calibration.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "dualgeo/eval/statistics.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

struct Outcome {
  PlaceEstimate estimate;
  double error_km;
};

std::vector<Outcome> Outcomes(const RerankStudy& study, const Estimates& estimates, DistanceKind distance) {
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    if (!estimates[i]) continue;
    outcomes.push_back({*estimates[i], DistanceKm(estimates[i]->location, *study.truth.rows[i].location, distance)});
  }
  std::stable_sort(outcomes.begin(), outcomes.end(), [](const Outcome& a, const Outcome& b) {
    return a.estimate.confidence_km < b.estimate.confidence_km;
  });
  return outcomes;
}

double Percent(std::int64_t part, std::int64_t all) {
  return all == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(all);
}

ThresholdCalibration CalibrateThreshold(const std::vector<Outcome>& outcomes, std::size_t threshold) {
  constexpr int kBins = 10;
  ThresholdCalibration result;
  result.threshold_km = kAccuracyKm[threshold];
  std::array<std::int64_t, kBins> count{}, hits{};
  std::array<double, kBins> stated{};
  std::int64_t all_hits = 0;
  for (const auto& outcome : outcomes) {
    const double p = outcome.estimate.within[threshold];
    const bool hit = outcome.error_km < result.threshold_km;
    const auto bin = static_cast<std::size_t>(std::clamp(static_cast<int>(p * kBins), 0, kBins - 1));
    ++count[bin];
    hits[bin] += hit ? 1 : 0;
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
    if (count[b] == 0) continue;
    CalibrationBin bin{static_cast<double>(b) * 10,
                       static_cast<double>(b + 1) * 10,
                       count[b],
                       100 * stated[b] / static_cast<double>(count[b]),
                       Percent(hits[b], count[b]),
                       WilsonPercent(hits[b], count[b])};
    result.expected_error += std::abs(bin.stated - bin.observed) * static_cast<double>(count[b]) / n;
    result.bins.push_back(bin);
  }
  return result;
}

std::int64_t Held(const std::vector<Outcome>& outcomes, std::size_t begin, std::size_t end) {
  return std::count_if(outcomes.begin() + static_cast<std::ptrdiff_t>(begin),
                       outcomes.begin() + static_cast<std::ptrdiff_t>(end),
                       [](const Outcome& o) { return o.error_km < o.estimate.confidence_km; });
}

}  // namespace

Calibration Calibrate(const RerankStudy& study, const Estimates& estimates, DistanceKind distance) {
  const auto outcomes = Outcomes(study, estimates, distance);
  Calibration result;
  result.count = static_cast<std::int64_t>(outcomes.size());
  for (std::size_t t = 0; t < kAccuracyKm.size(); ++t) result.thresholds[t] = CalibrateThreshold(outcomes, t);
  const std::int64_t held = Held(outcomes, 0, outcomes.size());
  result.held = Percent(held, result.count);
  result.held_ci95 = WilsonPercent(held, result.count);
  constexpr std::size_t kGroups = 5;
  for (std::size_t g = 0; g < kGroups; ++g) {
    const std::size_t begin = outcomes.size() * g / kGroups, end = outcomes.size() * (g + 1) / kGroups;
    if (begin == end) continue;
    const auto count = static_cast<std::int64_t>(end - begin);
    const std::int64_t within = Held(outcomes, begin, end);
    result.radii.push_back({outcomes[begin].estimate.confidence_km, outcomes[end - 1].estimate.confidence_km, count,
                            Percent(within, count), WilsonPercent(within, count)});
  }
  return result;
}

std::vector<SelectiveRow> SelectiveCurve(const RerankStudy& study, const Estimates& estimates, DistanceKind distance) {
  const auto outcomes = Outcomes(study, estimates, distance);
  std::vector<SelectiveRow> rows;
  for (int percent = 10; percent <= 100; percent += 10) {
    const std::size_t kept = (outcomes.size() * static_cast<std::size_t>(percent) + 50) / 100;
    if (kept == 0) continue;
    SelectiveRow row;
    row.percent = percent;
    row.count = static_cast<std::int64_t>(kept);
    row.confidence_km = outcomes[kept - 1].estimate.confidence_km;
    for (std::size_t t = 0; t < kAccuracyKm.size(); ++t) {
      const auto hits = std::count_if(outcomes.begin(), outcomes.begin() + static_cast<std::ptrdiff_t>(kept),
                                      [&](const Outcome& o) { return o.error_km < kAccuracyKm[t]; });
      row.accuracy[t] = Percent(hits, row.count);
      row.ci95[t] = WilsonPercent(hits, row.count);
    }
    rows.push_back(row);
  }
  return rows;
}

std::string FormatCalibration(const Calibration& calibration) {
  std::string text = fmt::format("{} answers\n\n", calibration.count);
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
