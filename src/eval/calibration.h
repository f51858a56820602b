// Does re-ranking know how sure it is? Stated probabilities against what happened, and the accuracy of the answers it
// is surest of.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "dualgeo/geo/distance.h"
#include "eval/held_out.h"

namespace dualgeo {

// Answers whose stated probability lies in [low, high).
struct CalibrationBin {
  double low = 0, high = 0;
  std::int64_t count = 0;
  double stated = 0;    // mean, percent
  double observed = 0;  // percent
  Interval ci95;        // of observed (Wilson, over clusters where there are some)
};

struct ThresholdCalibration {
  double threshold_km = 0;
  double stated = 0, observed = 0;   // over all answers, percent
  double brier = 0;                  // mean squared difference of probability and outcome (Brier 1950); less is better
  double expected_error = 0;         // mean distance of stated and observed over the bins, weighted by count, percent
  std::vector<CalibrationBin> bins;  // ten of equal width; empty ones are left out
};

// Answers of about equal confidence_km: a fifth of all.
struct RadiusGroup {
  double from_km = 0, to_km = 0;
  std::int64_t count = 0;
  double held = 0;  // truths within their radius, percent; 50 is meant
  Interval ci95;
};

struct Calibration {
  std::int64_t count = 0;  // answers
  std::array<ThresholdCalibration, kAccuracyKm.size()> thresholds;
  double held = 0;  // of all answers, percent
  Interval held_ci95;
  std::vector<RadiusGroup> radii;
  std::string over = "photos";  // what intervals are over (OverWhat)
};

// Photos without an estimate do not count: they state nothing. clusters: of the truth's rows; nullptr: none.
Calibration Calibrate(const RerankStudy& study, const Estimates& estimates, DistanceKind distance,
                      const PhotoClusters* clusters = nullptr);

// The surest share of the answers, by confidence_km.
struct SelectiveRow {
  int percent = 0;  // of the answered photos
  std::int64_t count = 0;
  double confidence_km = 0;                           // the greatest among them
  std::array<double, kAccuracyKm.size()> accuracy{};  // percent
  std::array<Interval, kAccuracyKm.size()> ci95;
};

// 10, 20 .. 100 %.
std::vector<SelectiveRow> SelectiveCurve(const RerankStudy& study, const Estimates& estimates, DistanceKind distance,
                                         const PhotoClusters* clusters = nullptr);

// Markdown.
std::string FormatCalibration(const Calibration& calibration);
std::string FormatSelective(const std::vector<SelectiveRow>& rows);

}  // namespace dualgeo
