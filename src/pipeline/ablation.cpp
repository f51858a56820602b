#include "dualgeo/pipeline/ablation.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "dualgeo/eval/statistics.h"
#include "dualgeo/pipeline/photo_sets.h"
#include "dualgeo/pipeline/run_lock.h"
#include "dualgeo/refine/predictions.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "shared_folders.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// A row's name as a folder's.
std::string FolderName(const std::string& name) {
  std::string folder;
  for (const char c : name) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '=';
    if (plain) folder += c;
    if (!plain && !folder.empty() && folder.back() != '-') folder += '-';
  }
  while (!folder.empty() && (folder.back() == '-' || folder.back() == '.')) folder.pop_back();
  return folder.empty() || folder.front() == '.' ? "row" + folder : folder;
}

struct PlannedRun {
  std::size_t row = 0;
  int seed = 0;
  ExperimentOptions options;
};

std::vector<PlannedRun> Plan(const Ablation& ablation) {
  const AblationOptions& o = ablation.options;
  const fs::path shared = o.shared.empty() ? fs::path(o.run_dir) / "shared" : fs::path(o.shared);
  const std::vector<fs::path> base(o.base.begin(), o.base.end());
  std::vector<PlannedRun> runs;
  std::map<std::string, std::string> folders;
  for (std::size_t i = 0; i < ablation.rows.size(); ++i) {
    const AblationRow& row = ablation.rows[i];
    const std::string at = ablation.file.string() + ":" + std::to_string(row.line) + ": ";
    const std::string folder = FolderName(row.name);
    if (const auto [other, added] = folders.emplace(folder, row.name); !added || folder == "shared") {
      throw InputError(at + "rows '" + Printable(row.name) + "' and '" + Printable(other->second) +
                       "' would share the folder " + folder + ": rename one");
    }
    std::vector<std::string> overrides = o.overrides;
    for (const auto& [key, value] : row.settings) overrides.push_back(key + "=" + value);
    for (const int seed : o.seeds) {
      PlannedRun run{i, seed, {}};
      try {
        run.options = ReadExperiment(base, overrides);
      } catch (const InputError& error) {
        throw InputError(at + "row '" + Printable(row.name) + "': " + error.what());
      }
      run.options.runtime.seed = seed;
      run.options.evaluate.seed = seed;
      run.options.name = row.name;
      run.options.run_dir = (fs::path(o.run_dir) / folder / ("seed-" + std::to_string(seed))).string();
      if (run.options.runtime.threads == 0) run.options.runtime.threads = 1;
      ShareStages(run.options, shared, o.seeds.front());
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

// The benchmark of every run; the same photos in each, or seeds and rows could not be compared in pairs.
std::string ChooseBenchmark(const Ablation& ablation, const ExperimentOptions& options) {
  std::vector<std::string> names;
  for (const PhotoSet& set : BenchmarkSets(options)) names.push_back(set.name);
  const std::string& wanted = ablation.options.benchmark;
  const std::string file = ablation.file.string();
  if (names.empty()) throw InputError(file + ": the base has no benchmark (data.benchmarks, data.holdout)");
  if (wanted.empty() && names.size() == 1) return names.front();
  if (std::ranges::find(names, wanted) == names.end()) {
    throw InputError(file + ": benchmark '" + Printable(wanted) + "' is not one of the base's: " + Join(names));
  }
  return wanted;
}

PhotoSet SetOf(const ExperimentOptions& options, const std::string& benchmark) {
  for (PhotoSet& set : BenchmarkSets(options)) {
    if (set.name == benchmark) return set;
  }
  throw InputError("no benchmark '" + benchmark + "'");
}

Evaluation Score(const ExperimentOptions& options, const std::string& benchmark) {
  const PhotoSet set = SetOf(options, benchmark);
  EvaluateOptions evaluate = options.evaluate;
  evaluate.bootstrap = 0;
  const fs::path predictions = RunPaths(options).of(benchmark, "predictions.csv");
  return Evaluate(ReadPhotoTable(set.csv, set.columns), ReadPredictions(predictions), evaluate,
                  {benchmark, options.name, "", predictions.string(), set.csv.string()});
}

std::vector<double> TestedKm(const Ablation& ablation, const std::vector<double>& thresholds) {
  const auto& wanted = ablation.options.tested_km;
  if (wanted.empty()) return thresholds;
  for (const double km : wanted) {
    if (std::ranges::find(thresholds, km) == thresholds.end()) {
      throw InputError(ablation.file.string() + ": tested_km: " + FormatDouble(km) +
                       " is not one of the base's evaluate.thresholds_km");
    }
  }
  return wanted;
}

}  // namespace

AblationResult RunAblation(const Ablation& ablation) {
  const AblationOptions& o = ablation.options;
  std::vector<PlannedRun> runs = Plan(ablation);
  const ExperimentOptions& first = runs.front().options;
  const std::string benchmark = ChooseBenchmark(ablation, first);
  AblationResult result;
  result.name = o.name;
  result.benchmark = benchmark;
  result.seeds = o.seeds;
  result.thresholds_km = first.evaluate.thresholds_km;
  result.tested_km = TestedKm(ablation, result.thresholds_km);
  std::vector<ExperimentOptions> all;
  for (const auto& run : runs) all.push_back(run.options);
  CheckWorlds(all);

  const fs::path shared = o.shared.empty() ? fs::path(o.run_dir) / "shared" : fs::path(o.shared);
  const RunLock lock(o.run_dir);
  std::optional<RunLock> shared_lock;
  if (!o.shared.empty()) shared_lock.emplace(shared);
  TakeOverStudy(all, shared, fs::path(o.run_dir) / "logs");
  std::vector<Job> jobs;
  for (const auto& run : runs) {
    AddRunJobs(run.options, ablation.rows[run.row].name + ", seed " + std::to_string(run.seed), jobs);
  }
  const JobSummary summary = RunJobs(jobs, {"ablate", ParallelJobs(o.jobs, first.runtime.threads, first.runtime.device),
                                            fs::path(o.run_dir) / "logs"});
  spdlog::info("ablate: {} rows x {} seeds: {} stages made, {} were there already", ablation.rows.size(),
               o.seeds.size(), summary.done, summary.up_to_date);

  std::vector<std::vector<std::vector<double>>> errors(ablation.rows.size());
  std::vector<std::string> ids;
  result.provenance = ThisProvenance(DumpExperiment(first), o.seeds.front());
  result.provenance.AddFile("ablation", ablation.file);
  for (const auto& base : o.base) result.provenance.AddFile("config", base);
  result.provenance.AddFile("truth", SetOf(first, benchmark).csv);
  for (const auto& run : runs) {
    const Evaluation evaluation = Score(run.options, benchmark);
    if (evaluation.options.thresholds_km != result.thresholds_km) {
      throw InputError(ablation.file.string() + ": row '" + ablation.rows[run.row].name +
                       "' changes evaluate.thresholds_km: rows are scored alike");
    }
    std::vector<std::string> own;
    for (const auto& photo : evaluation.photos) own.push_back(photo.id);
    if (ids.empty()) ids = own;
    if (own != ids) {
      throw InputError(ablation.file.string() +
                       ": rows or seeds are scored on different photos (a holdout that the seed "
                       "draws?): they cannot be compared in pairs; name a fixed benchmark");
    }
    errors[run.row].push_back(ErrorsOrNoAnswer(evaluation));
    result.provenance.AddFile("predictions", evaluation.settings.predictions_file);
  }
  result.photos = static_cast<std::int64_t>(ids.size());
  result.synthetic = fs::exists(SetOf(first, benchmark).csv.parent_path() / "world.json");
  std::size_t reference = 0;
  for (std::size_t i = 0; i < ablation.rows.size(); ++i) {
    AblationRowResult row;
    row.row = ablation.rows[i];
    if (row.row.name == o.reference) reference = i;
    result.rows.push_back(std::move(row));
  }
  ScoreAblation(errors, reference, o.rounds, result);
  WriteFileAtomically(fs::path(o.run_dir) / "ablation.json", FormatAblation(result, TableFormat::kJson));
  WriteFileAtomically(fs::path(o.run_dir) / "ablation.csv", FormatAblation(result, TableFormat::kCsv));
  return result;
}

void ScoreAblation(const std::vector<std::vector<std::vector<double>>>& errors, std::size_t reference, int rounds,
                   AblationResult& result) {
  const auto seed = static_cast<std::uint64_t>(result.seeds.front());
  std::vector<double> over_photos, over_seeds;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    AblationRowResult& row = result.rows[i];
    row.reference = i == reference;
    const auto percent = [&](std::size_t which, double km) {
      std::vector<double> by_seed;
      for (const auto& run : errors[which]) {
        const auto within = std::ranges::count_if(run, [&](double error) { return error < km; });
        by_seed.push_back(100.0 * static_cast<double>(within) / static_cast<double>(run.size()));
      }
      return by_seed;
    };
    for (const double km : result.thresholds_km) {
      row.percent.push_back(percent(i, km));
      row.accuracy.push_back(MeanAndDeviation(row.percent.back()));
    }
    std::vector<double> geoscores;
    for (const auto& run : errors[i]) {
      double sum = 0;
      for (const double error : run) sum += GeoScore(error);
      geoscores.push_back(sum / static_cast<double>(run.size()));
    }
    row.geoscore = MeanAndDeviation(geoscores);
    if (row.reference) continue;
    const PairedDifferences differences = PairedBootstrap(errors[i], errors[reference], result.tested_km, rounds, seed);
    for (std::size_t k = 0; k < result.tested_km.size(); ++k) {
      AblationTest test;
      test.threshold_km = result.tested_km[k];
      test.difference = differences.accuracy[k];
      std::vector<double> by_photo(errors[i].front().size(), 0.0);
      for (std::size_t s = 0; s < errors[i].size(); ++s) {
        for (std::size_t p = 0; p < by_photo.size(); ++p) {
          by_photo[p] += (errors[i][s][p] < test.threshold_km ? 1.0 : 0.0) -
                         (errors[reference][s][p] < test.threshold_km ? 1.0 : 0.0);
        }
      }
      test.p_photos = PermutationTest(by_photo, rounds, seed).p_value;
      test.p_seeds = PairedTTest(percent(i, test.threshold_km), percent(reference, test.threshold_km)).p_value;
      over_photos.push_back(test.p_photos);
      if (test.p_seeds) over_seeds.push_back(*test.p_seeds);
      row.tests.push_back(std::move(test));
    }
  }
  const std::vector<double> holm_photos = HolmCorrect(over_photos), holm_seeds = HolmCorrect(over_seeds);
  std::size_t photo = 0, by_seed = 0;
  for (auto& row : result.rows) {
    for (auto& test : row.tests) {
      test.holm_photos = holm_photos[photo++];
      if (test.p_seeds) test.holm_seeds = holm_seeds[by_seed++];
      if (test.holm_photos > 0.05) {
        test.verdict = "not told apart";
      } else {
        test.verdict = test.difference.value > 0 ? "better" : "worse";
        if (!test.holm_seeds || *test.holm_seeds > 0.05) test.verdict += " (seeds?)";
      }
    }
  }
}

}  // namespace dualgeo
