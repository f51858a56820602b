#include "study_runs.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <span>
#include <utility>

#include "config/config.h"
#include "dualgeo/refine/predictions.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/text.h"
#include "pipeline/run.h"
#include "shared_folders.h"
#include "stages/stage.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

std::string AnswerKey(const std::string& run_dir) { return "answer-" + Sha256(Spelled(run_dir)).substr(0, 12); }

// The jobs of runs listed before that this one's config names the folder of: it takes their candidates or weights.
std::vector<std::string> JobsNamedBy(const ExperimentOptions& options, std::span<const StudyRun> before) {
  const std::string config = DumpExperiment(options);
  std::vector<std::string> keys;
  for (const StudyRun& run : before) {
    const std::string& folder = run.options.run_dir;
    for (auto at = config.find(folder); at != std::string::npos; at = config.find(folder, at + 1)) {
      const std::size_t end = at + folder.size();
      if (end < config.size() && std::isalnum(static_cast<unsigned char>(config[end])))
        continue;  // seed-10 is not seed-1
      keys.push_back(AnswerKey(folder));
      break;
    }
  }
  return keys;
}

// "{seed}" in a value is the run's.
std::string WithSeed(std::string text, int seed) {
  static const std::string kSeed = "{seed}";
  for (std::size_t at = 0; (at = text.find(kSeed, at)) != std::string::npos;) {
    text.replace(at, kSeed.size(), std::to_string(seed));
  }
  return text;
}

// The jobs that walk one run: one a shared stage, in order, and one for what it makes by itself, up to the scores. All
// of them wait for `named`: the first may be another run's, too, which does not.
void AddRunJobs(const ExperimentOptions& options, const std::string& label, const std::vector<std::string>& named,
                std::vector<Job>& jobs) {
  std::vector<std::string> after = named, own;
  for (const Stage& stage : Stages()) {
    if (!IsWanted(stage, options)) continue;
    if (stage.folder == nullptr && (stage.of_model || stage.in_studies)) own.emplace_back(stage.name);
    if (stage.folder == nullptr) continue;
    const fs::path folder = options.layout.at(stage.folder);
    const auto work = [options, folder, &stage] {
      const fs::path config = folder / "config.yaml";
      if (!fs::exists(config)) WriteFileAtomically(config, DumpExperiment(options));
      ExperimentOptions o = options;
      if (stage.takes_all_cores) o.runtime.threads = 0;
      return RunStages(o, {stage.name}, /*finishes=*/false) > 0;
    };
    jobs.push_back({folder.filename().string(), std::string(stage.name) + " (" + label + ")", after, work});
    after = named;
    after.push_back(jobs.back().key);
  }
  const auto answer = [options, own] {
    LinkStages(options);
    return !own.empty() && RunStages(options, own, /*finishes=*/true) > 0;
  };
  jobs.push_back({AnswerKey(options.run_dir), "answer (" + label + ")", after, answer});
}

// Rewrites what an earlier version recorded of the stages of all runs, in a process of its own, since this one is still
// to fork.
void TakeOverStudy(const std::vector<ExperimentOptions>& runs, const fs::path& shared, const fs::path& logs) {
  if (!fs::exists(shared)) return;
  const auto work = [&runs] {
    for (const ExperimentOptions& run : runs) TakeOverRecords(run);
    return false;
  };
  RunJobs({{"records", "records of an earlier version", {}, work}}, {"study", 1, logs});
}

}  // namespace

void StudyOptions::Validate() const {
  if (base.empty()) throw InputError("base: names no experiment file");
  if (run_dir.empty()) throw InputError("run_dir is empty: it must name a folder");
  if (seeds.empty()) throw InputError("seeds: [] given; one seed is needed at least");
  if (std::set<int>(seeds.begin(), seeds.end()).size() != seeds.size()) throw InputError("seeds: one is given twice");
}

void ReadStudyFile(const fs::path& file, const std::vector<std::string>& overrides, const OptionGroup& tree,
                   StudyOptions& options, const std::vector<std::string>& others) {
  ApplyConfigFile(tree, file, others);
  for (const auto& override : overrides) ApplyConfigOverride(tree, override);
  try {
    ValidateConfig(tree);
  } catch (const InputError& error) {
    throw InputError(file.string() + ": " + error.what());
  }
  FindBases(file, options.base);
}

void FindBases(const fs::path& file, std::vector<std::string>& bases) {
  for (auto& base : bases) {
    if (const fs::path beside = file.parent_path() / base; fs::exists(beside)) base = beside.string();
  }
}

StudyRuns::StudyRuns(fs::path file, const StudyOptions& options, std::string command,
                     const std::vector<StudyVariant>& variants)
    : file_(std::move(file)),
      options_(options),
      command_(std::move(command)),
      root_(options.run_dir),
      shared_(options.shared.empty() ? root_ / "shared" : fs::path(options.shared)),
      variants_(variants) {
  for (std::size_t i = 0; i < variants.size(); ++i) {
    for (const int seed : options.seeds) {
      std::vector<std::string> overrides = options.overrides;
      for (const std::string& override : variants[i].overrides) overrides.push_back(WithSeed(override, seed));
      StudyRun run{i, seed, {}};
      ExperimentOptions& o = run.options;
      try {
        const auto& base = variants[i].base.empty() ? options.base : variants[i].base;
        o = ReadExperiment({base.begin(), base.end()}, overrides);
      } catch (const InputError& error) {
        throw InputError(variants[i].where + error.what());
      }
      o.runtime.seed = o.evaluate.seed = seed;
      o.name = variants[i].name;
      o.run_dir = (root_ / variants[i].folder / ("seed-" + std::to_string(seed))).string();
      if (o.runtime.threads == 0) o.runtime.threads = 1;
      ShareStages(o, shared_, options.seeds.front());
      runs_.push_back(std::move(run));
    }
  }
  std::vector<std::string> names;
  for (const PhotoSet& set : BenchmarkSets(first())) names.push_back(set.name);
  if (names.empty()) throw InputError(file_.string() + ": the base has no benchmark (data.benchmarks, data.holdout)");
  benchmark_ = options.benchmark.empty() && names.size() == 1 ? names.front() : options.benchmark;
  if (std::ranges::find(names, benchmark_) == names.end()) {
    throw InputError(file_.string() + ": benchmark '" + Printable(benchmark_) +
                     "' is not one of the base's: " + Join(names));
  }
}

PhotoSet StudyRuns::Photos(const ExperimentOptions& run) const {
  for (PhotoSet& set : BenchmarkSets(run)) {
    if (set.name == benchmark_) return set;
  }
  throw InputError("no benchmark '" + benchmark_ + "'");
}

void StudyRuns::CheckTested(double km) const {
  const auto& thresholds = first().evaluate.thresholds_km;
  if (std::ranges::find(thresholds, km) != thresholds.end()) return;
  throw InputError(file_.string() + ": tested_km: " + FormatDouble(km) +
                   " is not one of the base's evaluate.thresholds_km");
}

JobSummary StudyRuns::Walk() {
  std::vector<ExperimentOptions> all;
  for (const StudyRun& run : runs_) all.push_back(run.options);
  CheckWorlds(all);
  lock_.emplace(root_);
  if (!options_.shared.empty()) shared_lock_.emplace(shared_);
  TakeOverStudy(all, shared_, root_ / "logs");
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const ExperimentOptions& options = runs_[i].options;
    const std::string label = variants_[runs_[i].variant].name + ", seed " + std::to_string(runs_[i].seed);
    AddRunJobs(options, label, JobsNamedBy(options, std::span(runs_).first(i)), jobs);
  }
  return Do(jobs);
}

JobSummary StudyRuns::Do(const std::vector<Job>& jobs) const {
  const RuntimeOptions& runtime = first().runtime;
  return RunJobs(jobs, {command_, ParallelJobs(options_.jobs, runtime.threads, runtime.device), root_ / "logs"});
}

Evaluation StudyRuns::Score(const ExperimentOptions& run, const PhotoSet& photos, const fs::path& predictions) const {
  EvaluateOptions evaluate = run.evaluate;
  evaluate.bootstrap = 0;
  return Evaluate(ReadPhotoTable(photos.csv, photos.columns), ReadPredictions(predictions), evaluate,
                  {benchmark_, run.name, "", predictions.string(), photos.csv.string()});
}

Evaluation StudyRuns::Score(const ExperimentOptions& run) const {
  return Score(run, Photos(run), RunPaths(run).of(benchmark_, "predictions.csv"));
}

void StudyRuns::Begin(StudyResult& result, const std::string& role) const {
  const PhotoSet photos = Photos(first());
  result.name = options_.name;
  result.benchmark = benchmark_;
  result.synthetic = !NoteOf(photos).empty();
  result.seeds = options_.seeds;
  result.thresholds_km = first().evaluate.thresholds_km;
  result.clusters = ChooseClusters(first().evaluate.cluster, ReadPhotoTable(photos.csv, photos.columns));
  result.provenance = ThisProvenance(DumpExperiment(first()), options_.seeds.front());
  result.provenance.AddFile(role, file_);
  for (const auto& base : options_.base) result.provenance.AddFile("config", base);
  result.provenance.AddFile("truth", photos.csv);
}

}  // namespace dualgeo
