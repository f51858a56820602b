#include "pipeline/run.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>

#include "config/config.h"
#include "dualgeo/util/error.h"
#include "eval/comparison_table.h"
#include "eval/tables.h"
#include "pipeline/run_info.h"
#include "pipeline/run_lock.h"
#include "pipeline/step.h"
#include "runtime/processes.h"
#include "stages/stage.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

class RunWalk {
 public:
  explicit RunWalk(const ExperimentOptions& options) : run_(options) {}

  // Walks the wanted stages, of these alone those in `only` unless it is empty. Returns how many steps were not up to
  // date. finishes: then all of the run is there.
  int Walk(const std::vector<std::string>& only, bool finishes) {
    TakeOver(only);
    if (only.empty()) {
      std::size_t steps = 0;
      for (const auto& walked : stages_) steps += walked.steps.size();
      runner_->Expect(steps);
    }
    for (const auto& [stage, steps] : stages_) {
      if (stage->reads_run_config && finishes) WriteConfig();
      for (const Step& step : steps) Run(step, finishes);
    }
    if (finishes) WriteConfig();
    return runner_->done();
  }

  // Rewrites what an earlier version recorded of them; runs nothing.
  void TakeOver(const std::vector<std::string>& only) {
    std::vector<Step> all;
    for (const Stage& stage : Stages()) {
      if (!only.empty() && std::ranges::find(only, stage.name) == only.end()) continue;
      if (!IsWanted(stage, run_.options)) continue;
      stages_.push_back({&stage, stage.steps(stage, run_)});
      all.insert(all.end(), stages_.back().steps.begin(), stages_.back().steps.end());
    }
    runner_.emplace(run_.paths.root);
    runner_->TakeOver(all);
  }

  const StageRun& run() const { return run_; }

 private:
  struct Walked {
    const Stage* stage;
    std::vector<Step> steps;
  };

  // A step that replaced what the kept config speaks of has it replaced, too, whatever becomes of the run.
  void Run(const Step& step, bool finishes) {
    const int before = runner_->changed();
    const auto keep = [&] {
      if (finishes && runner_->changed() > before && HadConfig()) WriteConfig();
    };
    try {
      runner_->Run(step);
    } catch (...) {
      try {
        keep();
      } catch (const Error& error) {
        spdlog::warn("{}", error.what());
      }
      throw;
    }
    keep();
  }

  // The config that made what is there, for `locate` and the report: written when it is there, not when it is wished
  // for. A run that changed nothing leaves it.
  void WriteConfig() {
    if (!AllProcesses().first() || (config_written_ && fs::exists(run_.paths.config()))) return;
    if (runner_->changed() == 0 && ConfigIsRight()) return;
    WriteRunInfo(run_.paths.info(), run_.options);  // first: by it a config is known to be a run's
    WriteFileAtomically(run_.paths.config(), DumpExperiment(run_.options));
    config_written_ = true;
    std::error_code ignored;
    fs::remove(run_.paths.config_before(), ignored);
  }

  bool HadConfig() const { return fs::exists(run_.paths.config()) || fs::exists(run_.paths.config_before()); }

  bool ConfigIsRight() const {
    if (!fs::exists(run_.paths.config()) || !fs::exists(run_.paths.info())) return false;
    try {
      const auto values = [](ExperimentOptions options) {
        return ValuesThat({Affects::kResult, Affects::kTraining}, OptionTree(options));
      };
      return values(ReadKeptExperiment(run_.paths.config())) == values(run_.options);
    } catch (const InputError&) {
      return false;
    }
  }

  const StageRun run_;
  std::vector<Walked> stages_;
  std::optional<StepRunner> runner_;
  bool config_written_ = false;
};

BenchmarkScores ScoresOf(const StageRun& run, const PhotoSet& set) {
  const ExperimentOptions& o = run.options;
  const PhotoTable truth = ReadPhotoTable(set.csv, set.columns);
  const fs::path candidates = run.paths.candidates(set.name);
  const auto lists = ReadCandidates(candidates);
  const auto score = [&](const std::vector<Prediction>& predictions, const std::string& method) {
    return Evaluate(truth, predictions, o.evaluate,
                    {set.name, method, NoteOf(set), candidates.string(), set.csv.string()});
  };
  BenchmarkScores scores;
  scores.name = set.name;
  scores.evaluations.push_back(score(RankOne(lists), "rank 1"));
  scores.evaluations.push_back(ScorePredictions(run, set));
  scores.evaluations.push_back(score(Oracle(lists, truth, o.search.top_k, ParseDistanceKind(o.evaluate.distance)),
                                     "best of top " + std::to_string(o.search.top_k)));
  const EvaluationSubject rank1{set.name, "rank 1", NoteOf(set), candidates.string(), set.csv.string()};
  if (const auto own = WithoutOwnPhotos(lists, truth, o.evaluate, rank1)) scores.evaluations.push_back(own->evaluation);
  if (HasStep(o, "untrained")) {
    scores.evaluations.push_back(ScorePredictions(Untrained(run), set));
    scores.against_untrained = Compare(scores.evaluations[1], scores.evaluations.back());
  }
  return scores;
}

// A run keeps its config as config.yaml, and would replace one that somebody wrote there.
void CheckConfigIsOurs(const RunPaths& paths) {
  if (!fs::exists(paths.config()) || fs::exists(paths.info())) return;
  throw InputError("run_dir " + paths.root.string() + ": holds a config.yaml that no run has made (no run.json is " +
                   "beside it), and the run's own would replace it; name another run_dir");
}

}  // namespace

std::vector<BenchmarkScores> RunPipeline(const ExperimentOptions& options) {
  CheckConfigIsOurs(RunPaths(options));
  RunWalk run(options);
  const RunLock lock(options.run_dir);
  AllProcesses().RequireSame("config", DumpExperiment(options));
  run.Walk({}, /*finishes=*/true);
  std::vector<BenchmarkScores> scores;
  if (!HasStep(options, "evaluate") || !AllProcesses().first()) return scores;
  for (const PhotoSet& set : run.run().benchmarks) scores.push_back(ScoresOf(run.run(), set));
  return scores;
}

int RunStages(const ExperimentOptions& options, const std::vector<std::string>& only, bool finishes) {
  if (only.empty()) throw Error("RunStages: no stage named");
  return RunWalk(options).Walk(only, finishes);
}

void TakeOverRecords(const ExperimentOptions& options) { RunWalk(options).TakeOver({}); }

std::string FormatScores(const std::vector<BenchmarkScores>& scores) {
  std::string text;
  for (const auto& benchmark : scores) {
    text += FormatTable(benchmark.evaluations, TableFormat::kMarkdown) + "\n";
    if (!benchmark.against_untrained.empty()) {
      text += FormatComparison("trained", "untrained", benchmark.against_untrained,
                               OverWhat(benchmark.evaluations.front().subject.clusters)) +
              "\n";
    }
  }
  return text;
}

}  // namespace dualgeo
