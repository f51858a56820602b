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

#include "data/data_options.h"
#include "eval/text_table.h"
#include "pipeline/claim.h"
#include "pipeline/study.h"

namespace dualgeo {

struct RobustnessOptions : StudyOptions {
  std::vector<std::string> conditions;
  bool degrade = true;
  std::vector<int> severities = {1, 2, 3, 4, 5};
  std::vector<std::string> masks = {"recomputed", "clean"};
  std::map<std::string, PhotoSetOptions> rendered;
  std::int64_t degrade_seed = 0;
  double tested_km = 25;
  double negligible = 1.0;
  bool keep_photos = false;

  RobustnessOptions() {
    name = "robustness";
    run_dir = "runs/robustness";
  }
  template <class Visitor>
  void Visit(Visitor& v) {
    StudyOptions::Visit(v);
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
    v.Field("keep_photos", keep_photos, "keep the degraded photos and their masks below conditions/");
  }
  // Throws InputError: as StudyOptions; unknown conditions, nothing to do, masks without recomputed.
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
  std::vector<Interval> ci95;    // Wilson, over photos or clusters
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

struct RobustnessResult : StudyResult {
  ClaimRule rule;
  std::vector<RobustnessCondition> conditions;
};

// Runs what is not yet there. Writes robustness.json and robustness.csv. Throws InputError, Error, Interrupted (then
// run it again).
RobustnessResult RunRobustness(const Robustness& robustness);

// The verdicts, and accuracy against severity. kJson: robustness.json's content.
std::string FormatRobustness(const RobustnessResult& result, TableFormat format);

// docs/robustness.md's table of keys.
std::string DocumentRobustness();

}  // namespace dualgeo
