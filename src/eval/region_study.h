// Are the areas of re-ranking's posterior (refine/posterior_area.h) as large as they should be, and of what use? Their
// coverage and size, Recall vs Area, calibrated radii, and the accuracy of the answers whose area is smallest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "eval/conformal.h"
#include "eval/held_out.h"

namespace dualgeo {

// One answered photo.
struct PhotoRegions {
  std::size_t row = 0;     // of the truth table
  PlaceEstimate estimate;  // with its areas
  double error_km = 0;
  double share = 0;  // at which the smallest area comes to hold the truth
  double km2 = 0;    // of that area
};

// By given parameters, or each fold of photographers by parameters fitted on the others (EstimateHeldOut); by bayes, in
// the order of the truth table. Photos without candidates or answers are left out.
std::vector<PhotoRegions> RegionsOf(const RerankStudy& study, const RerankOptions& options,
                                    const PosteriorParameters& parameters, bool with_answers, DistanceKind distance);
std::vector<PhotoRegions> RegionsHeldOut(const RerankStudy& study, const RerankOptions& options, const FitOptions& fit,
                                         int folds, std::uint64_t seed, bool with_answers, DistanceKind distance);

struct AreaCoverage {
  double share = 0;       // meant, percent
  double held = 0;        // truths within, percent
  Interval ci95;          // over photographers (cluster_statistics.h); over photos (Wilson) where none has two
  double median_km2 = 0;  // of the areas
};

struct RecallAtArea {
  double km2 = 0;
  double area = 0;  // truths reached by searching so much, likeliest places first, percent of all photos
  double disc = 0;  // truths within a disc of that area round the answer
};

struct SelectiveByArea {
  int percent = 0;  // of the answered photos, those whose area of 90 % is smallest
  std::int64_t count = 0;
  double km2 = 0;                // the greatest among them
  double held = 0;               // truths within their areas of 90 %, percent
  double median_km = 0;          // error
  std::vector<double> accuracy;  // at kAccuracyKm, percent
};

struct RegionStudy {
  // Whether intervals are over photographers: some have two photos.
  bool OverPhotographers() const { return photographers < answered; }

  std::int64_t photos = 0, answered = 0;
  std::uint32_t photographers = 0;
  std::vector<AreaCoverage> coverage;        // 50 and 90 %
  std::vector<RecallAtArea> recall;          // 1 to 10^8 km2
  std::vector<SelectiveByArea> selective;    // 10 to 100 %
  std::vector<ConformalCoverage> conformal;  // each rule at 50 and 90 %
  ConformalScale scale;                      // by the rule that was asked for
};

// photos: of the truth table, those without an answer among them. Throws InputError for a rule that is none, no
// answered photo, and fewer than two photographers.
RegionStudy StudyRegions(const RerankStudy& study, const std::vector<PhotoRegions>& regions, const std::string& rule,
                         int splits, std::uint64_t seed);

// Markdown.
std::string FormatRegions(const RegionStudy& study);

}  // namespace dualgeo
