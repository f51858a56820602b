// Re-ranking methods and settings side by side on lists whose truth is known.
//
// A setting that is the best of many on the photos it is scored on looks better than it is. So every method with a grid
// of settings has, beside its grid, a row whose settings were chosen for each fold of photographers on the other folds,
// and the best row of the grid is marked as chosen on its own test data. The same for bayes: fitted on the other folds,
// against fitted on what it is scored on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "eval/held_out.h"
#include "eval/significance.h"

namespace dualgeo {

struct SweepOptions {
  std::vector<std::string> methods;  // of RerankerNames(); empty: all
  std::vector<double> eps_km = {5, 10, 20, 30, 50, 100};
  std::vector<int> min_samples = {2, 3};
  std::vector<int> top_k = {5, 10, 20};
  std::vector<double> density_km = {1, 4, 25, 100};
  std::vector<double> bandwidth_km = {50, 200, 500};
  std::vector<double> sigma_deg = {0.25, 1, 4};
  RerankOptions rerank;  // all other settings
  FitOptions fit;        // of bayes on the other folds
  int folds = 5;
  std::int64_t seed = 0;
  EvaluateOptions evaluate;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("methods", methods, "methods side by side; empty: all", OneOf{RerankerNames()});
    v.Field("eps_km", eps_km, "dbscan's grid", Range{0, 20100});
    v.Field("min_samples", min_samples, "dbscan's grid", Range{1, 1e6});
    v.Field("top_k", top_k, "grid of all methods but bayes", Range{1, 1e6});
    v.Field("density_km", density_km, "density's grid", Range{1e-3, 20100});
    v.Field("bandwidth_km", bandwidth_km, "mean_shift's grid", Range{1e-3, 10000});
    v.Field("sigma_deg", sigma_deg, "kde's grid", Range{1e-3, 20});
    v.Field("folds", folds, "author-disjoint folds", Range{2, 1000});
  }

  // Throws InputError naming field, value and what is allowed.
  void Validate() const;
};

enum class Choice {
  kFixed,       // nothing was chosen by looking at the truth
  kOtherFolds,  // settings or parameters come from other photographers of the same lists
  kGrid,        // one row of a grid
  kSameData,    // the best row of a grid, or parameters fitted on the photos they are scored on: optimistic
};

struct SweepRow {
  std::string method;
  std::string settings;
  Choice choice = Choice::kFixed;
  Evaluation evaluation;
  double mean_accuracy = 0;                  // over the thresholds, percent
  std::vector<PairedComparison> comparison;  // against the reference row, which is a; empty for itself
};

// The first row is the reference: DualGeo's DBSCAN (eps 50, min_samples 2, arithmetic_mean, top_k of `rerank`).
std::vector<SweepRow> SweepRerankers(const RerankStudy& study, const SweepOptions& options);

// Where photos have an LMM's answer too: rank 1, the answer alone (the reference), the list's bayes, and the two
// together, the last two fitted on other folds.
std::vector<SweepRow> CompareWithAnswers(const RerankStudy& study, const SweepOptions& options);

// Markdown, with what the marks mean below.
std::string FormatSweep(const std::vector<SweepRow>& rows);
// {"rows": [...], "provenance": {...}}
std::string SweepJson(const std::vector<SweepRow>& rows, const Provenance& provenance);

}  // namespace dualgeo
