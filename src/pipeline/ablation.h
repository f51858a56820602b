// `dualgeo ablate`: what does each part bring? One YAML file names a base config and what is changed in it, row by row;
// every row is run with every seed, and one table says which differences from the reference row are real.
//
//   base: base.yaml                        # looked for beside this file, then from the working folder; or a list
//   seeds: [0, 1, 2]
//   benchmark: query
//   rows:                                  # in this order
//     - {name: cross-attention}            # the base as it is; the first row is the reference
//     - {name: gated, set: {model.fusion.type: gated}}
//   axes:                                  # and/or: keys with the values they take
//     loss.segmentation_gps: [0, 0.5, 2]   # one key at a time, or (combine: grid) all combinations
//
// A row may name a `base` of its own, {name: PlaNet, base: systems/planet.yaml}: another system on the same photos.
// "{seed}" in a value of `set` is the run's seed, so that a row can name the runs of those before it, which it waits
// for: a router's, or one whose weights it starts from. A row that is there for that alone says `part: true`, and is
// neither shown nor tested. Where the steps of a row have `untrained`, a second table says whether training brought
// anything.
//
// `set` and `axes` take any config key, dotted or nested. Runs share every stage whose inputs are equal,
// go on where they were interrupted, and are walked in parallel processes.
//
// Below run_dir: ablation.json, ablation.csv, ROW/seed-N/ (a run folder: config, predictions, scores, and links to the
// shared stages), and shared/ unless `shared` names a folder that several ablations use.
//
// The tests, at each of tested_km, between a row and the reference:
//   over photos  sign-flip permutation test of the per-photo differences, each the mean over seeds: would other photos
//                of the same kind say the same of these trained models? The 95 % interval resamples photos. Where the
//                benchmark has photographers (evaluate.cluster), both are over them: the signs of all photos of one are
//                flipped together (eval/cluster_statistics.h).
//   over seeds   paired t-test: would other seeds say the same? With three seeds it takes a large and steady
//   difference.
// Each is corrected by Holm's method over all rows and distances tested.
//   better, worse         both at most 0.05
//   better/worse (seeds?) over photos at most 0.05, over seeds not (or not testable)
//   not told apart        over photos above 0.05
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/significance.h"
#include "eval/text_table.h"
#include "pipeline/run_costs.h"
#include "pipeline/study.h"

namespace dualgeo {

struct AblationOptions : StudyOptions {
  std::string reference;
  std::string combine = "one_at_a_time";
  std::vector<double> tested_km;

  AblationOptions() {
    name = "ablation";
    run_dir = "runs/ablation";
  }
  template <class Visitor>
  void Visit(Visitor& v) {
    StudyOptions::Visit(v);
    v.Field("reference", reference, "name of the row that others are tested against; empty: the first");
    v.Field("combine", combine, "axes: change one key at a time, or try all combinations (grid)",
            OneOf{{"one_at_a_time", "grid"}});
    v.Field("tested_km", tested_km, "distances that are tested, of evaluate.thresholds_km; []: all of them",
            Range{1e-6, 20100});
  }
};

struct AblationRow {
  std::string name;
  std::vector<std::pair<std::string, std::string>> settings;  // dotted key, value as YAML
  int line = 0;                                               // in the file
  std::vector<std::string> base = {};                         // experiment files instead of the study's; empty: those
  bool part = false;                                          // of a row after it: made, not shown
};

struct Ablation {
  std::filesystem::path file;
  AblationOptions options;
  std::vector<AblationRow> rows;  // axes spelled out
};

// Throws InputError with file, line, row and key: unknown keys, rows without a name or with another's, nothing to
// compare.
Ablation ReadAblationFile(const std::filesystem::path& file, const std::vector<std::string>& overrides);

struct AblationTest {
  double threshold_km = 0;
  Difference difference;  // percentage points, row minus reference; interval over photos or clusters
  double p_photos = 1;
  std::optional<double> p_seeds;  // fewer than two seeds, or no deviation between them: none
  double holm_photos = 1;
  std::optional<double> holm_seeds;
  std::string verdict;
};

// The same model before any training.
struct UntrainedRow {
  std::vector<std::vector<double>> percent;  // [threshold][seed]
  // [threshold]: McNemar's exact test (over clusters: ClusterHitTest) against the trained one, the largest of the seeds
  std::vector<double> p;
};

struct AblationRowResult {
  AblationRow row;
  bool reference = false;
  std::vector<std::vector<double>> percent;  // [threshold][seed]: percent of all photos closer than it
  std::vector<MeanDeviation> accuracy;       // one per threshold
  MeanDeviation geoscore;
  std::vector<AblationTest> tests;  // one per tested distance; none for the reference
  std::optional<UntrainedRow> untrained;
  RunCosts costs;  // mean over seeds
};

struct AblationResult : StudyResult {
  std::vector<double> tested_km;
  std::vector<AblationRowResult> rows;
};

// Runs what is not yet there and scores it. Writes ablation.json and ablation.csv. Throws InputError, Error (naming row
// and seed), Interrupted (then run it again).
AblationResult RunAblation(const Ablation& ablation);

// errors[row][seed][photo], km (kNoAnswer: none): fills in accuracies and tests. For RunAblation and its tests.
void ScoreAblation(const std::vector<std::vector<std::vector<double>>>& errors, std::size_t reference, int rounds,
                   AblationResult& result);

// The table of accuracies, and that of differences from the reference. kJson: ablation.json's content.
std::string FormatAblation(const AblationResult& result, TableFormat format);

// docs/ablation.md's table of keys.
std::string DocumentAblation();

}  // namespace dualgeo
