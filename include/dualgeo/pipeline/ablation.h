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
// `set` and `axes` take any config key, dotted or nested. Runs share every stage whose inputs are equal,
// go on where they were interrupted, and are walked in parallel processes.
//
// Below run_dir: ablation.json, ablation.csv, ROW/seed-N/ (a run folder: config, predictions, scores, and links to the
// shared stages), and shared/ unless `shared` names a folder that several ablations use.
//
// The tests, at each of tested_km, between a row and the reference:
//   over photos  sign-flip permutation test of the per-photo differences, each the mean over seeds: would other photos
//                of the same kind say the same of these trained models? The 95 % interval resamples photos.
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

#include "dualgeo/eval/provenance.h"
#include "dualgeo/eval/significance.h"
#include "dualgeo/eval/text_table.h"
#include "dualgeo/pipeline/experiment.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

struct AblationOptions {
  std::string name = "ablation";
  std::vector<std::string> base;
  std::vector<std::string> overrides;
  std::string run_dir = "runs/ablation";
  std::string shared;
  std::vector<int> seeds = {0, 1, 2};
  std::string benchmark;
  std::string reference;
  std::string combine = "one_at_a_time";
  std::vector<double> tested_km;
  int rounds = 10000;
  int jobs = 0;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("name", name, "shown in the table");
    v.Field("base", base,
            "experiment file(s) that every row starts from; beside this file, or from the working folder");
    v.Field("overrides", overrides, "key.path=value for every row, after base and before the row's own");
    v.Field("run_dir", run_dir, "folder of everything the ablation makes");
    v.Field("shared", shared, "folder of the stages that runs share; empty: run_dir/shared");
    v.Field("seeds", seeds, "every row is run with each; the masks are made once, with the first", Range{0, 1e9});
    v.Field("benchmark", benchmark, "which of data.benchmarks is scored; empty: the only one");
    v.Field("reference", reference, "name of the row that others are tested against; empty: the first");
    v.Field("combine", combine, "axes: change one key at a time, or try all combinations (grid)",
            OneOf{{"one_at_a_time", "grid"}});
    v.Field("tested_km", tested_km, "distances that are tested, of evaluate.thresholds_km; []: all of them",
            Range{1e-6, 20100});
    v.Field("rounds", rounds, "of the bootstrap and of the permutation test", Range{100, 1e6});
    v.Field("jobs", jobs, "runs at once; 0: cores / threads of a run, one on a GPU", Range{0, 1024});
  }
  // Throws InputError: no base, no or repeated seeds.
  void Validate() const;
};

struct AblationRow {
  std::string name;
  std::vector<std::pair<std::string, std::string>> settings;  // dotted key, value as YAML
  int line = 0;                                               // in the file
};

struct Ablation {
  std::filesystem::path file;
  AblationOptions options;
  std::vector<AblationRow> rows;  // axes spelled out
};

// Throws InputError with file, line, row and key: unknown keys, rows without a name or with another's, nothing to
// compare.
Ablation ReadAblation(const std::filesystem::path& file, const std::vector<std::string>& overrides);

struct AblationTest {
  double threshold_km = 0;
  Difference difference;  // percentage points, row minus reference; interval over photos
  double p_photos = 1;
  std::optional<double> p_seeds;  // fewer than two seeds, or no deviation between them: none
  double holm_photos = 1;
  std::optional<double> holm_seeds;
  std::string verdict;
};

struct AblationRowResult {
  AblationRow row;
  bool reference = false;
  std::vector<std::vector<double>> percent;  // [threshold][seed]: percent of all photos closer than it
  std::vector<MeanDeviation> accuracy;       // one per threshold
  MeanDeviation geoscore;
  std::vector<AblationTest> tests;  // one per tested distance; none for the reference
};

struct AblationResult {
  std::string name, benchmark;
  bool synthetic = false;
  std::int64_t photos = 0;
  std::vector<int> seeds;
  std::vector<double> thresholds_km, tested_km;
  std::vector<AblationRowResult> rows;
  Provenance provenance;
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
