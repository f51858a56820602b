#include "eval/region_study.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "dualgeo/geo/distance.h"
#include "dualgeo/refine/posterior_area.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "eval/cluster_statistics.h"
#include "eval/statistics.h"
#include "lmm/answer_join.h"
#include "refine/posterior_fit.h"

namespace dualgeo {
namespace {

void AddRegionsOf(const RerankStudy& study, const std::vector<FitExample>& examples,
                  const std::vector<std::size_t>& which, const RerankOptions& options,
                  const PosteriorParameters& parameters, DistanceKind distance, std::vector<PhotoRegions>& regions) {
  RerankOptions plain = options;
  plain.areas = false;  // measured here
  const BayesJoin join(plain, parameters);
  PlacePosterior::Distribution distribution;
  for (const std::size_t i : which) {
    ThrowIfStopped();
    const FitExample& example = examples[i];
    if (example.similar.empty() && example.answers.empty()) continue;
    PhotoRegions photo{i, *join.Join(example.similar, example.answers)};
    const LatLon truth = *study.truth.rows[i].location;
    photo.error_km = DistanceKm(photo.estimate.location, truth, distance);
    const PlacePosterior& posterior = join.PosteriorFor(example.answers);
    const std::size_t count = std::min(example.similar.size(), static_cast<std::size_t>(options.top_k));
    posterior.Condition({std::span(example.similar).first(count), example.answers}, distribution);
    const PosteriorCells cells(posterior, distribution);
    photo.estimate.areas = MeasureAreas(cells, posterior.conformal(), photo.estimate.confidence_km);
    photo.share = cells.ShareReaching(truth);
    photo.km2 = cells.Km2Reaching(truth);
    regions.push_back(photo);
  }
}

double PercentOf(std::int64_t part, std::int64_t all) {
  return all == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(all);
}

// photographers: the photo's.
AreaCoverage CoverageOf(const std::vector<PhotoRegions>& regions, double share,
                        const std::vector<std::uint32_t>& photographers, bool over_photographers) {
  std::vector<double> km2, held;
  for (const auto& photo : regions) {
    km2.push_back(share < 0.7 ? photo.estimate.areas->half_km2 : photo.estimate.areas->most_km2);
    held.push_back(photo.share <= share ? 1 : 0);
  }
  const ClusterMean mean = MeanOverClusters(held, photographers);
  const auto hits = static_cast<std::int64_t>(std::ranges::count(held, 1.0));
  return {100 * share, 100 * mean.mean,
          over_photographers ? SharePercentInterval(mean) : WilsonPercent(hits, std::ssize(held)), Median(km2)};
}

// A disc's on the sphere.
double DiscKm2(double radius_km) {
  const double s = std::sin(std::min(radius_km / kEarthRadiusKm, std::numbers::pi) / 2);
  return 4 * std::numbers::pi * kEarthRadiusKm * kEarthRadiusKm * s * s;
}

std::vector<SelectiveByArea> SelectByArea(std::vector<PhotoRegions> regions) {
  std::ranges::stable_sort(regions, {}, [](const PhotoRegions& p) { return p.estimate.areas->most_km2; });
  std::vector<SelectiveByArea> rows;
  for (int percent = 10; percent <= 100; percent += 10) {
    const std::size_t kept = (regions.size() * static_cast<std::size_t>(percent) + 50) / 100;
    if (kept == 0) continue;
    SelectiveByArea row;
    row.percent = percent;
    row.count = static_cast<std::int64_t>(kept);
    row.km2 = regions[kept - 1].estimate.areas->most_km2;
    std::vector<double> errors;
    std::int64_t held = 0;
    for (std::size_t i = 0; i < kept; ++i) {
      errors.push_back(regions[i].error_km);
      held += regions[i].share <= 0.9 ? 1 : 0;
    }
    row.held = PercentOf(held, row.count);
    row.median_km = Median(errors);
    for (const double km : kAccuracyKm) {
      row.accuracy.push_back(PercentOf(std::ranges::count_if(errors, [km](double e) { return e < km; }), row.count));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::vector<PhotoRegions> RegionsOf(const RerankStudy& study, const RerankOptions& options,
                                    const PosteriorParameters& parameters, bool with_answers, DistanceKind distance) {
  const auto examples = study.Examples(options.top_k, with_answers);
  std::vector<std::size_t> all(examples.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  std::vector<PhotoRegions> regions;
  AddRegionsOf(study, examples, all, options, parameters, distance, regions);
  return regions;
}

std::vector<PhotoRegions> RegionsHeldOut(const RerankStudy& study, const RerankOptions& options, const FitOptions& fit,
                                         int folds, std::uint64_t seed, bool with_answers, DistanceKind distance) {
  const auto examples = study.Examples(std::max(options.top_k, fit.top_k), with_answers);
  std::vector<PhotoRegions> regions;
  ForEachFold(study, examples, fit, folds, seed,
              [&](const PosteriorParameters& parameters, const std::vector<std::size_t>& held_out) {
                AddRegionsOf(study, examples, held_out, options, parameters, distance, regions);
              });
  std::ranges::sort(regions, {}, &PhotoRegions::row);
  return regions;
}

RegionStudy StudyRegions(const RerankStudy& study, const std::vector<PhotoRegions>& regions, const std::string& rule,
                         int splits, std::uint64_t seed) {
  FindName(ConformalRuleNames(), rule, "the conformal rule");
  if (regions.empty()) throw InputError(study.truth.path.string() + ": no photo has candidates to measure areas of");
  RegionStudy result;
  result.photos = static_cast<std::int64_t>(study.truth.rows.size());
  result.answered = static_cast<std::int64_t>(regions.size());
  for (double km2 = 1; km2 < 1e9; km2 *= 10) {
    const auto area = std::ranges::count_if(regions, [km2](const auto& photo) { return photo.km2 <= km2; });
    const auto disc = std::ranges::count_if(regions, [km2](const auto& p) { return DiscKm2(p.error_km) <= km2; });
    result.recall.push_back({km2, PercentOf(area, result.photos), PercentOf(disc, result.photos)});
  }
  result.selective = SelectByArea(regions);
  std::vector<std::size_t> rows;
  std::vector<double> score;
  for (const auto& photo : regions) {
    rows.push_back(photo.row);
    score.push_back(photo.error_km / std::max(photo.estimate.confidence_km, 1e-3));
  }
  const ConformalScores scores = ConformalScoresOf(study.truth, rows, std::move(score));
  if (scores.photographers < 2) {
    throw InputError(study.truth.path.string() + ": all photos are of one photographer, who cannot stand for others");
  }
  result.photographers = scores.photographers;
  for (const double share : {0.5, 0.9}) {
    result.coverage.push_back(CoverageOf(regions, share, scores.photographer, result.OverPhotographers()));
    for (const auto& name : ConformalRuleNames()) {
      result.conformal.push_back(TryConformal(scores, share, name, splits, seed));
    }
  }
  // What cannot be promised is not stated.
  const auto factor = [&](double share) {
    const double value = ConformalFactor(scores, share, rule);
    return std::isfinite(value) ? std::round(value * 1e4) / 1e4 : 0.0;
  };
  result.scale = {factor(0.5), factor(0.9), rule, static_cast<int>(scores.photographers),
                  static_cast<int>(regions.size())};
  return result;
}

std::string FormatRegions(const RegionStudy& study) {
  std::string text = fmt::format("{} photos of {} photographers, {} of them answered\n\n", study.photos,
                                 study.photographers, study.answered);
  text += fmt::format(
      "| smallest area of | holds the truth % | 95 % interval (over {}) | median km2 |\n|---|---|---|---|\n",
      study.OverPhotographers() ? "photographers" : "photos");
  for (const auto& row : study.coverage) {
    text += fmt::format("| {:.0f} % | {:.1f} | {:.1f}-{:.1f} | {:.4g} |\n", row.share, row.held, row.ci95.low,
                        row.ci95.high, row.median_km2);
  }
  text +=
      "\nRecall vs Area: truths found within so much of the Earth, likeliest places first, and within a disc round the "
      "answer\n\n| km2 | posterior % | disc % |\n|---|---|---|\n";
  for (const auto& row : study.recall) {
    text += fmt::format("| {:g} | {:.1f} | {:.1f} |\n", row.km2, row.area, row.disc);
  }
  const int splits = study.conformal.front().splits;
  text += fmt::format(
      "\nCalibrated radii: confidence_km times a factor. Coverage: calibrated on half of the photographers, tried on "
      "the other half, {} times\n\n| rule | share | factor | held, photos % (deviation) | held, photographers % |\n"
      "|---|---|---|---|---|\n",
      splits);
  for (const auto& row : study.conformal) {
    text += fmt::format("| {} | {:.0f} % | {} | {:.1f} ({:.1f}) | {:.1f} |\n", row.rule, 100 * row.share,
                        std::isfinite(row.factor) ? fmt::format("{:.3g}", row.factor) : "none: too few photographers",
                        row.photos, row.photos_sd, row.photographers);
  }
  text += "\n| smallest 90 % areas | answers | km2 up to | area holds the truth % | median error km |";
  for (const double km : kAccuracyKm) text += fmt::format(" < {} km % |", FormatDouble(km));
  text += "\n|---|---|---|---|---|---|---|---|---|---|\n";
  for (const auto& row : study.selective) {
    text += fmt::format("| {} % | {} | {:.3g} | {:.1f} | {:.3g} |", row.percent, row.count, row.km2, row.held,
                        row.median_km);
    for (const double percent : row.accuracy) text += fmt::format(" {:.1f} |", percent);
    text += "\n";
  }
  return text;
}

}  // namespace dualgeo
