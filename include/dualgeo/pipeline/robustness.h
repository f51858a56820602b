// `dualgeo robustness`: how do image-only, segmentation-only and dual-view models take photos that training never saw
// the like of, and does the paper's claim hold for them (pipeline/claim.h)?
//
//   base: base.yaml
//   seeds: [0, 1, 2]
//   benchmark: query
//   conditions: []                 # of the degradations (degrade/degrade.h); []: all of them
//   rendered:                      # photos really taken (or rendered) under another condition, of the benchmark's ids
//     night: {csv: .../night/query.csv, images: .../night/images}
//
// Each view is a model of its own, trained from the base with each seed: model.views image with gallery.features
// [image]; segmentation with [segmentation]; both as the base says. The gallery stays as it is, of clean photos. Photos
// of the benchmark are degraded at each severity, and their masks are
//   recomputed   by the segmenter from the degraded photo: real use
//   clean        kept from the clean photo: the upper bound, what a segmenter that nothing disturbs would give
// Severity 0 is the photo as it is; a rendered condition is severity 1.
//
// Below run_dir: robustness.json, robustness.csv, VIEW/seed-N/ (run folders), shared/ unless named elsewhere, and
// conditions/NAME-SEVERITY/ with the predictions; the degraded photos are removed after use unless keep_photos.
// Finished conditions are not repeated; what is interrupted goes on.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/data/data_options.h"
#include "dualgeo/eval/provenance.h"
#include "dualgeo/eval/text_table.h"
#include "dualgeo/pipeline/claim.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

struct RobustnessOptions {
  std::string name = "robustness";
  std::vector<std::string> base;
  std::vector<std::string> overrides;
  std::string run_dir = "runs/robustness";
  std::string shared;
  std::vector<int> seeds = {0, 1, 2};
  std::string benchmark;
  std::vector<std::string> conditions;
  bool degrade = true;
  std::vector<int> severities = {1, 2, 3, 4, 5};
  std::vector<std::string> masks = {"recomputed", "clean"};
  std::map<std::string, PhotoSetOptions> rendered;
  std::int64_t degrade_seed = 0;
  double tested_km = 25;
  double negligible = 1.0;
  int rounds = 10000;
  bool keep_photos = false;
  int jobs = 0;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("name", name, "shown in the table");
    v.Field("base", base,
            "experiment file(s) that every view starts from; beside this file, or from the working folder");
    v.Field("overrides", overrides, "key.path=value for every view, after base");
    v.Field("run_dir", run_dir, "folder of everything the command makes");
    v.Field("shared", shared, "folder of the stages that runs share; empty: run_dir/shared");
    v.Field("seeds", seeds, "every view is trained with each; the masks are made once, with the first", Range{0, 1e9});
    v.Field("benchmark", benchmark, "which of data.benchmarks is degraded; empty: the only one");
    v.Field("conditions", conditions,
            "night dusk overexposure underexposure fog rain snow season blur noise jpeg; []: all of them");
    v.Field("degrade", degrade, "false: no degraded photos, only `rendered`");
    v.Field("severities", severities, "the verdict is over the upper half of them", Range{1, 5});
    v.Field("masks", masks, "recomputed (needed for the verdict), and clean as the upper bound",
            OneOf{{"recomputed", "clean"}});
    v.Map("rendered", rendered, "photos of the benchmark under another condition, with its ids");
    v.Field("degrade_seed", degrade_seed, "another seed is another rain");
    v.Field("tested_km", tested_km, "the distance of the verdict, one of evaluate.thresholds_km", Range{1e-6, 20100});
    v.Field("negligible", negligible, "a margin of fewer percentage points is none", Range{0, 100});
    v.Field("rounds", rounds, "of the bootstrap and of the permutation test", Range{100, 1e6});
    v.Field("keep_photos", keep_photos, "keep the degraded photos and their masks below conditions/");
    v.Field("jobs", jobs, "processes at once; 0: cores / threads of a run, one on a GPU", Range{0, 1024});
  }
  // Throws InputError: no base, no seeds, unknown conditions, nothing to do, masks without recomputed.
  void Validate() const;
};

struct Robustness {
  std::filesystem::path file;
  RobustnessOptions options;
};

// Throws InputError with file, line and key.
Robustness ReadRobustnessFile(const std::filesystem::path& file, const std::vector<std::string>& overrides);

struct RobustnessPoint {
  int severity = 0;
  std::vector<double> accuracy;  // percent at each threshold, mean over seeds
  std::vector<Interval> ci95;    // Wilson, over photos
};

struct RobustnessCurve {
  std::string view;   // both | image | segmentation
  std::string masks;  // recomputed | clean | none
  std::vector<RobustnessPoint> points;
};

struct RobustnessCondition {
  std::string name;
  std::string source;  // degraded | rendered
  std::string what;
  ClaimVerdict verdict;
  std::vector<RobustnessCurve> curves;
};

struct RobustnessResult {
  std::string name, benchmark;
  bool synthetic = false;
  std::int64_t photos = 0;
  std::vector<int> seeds;
  std::vector<double> thresholds_km;
  ClaimRule rule;
  std::vector<RobustnessCondition> conditions;
  Provenance provenance;
};

// Runs what is not yet there. Writes robustness.json and robustness.csv. Throws InputError, Error, Interrupted (then
// run it again).
RobustnessResult RunRobustness(const Robustness& robustness);

// The verdicts, and accuracy against severity. kJson: robustness.json's content.
std::string FormatRobustness(const RobustnessResult& result, TableFormat format);

// docs/robustness.md's table of keys.
std::string DocumentRobustness();

}  // namespace dualgeo
