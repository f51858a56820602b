// A study: many runs that differ in settings and seeds, walked in parallel processes and scored on the same photos.
// Runs share every stage whose inputs are equal and go on where they were interrupted. `ablate` (pipeline/ablation.h)
// and `robustness` (pipeline/robustness.h) are two readings of one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/options_tree.h"
#include "dualgeo/eval/clusters.h"
#include "dualgeo/eval/provenance.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

struct StudyOptions {
  std::string name;
  std::vector<std::string> base;
  std::vector<std::string> overrides;
  std::string run_dir;
  std::string shared;
  std::vector<int> seeds = {0, 1, 2};
  std::string benchmark;
  int rounds = 10000;
  int jobs = 0;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("name", name, "shown in the table");
    v.Field("base", base,
            "experiment file(s) that every run starts from; beside this file, or from the working folder");
    v.Field("overrides", overrides, "key.path=value for every run, after base and before the run's own");
    v.Field("run_dir", run_dir, "folder of everything the study makes");
    v.Field("shared", shared, "folder of the stages that runs share; empty: run_dir/shared");
    v.Field("seeds", seeds, "every variant is run with each; the masks are made once, with the first", Range{0, 1e9});
    v.Field("benchmark", benchmark, "which of data.benchmarks is scored; empty: the only one");
    v.Field("rounds", rounds, "of the bootstrap and of the permutation test", Range{100, 1e6});
    v.Field("jobs", jobs, "processes at once; 0: cores / threads of a run, one on a GPU", Range{0, 1024});
  }
  // Throws InputError: no base, no or repeated seeds.
  void Validate() const;
};

// What every study's result begins with.
struct StudyResult {
  std::string name, benchmark;
  bool synthetic = false;
  std::int64_t photos = 0;
  std::vector<int> seeds;
  std::vector<double> thresholds_km;
  std::optional<PhotoClusters> clusters = std::nullopt;  // what intervals and tests over photos are over instead
  Provenance provenance;
};

// Experiment files that lie beside `file` get their whole names.
void FindBases(const std::filesystem::path& file, std::vector<std::string>& bases);

// Reads a study's file into `options`, whose tree is `tree`. others: top-level keys that the caller reads. Throws
// InputError with file, line and key.
void ReadStudyFile(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                   const OptionGroup& tree, StudyOptions& options, const std::vector<std::string>& others = {});

}  // namespace dualgeo
