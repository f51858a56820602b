// The runs of a study: planned, walked, scored.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "pipeline/experiment.h"
#include "pipeline/job_pool.h"
#include "pipeline/photo_sets.h"
#include "pipeline/run_lock.h"
#include "pipeline/study.h"

namespace dualgeo {

// One setting of a study; it is run with every seed.
struct StudyVariant {
  std::string name;
  std::string folder;                  // below the study's run_dir
  std::vector<std::string> overrides;  // key.path=value
  std::string where = {};              // before messages: "a.yaml:3: row 'gated': "
  std::vector<std::string> base = {};  // experiment files instead of the study's; empty: those
};

struct StudyRun {
  std::size_t variant = 0;  // of those given
  int seed = 0;
  ExperimentOptions options;
};

// errors[seed][photo] of one variant, km (kNoAnswer: none)
using SeedErrors = std::vector<std::vector<double>>;

class StudyRuns {
 public:
  // command: for messages. Throws InputError: settings, no such benchmark, two worlds in one folder.
  StudyRuns(std::filesystem::path file, const StudyOptions& options, std::string command,
            const std::vector<StudyVariant>& variants);

  const std::vector<StudyRun>& runs() const { return runs_; }
  const ExperimentOptions& first() const { return runs_.front().options; }
  const std::filesystem::path& root() const { return root_; }
  const std::string& benchmark() const { return benchmark_; }
  // The benchmark as this run sees it.
  PhotoSet Photos(const ExperimentOptions& run) const;

  // Throws InputError unless it is one of evaluate.thresholds_km.
  void CheckTested(double km) const;

  // Makes what is not there; the study is this process's own from then on. Throws InputError, Error, Interrupted.
  JobSummary Walk();
  // Further jobs, as many at once.
  JobSummary Do(const std::vector<Job>& jobs) const;

  // Predictions against a benchmark's truth, without intervals.
  Evaluation Score(const ExperimentOptions& run, const PhotoSet& photos,
                   const std::filesystem::path& predictions) const;
  // The run's own.
  Evaluation Score(const ExperimentOptions& run) const;

  // The beginning of the result; its provenance has the study's file (as `command`), bases and truth.
  void Begin(StudyResult& result, const std::string& role) const;

 private:
  std::filesystem::path file_;
  const StudyOptions& options_;
  std::string command_;
  std::filesystem::path root_, shared_;
  std::string benchmark_;
  std::vector<StudyVariant> variants_;
  std::vector<StudyRun> runs_;
  std::optional<RunLock> lock_, shared_lock_;
};

}  // namespace dualgeo
