#include "pipeline/ablation.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "eval/cluster_statistics.h"
#include "eval/statistics.h"
#include "pipeline/run_paths.h"
#include "pipeline/stages.h"
#include "study_runs.h"
#include "util/atomic_file.h"

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

std::vector<StudyVariant> Variants(const Ablation& ablation) {
  std::vector<StudyVariant> variants;
  std::map<std::string, std::string> folders;
  for (const AblationRow& row : ablation.rows) {
    const std::string at = ablation.file.string() + ":" + std::to_string(row.line) + ": ";
    StudyVariant variant{row.name, FolderName(row.name), {}, at + "row '" + Printable(row.name) + "': ", row.base};
    if (const auto [other, added] = folders.emplace(variant.folder, row.name); !added || variant.folder == "shared") {
      throw InputError(at + "rows '" + Printable(row.name) + "' and '" + Printable(other->second) +
                       "' would share the folder " + variant.folder + ": rename one");
    }
    for (const auto& [key, value] : row.settings) variant.overrides.push_back(key + "=" + value);
    variants.push_back(std::move(variant));
  }
  return variants;
}

// errors[row][seed][photo], none of rows that are parts; the same photos in each, or seeds and rows could not be
// compared in pairs.
std::vector<SeedErrors> ErrorsOf(const Ablation& ablation, const StudyRuns& study, AblationResult& result) {
  std::vector<SeedErrors> errors(ablation.rows.size());
  std::vector<std::string> ids;
  for (const StudyRun& run : study.runs()) {
    if (ablation.rows[run.variant].part) continue;
    const Evaluation evaluation = study.Score(run.options);
    if (evaluation.options.thresholds_km != result.thresholds_km) {
      throw InputError(ablation.file.string() + ": row '" + ablation.rows[run.variant].name +
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
    errors[run.variant].push_back(ErrorsOrNoAnswer(evaluation));
    result.provenance.AddFile("predictions", evaluation.subject.predictions_file);
  }
  result.photos = static_cast<std::int64_t>(ids.size());
  return errors;
}

// Of one row: errors[seed][photo] of the trained models, and the predictions of the untrained ones.
std::optional<UntrainedRow> ScoreUntrained(const StudyRuns& study, std::size_t row, const SeedErrors& trained,
                                           int rounds, const AblationResult& about) {
  SeedErrors untrained;
  for (const StudyRun& run : study.runs()) {
    if (run.variant != row || !HasStep(run.options, "untrained")) continue;
    const fs::path file = RunPaths(run.options).untrained().of(study.benchmark(), "predictions.csv");
    untrained.push_back(ErrorsOrNoAnswer(study.Score(run.options, study.Photos(run.options), file)));
  }
  if (untrained.empty()) return std::nullopt;
  UntrainedRow result;
  for (const double km : about.thresholds_km) {
    std::vector<double> percent;
    double p = 0;
    for (std::size_t seed = 0; seed < untrained.size(); ++seed) {
      percent.push_back(MeanAccuracy({untrained[seed]}, km));
      if (about.clusters) {
        const auto hits = HitDifferences(std::span(trained[seed]), std::span(untrained[seed]), km);
        const auto base = static_cast<std::uint64_t>(about.seeds.front());
        p = std::max(p, ClusterHitTest(hits, *about.clusters, rounds, base));
        continue;
      }
      const Discordant split = CountDiscordant(trained[seed], untrained[seed], km);
      p = std::max(p, McNemarExact(split.only_a, split.only_b));
    }
    result.percent.push_back(percent);
    result.p.push_back(p);
  }
  return result;
}

// A router costs what the runs of the study cost that it takes answers and probabilities from.
RunCosts CostsOfRun(const StudyRuns& study, const ExperimentOptions& run, std::int64_t photos) {
  std::vector<RunCosts> costs = {CostsOf(run, study.benchmark(), photos)};
  for (const StudyRun& other : study.runs()) {
    const std::string& folder = other.options.run_dir;
    const auto answers = [&](const auto& model) { return model.second.run == folder; };
    if (!Routes(run) || (run.router.probabilities != folder && std::ranges::none_of(run.router.models, answers))) {
      continue;
    }
    costs.push_back(CostsOf(other.options, study.benchmark(), photos));
  }
  return SumOfCosts(costs);
}

RunCosts CostsOfRow(const StudyRuns& study, std::size_t row, std::int64_t photos) {
  std::vector<RunCosts> costs;
  for (const StudyRun& run : study.runs()) {
    if (run.variant == row) costs.push_back(CostsOfRun(study, run.options, photos));
  }
  return MeanCosts(costs);
}

}  // namespace

AblationResult RunAblation(const Ablation& ablation) {
  const AblationOptions& o = ablation.options;
  StudyRuns study(ablation.file, o, "ablate", Variants(ablation));
  AblationResult result;
  result.tested_km = o.tested_km.empty() ? study.first().evaluate.thresholds_km : o.tested_km;
  for (const double km : result.tested_km) study.CheckTested(km);
  const JobSummary summary = study.Walk();
  spdlog::info("ablate: {} rows x {} seeds: {} stages made, {} were there already", ablation.rows.size(),
               o.seeds.size(), summary.done, summary.up_to_date);

  study.Begin(result, "ablation");
  const std::vector<SeedErrors> errors = ErrorsOf(ablation, study, result);
  std::size_t reference = 0;
  std::vector<SeedErrors> shown;
  for (std::size_t i = 0; i < ablation.rows.size(); ++i) {
    if (ablation.rows[i].part) continue;
    if (ablation.rows[i].name == o.reference) reference = shown.size();
    AblationRowResult& row = result.rows.emplace_back();
    row.row = ablation.rows[i];
    row.untrained = ScoreUntrained(study, i, errors[i], o.rounds, result);
    row.costs = CostsOfRow(study, i, result.photos);
    shown.push_back(errors[i]);
  }
  ScoreAblation(shown, reference, o.rounds, result);
  WriteFileAtomically(study.root() / "ablation.json", FormatAblation(result, TableFormat::kJson));
  WriteFileAtomically(study.root() / "ablation.csv", FormatAblation(result, TableFormat::kCsv));
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
      for (const auto& run : errors[which]) by_seed.push_back(MeanAccuracy({run}, km));
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
    const PhotoClusters* clusters = result.clusters ? &*result.clusters : nullptr;
    const PairedDifferences differences =
        PairedBootstrap(errors[i], errors[reference], result.tested_km, rounds, seed, clusters);
    for (std::size_t k = 0; k < result.tested_km.size(); ++k) {
      AblationTest test;
      test.threshold_km = result.tested_km[k];
      test.difference = differences.accuracy[k];
      const auto hits = HitDifferences(errors[i], errors[reference], test.threshold_km);
      test.p_photos = clusters != nullptr ? ClusterHitTest(hits, *clusters, rounds, seed)
                                          : PermutationTest(hits, rounds, seed).p_value;
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
