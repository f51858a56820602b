#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "commands.h"
#include "config/config.h"
#include "config/options_tree.h"
#include "config_flags.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/place_posterior.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/text.h"
#include "eval/calibration.h"
#include "eval/conformal.h"
#include "eval/held_out.h"
#include "eval/region_study.h"
#include "eval/rerank_sweep.h"
#include "eval/router_study.h"
#include "lmm/answers.h"
#include "refine/area_geojson.h"
#include "refine/posterior_fit.h"
#include "refine/reranker.h"
#include "util/atomic_file.h"
#include "util/output_path.h"

namespace dualgeo::tools {
namespace {

// Lists, truth and perhaps an LMM's answers.
struct StudyFlags {
  std::filesystem::path candidates, truth, answers;
  std::string truth_columns, answer_columns;

  void Add(CLI::App& command) {
    command.add_option("--candidates", candidates, "candidates CSV")->required();
    command.add_option("--truth", truth, "photo table with the true locations and, for folds, the authors")->required();
    command.add_option("--truth-columns", truth_columns,
                       "id,lat,lon,author columns of --truth [IMG_ID,LAT,LON,AUTHOR]");
    command.add_option("--answers", answers, "table of an LMM's answers");
    command.add_option("--answer-columns", answer_columns,
                       "id,lat,lon,success columns of --answers [IMG_ID,LAT,LON,success]");
  }

  // more: columns of the candidates that are evidence.
  RerankStudy Read(const std::vector<std::string>& more = {}) const {
    RerankStudy study;
    study.truth = ReadPhotoTable(truth, ParsePhotoColumns("--truth-columns", truth_columns));
    study.lists = ReadCandidates(candidates, more);
    CheckStudy(study);
    if (!answers.empty()) {
      for (auto& [id, group] :
           GroupAnswers(ReadAnswers(answers, ParseAnswerColumns("--answer-columns", answer_columns)))) {
        for (const auto& answer : group) {
          if (answer.location) study.answers[id].push_back(*answer.location);
        }
      }
    }
    return study;
  }
};

struct RerankFlags {
  ConfigFlags config;
  std::filesystem::path candidates, out, geojson;
};

void RunRerank(const RerankFlags& flags) {
  if (flags.candidates.empty()) throw InputError("--candidates is required (see dualgeo rerank --help)");
  if (flags.out.empty()) throw InputError("--out is required (see dualgeo rerank --help)");
  const ExperimentOptions experiment = flags.config.Resolve();
  RerankOptions options = experiment.rerank;
  options.areas = options.areas || !flags.geojson.empty();
  CheckOutputs({{"--out", flags.out}, {"--geojson", flags.geojson}},
               AllInputs({flags.config.Inputs(experiment),
                          {{"--candidates", flags.candidates}, {"--parameters", options.parameters}}}));
  const PosteriorParameters parameters = ReadPosteriorParameters(options.parameters);
  auto lists = ReadCandidates(flags.candidates, parameters.MoreColumns());
  const auto start = std::chrono::steady_clock::now();
  lists = Rerank(options, std::move(lists), experiment.runtime.threads);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  WriteCandidates(flags.out, lists);
  if (!flags.geojson.empty()) WriteFileAtomically(flags.geojson, AreasGeoJson(PlacePosterior(parameters), lists));
  spdlog::info("rerank: {} lists by {} in {:.3f} s ({:.0f} lists/s, without reading and writing) -> {}", lists.size(),
               options.method, seconds, static_cast<double>(lists.size()) / std::max(seconds, 1e-9),
               flags.out.string());
}

// Settings of fits and sweeps: of the config, and those that are no part of it.
template <class Options>
struct StudySettings {
  ConfigFlags config;
  FieldFlags own;
  Options options;

  void Own(CLI::App& command, std::initializer_list<const char*> keys) {
    for (const char* key : keys) own.Add(command, OptionTree(options), key);
  }
  ExperimentOptions Resolve() {
    for (const auto& flag : own.given()) ApplyConfigFlag(OptionTree(options), flag);
    return config.Resolve();
  }
};

// Many tables, of which no median's interval is printed.
EvaluateOptions WithoutBootstrap(EvaluateOptions options) {
  options.interval = "wilson";
  options.bootstrap = 0;
  return options;
}

struct FitFlags {
  StudyFlags study;
  StudySettings<FitOptions> settings;
  std::filesystem::path out;
  int folds = 5;
  std::string note;

  RerankOptions rerank;  // resolved
  EvaluateOptions evaluate;
};

void PrintHeldOut(const RerankStudy& study, const FitFlags& flags, bool with_answers) {
  const DistanceKind distance = ParseDistanceKind(flags.evaluate.distance);
  const auto clusters = ChooseClusters(flags.evaluate.cluster, study.truth);
  const PhotoClusters* over = clusters ? &*clusters : nullptr;
  const auto estimates = EstimateHeldOut(study, flags.rerank, flags.settings.options, flags.folds,
                                         static_cast<std::uint64_t>(flags.evaluate.seed), with_answers);
  std::printf("\n## Calibration of %s%s, fitted on the other of %d folds of photographers\n\n%s",
              flags.rerank.method.c_str(), with_answers ? " with answers" : "", flags.folds,
              FormatCalibration(Calibrate(study, estimates, distance, over)).c_str());
  std::printf("\n## Accuracy of the surest answers\n\n%s",
              FormatSelective(SelectiveCurve(study, estimates, distance, over)).c_str());
}

constexpr int kConformalSplits = 200;

// What the report's folds teach beside the report: whose answer to take, and how large radii must be. Their reports.
struct FoldLessons {
  std::string router, regions, regions_with_answers;
};
FoldLessons LearnFromFolds(const RerankStudy& study, const FitFlags& flags, PosteriorParameters& parameters) {
  FoldLessons lessons;
  const FitOptions& fit = flags.settings.options;
  const auto seed = static_cast<std::uint64_t>(flags.evaluate.seed);
  const DistanceKind distance = ParseDistanceKind(flags.evaluate.distance);
  const auto regions = [&](const RerankStudy& of, bool with_answers, ConformalScale& scale) {
    const RegionStudy areas =
        StudyRegions(of, RegionsHeldOut(of, flags.rerank, fit, flags.folds, seed, with_answers, distance),
                     ConformalRuleNames().front(), kConformalSplits, seed);
    scale = areas.scale;
    return FormatRegions(areas);
  };
  lessons.regions = regions(study, false, parameters.conformal);
  if (study.answers.empty()) return lessons;
  const RerankStudy both = WithAnswers(study);
  lessons.regions_with_answers = regions(both, true, parameters.conformal_with_answers);
  const RouterStudy routed = StudyRouter(both, flags.rerank, fit, flags.folds, seed, flags.evaluate);
  parameters.router = routed.parameters;
  lessons.router = FormatRouter(routed);
  return lessons;
}

void RunFit(FitFlags& flags) {
  const ExperimentOptions experiment = flags.settings.Resolve();
  FitOptions& fit = flags.settings.options;
  flags.rerank = experiment.rerank;
  flags.evaluate = WithoutBootstrap(experiment.evaluate);
  fit.top_k = flags.rerank.top_k;
  fit.evidence = flags.rerank.evidence;
  fit.network = fit.network || flags.rerank.method == "mlp";
  fit.Validate();
  // The report reads it again.
  CheckOutputs({{"--out", flags.out, flags.folds == 0 ? OutputKind::kFile : OutputKind::kRegularFile}},
               AllInputs({flags.settings.config.Inputs(),
                          {{"--candidates", flags.study.candidates},
                           {"--truth", flags.study.truth},
                           {"--answers", flags.study.answers}}}));
  const RerankStudy study = flags.study.Read(EvidenceColumns(fit.evidence));
  PosteriorParameters parameters = FitPosterior(study.Examples(fit.top_k, !study.answers.empty()), fit);
  parameters.note = flags.note;
  FoldLessons lessons;
  if (flags.folds > 0) lessons = LearnFromFolds(study, flags, parameters);
  WritePosteriorParameters(flags.out, parameters);
  spdlog::info("rerank fit: {} lists, {} answers -> {}", study.lists.size(), study.answers.size(), flags.out.string());
  if (flags.folds == 0) return;
  SweepOptions sweep;
  sweep.methods = {"none", "bayes"};
  if (fit.network) sweep.methods.emplace_back("mlp");
  sweep.fit = fit;
  sweep.folds = flags.folds;
  sweep.seed = flags.evaluate.seed;
  sweep.rerank = flags.rerank;
  sweep.rerank.parameters = flags.out.string();
  sweep.evaluate = flags.evaluate;
  std::printf("## Accuracy\n\n%s", FormatSweep(SweepRerankers(study, sweep)).c_str());
  PrintHeldOut(study, flags, false);
  std::printf("\n## Areas and radii\n\n%s", lessons.regions.c_str());
  if (study.answers.empty()) return;
  std::printf("\n## Accuracy with answers\n\n%s", FormatSweep(CompareWithAnswers(study, sweep)).c_str());
  PrintHeldOut(WithAnswers(study), flags, true);
  std::printf("\n## Areas and radii with answers\n\n%s", lessons.regions_with_answers.c_str());
  std::printf("\n## Router: the list's answer, the model's, or their join\n\n%s", lessons.router.c_str());
}

void AddFit(CLI::App& rerank) {
  auto* command = rerank.add_subcommand("fit", "fit the parameters of bayes, and of every method's confidence");
  const auto flags = std::make_shared<FitFlags>();
  flags->study.Add(*command);
  command->add_option("--out", flags->out, "parameters (YAML), for --parameters and rerank.parameters")->required();
  auto& settings = flags->settings;
  settings.config.Add(*command);
  settings.Own(*command, {"widths_km", "answer_widths_km", "rank_scale", "penalty", "answer_penalty", "network",
                          "mlp_hidden", "mlp_penalty", "mlp_margin", "mlp_seed"});
  settings.config.Field(*command, "rerank.top_k");
  settings.config.Field(*command, "rerank.evidence");
  settings.config.Field(*command, "rerank.method",
                        {.help = "whose confidence is reported on held-out folds; mlp: its network is fitted as well"});
  settings.config.Field(*command, "rerank.metric");
  command->add_option("--folds", flags->folds, "author-disjoint folds of the report; 0: no report")
      ->capture_default_str();
  settings.config.Field(*command, "seed", {.help = "of the folds"});
  settings.config.Field(*command, "evaluate.distance", {.before = "of the report: "});
  settings.config.Field(*command, "evaluate.cluster", {.before = "of the report: "});
  command->add_option("--note", flags->note, "kept in the file: where the parameters come from");
  command->callback([flags] { RunFit(*flags); });
}

struct RegionFlags {
  StudyFlags study;
  StudySettings<FitOptions> settings;
  std::filesystem::path out;
  int folds = 5, splits = kConformalSplits;
  std::string rule = "draw";
};

// Of photos that the parameters have not seen: those of a file, or of fits on the other folds.
std::vector<PhotoRegions> RegionsFor(const RegionFlags& flags, const ExperimentOptions& experiment,
                                     const RerankStudy& study, bool with_answers) {
  const RerankOptions& rerank = experiment.rerank;
  const DistanceKind distance = ParseDistanceKind(experiment.evaluate.distance);
  if (rerank.parameters.empty()) {
    return RegionsHeldOut(study, rerank, flags.settings.options, flags.folds,
                          static_cast<std::uint64_t>(experiment.runtime.seed), with_answers, distance);
  }
  return RegionsOf(study, rerank, ReadPosteriorParameters(rerank.parameters), with_answers, distance);
}

void RunRegions(RegionFlags& flags) {
  const ExperimentOptions experiment = flags.settings.Resolve();
  FitOptions& fit = flags.settings.options;
  const RerankOptions& rerank = experiment.rerank;
  fit.top_k = rerank.top_k;
  fit.evidence = rerank.evidence;
  fit.Validate();
  FindName(ConformalRuleNames(), flags.rule, "--rule");
  CheckOutputs({{"--out", flags.out}}, AllInputs({flags.settings.config.Inputs(experiment),
                                                  {{"--candidates", flags.study.candidates},
                                                   {"--truth", flags.study.truth},
                                                   {"--answers", flags.study.answers}}}));
  const bool given = !rerank.parameters.empty();
  PosteriorParameters parameters = ReadPosteriorParameters(rerank.parameters);
  const RerankStudy study = flags.study.Read(given ? parameters.MoreColumns() : EvidenceColumns(rerank.evidence));
  const auto examples = study.Examples(fit.top_k, !study.answers.empty());
  if (given) {
    std::vector<std::string> ids;
    for (const auto& example : examples) ids.push_back(example.query_id);
    if (TrainingFingerprint(ids) == parameters.fitted_on) {
      spdlog::warn("rerank regions: {} was fitted on these very photos, and nothing is promised for others",
                   rerank.parameters);
    }
  } else if (!flags.out.empty()) {
    parameters = FitPosterior(examples, fit);
  }
  const auto measure = [&](bool with_answers, ConformalScale& scale) {
    const RerankStudy subset = with_answers ? WithAnswers(study) : study;
    const RegionStudy regions = StudyRegions(subset, RegionsFor(flags, experiment, subset, with_answers), flags.rule,
                                             flags.splits, static_cast<std::uint64_t>(experiment.runtime.seed));
    std::printf("%s## Areas and radii%s\n\n%s", with_answers ? "\n" : "", with_answers ? " with answers" : "",
                FormatRegions(regions).c_str());
    scale = regions.scale;
  };
  measure(false, parameters.conformal);
  if (!study.answers.empty()) measure(true, parameters.conformal_with_answers);
  if (flags.out.empty()) return;
  WritePosteriorParameters(flags.out, parameters);
  spdlog::info("rerank regions: confidence_km times {} holds half, times {} holds 90 % -> {}",
               parameters.conformal.half, parameters.conformal.most, flags.out.string());
}

void AddRegionStudy(CLI::App& rerank) {
  auto* command = rerank.add_subcommand(
      "regions", "areas and radii of bayes: coverage, size, Recall vs Area; calibrates the radii (radius_90_km)");
  const auto flags = std::make_shared<RegionFlags>();
  flags->study.Add(*command);
  auto& settings = flags->settings;
  settings.config.Add(*command);
  settings.config.Field(*command, "rerank.parameters",
                        {.help = "of photos other than these; none: fitted on the other folds of photographers"});
  command->add_option("--out", flags->out, "these parameters (none given: fitted on all photos) with the radii");
  command
      ->add_option("--rule", flags->rule, "how photos of one photographer count: " + Join(ConformalRuleNames(), " | "))
      ->capture_default_str();
  command->add_option("--splits", flags->splits, "random halves of the photographers that the radii are tried on")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  settings.config.Field(*command, "rerank.top_k");
  settings.config.Field(*command, "rerank.evidence");
  command->add_option("--folds", flags->folds, "author-disjoint folds, where none are given")->capture_default_str();
  settings.config.Field(*command, "seed", {.help = "of the folds and halves"});
  settings.config.Field(*command, "evaluate.distance");
  command->callback([flags] { RunRegions(*flags); });
}

struct SweepFlags {
  StudyFlags study;
  StudySettings<SweepOptions> settings;
  FieldFlags fit;
  bool json = false;
};

void RunSweep(SweepFlags& flags) {
  const ExperimentOptions experiment = flags.settings.Resolve();
  SweepOptions& options = flags.settings.options;
  options.rerank = experiment.rerank;
  options.evaluate = WithoutBootstrap(experiment.evaluate);
  options.seed = experiment.runtime.seed;
  for (const auto& flag : flags.fit.given()) ApplyConfigFlag(OptionTree(options.fit), flag);
  options.fit.top_k = options.rerank.top_k;
  options.fit.evidence = options.rerank.evidence;
  options.Validate();
  std::vector<std::string> more = ReadPosteriorParameters(options.rerank.parameters).MoreColumns();
  for (const auto& name : EvidenceColumns(options.fit.evidence)) {
    if (std::ranges::find(more, name) == more.end()) more.push_back(name);
  }
  const RerankStudy study = flags.study.Read(more);
  const auto print = [&](const std::vector<SweepRow>& rows) {
    if (!flags.json) {
      std::fputs(FormatSweep(rows).c_str(), stdout);
      return;
    }
    Provenance provenance = ThisProvenance(DumpConfig(OptionTree(options.rerank)), options.seed);
    provenance.AddFile("candidates", flags.study.candidates);
    provenance.AddFile("truth", flags.study.truth);
    provenance.AddFile("answers", flags.study.answers);
    provenance.AddFile("parameters", options.rerank.parameters);
    std::fputs(SweepJson(rows, provenance).c_str(), stdout);
  };
  if (study.answers.empty()) {
    print(SweepRerankers(study, options));
  } else {
    print(CompareWithAnswers(study, options));
  }
}

void AddSweep(CLI::App& rerank) {
  auto* command = rerank.add_subcommand(
      "sweep", "methods and settings side by side; with --answers: what an LMM's answers add to the list");
  const auto flags = std::make_shared<SweepFlags>();
  auto& settings = flags->settings;
  flags->study.Add(*command);
  settings.config.Add(*command);
  settings.Own(*command,
               {"methods", "eps_km", "min_samples", "top_k", "density_km", "bandwidth_km", "sigma_deg", "folds"});
  for (const char* key : {"center", "snap_km", "metric", "threshold_km", "parameters", "evidence"}) {
    settings.config.Field(*command, std::string("rerank.") + key);
  }
  flags->fit.Add(*command, OptionTree(settings.options.fit), "penalty");
  settings.config.Field(*command, "seed", {.help = "of the folds"});
  settings.config.Field(*command, "evaluate.distance");
  settings.config.Field(*command, "evaluate.cluster");
  command->add_flag("--json", flags->json, "print JSON");
  command->callback([flags] { RunSweep(*flags); });
}

}  // namespace

void AddRerank(CLI::App& root) {
  auto* command = root.add_subcommand("rerank", "put each photo's candidates in a better order");
  const auto flags = std::make_shared<RerankFlags>();
  command->add_option("--candidates", flags->candidates, "candidates CSV");
  command->add_option("--out", flags->out, "candidates CSV in the new order, with each list's answer");
  flags->config.Add(*command);
  flags->config.Section(*command, "rerank", {"evidence"});  // which is for fits
  command->add_option("--geojson", flags->geojson, "GeoJSON of each list's areas of 50 and 90 % and its answer");
  flags->config.Field(*command, "threads", {.help = "0: all cores"});
  command->require_subcommand(0, 1);
  AddFit(*command);
  AddRegionStudy(*command);
  AddSweep(*command);
  command->callback([command, flags] {
    if (command->get_subcommands().empty()) RunRerank(*flags);
  });
}

}  // namespace dualgeo::tools
