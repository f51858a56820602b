#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "commands.h"
#include "config_flags.h"
#include "dualgeo/config/config.h"
#include "dualgeo/config/options_tree.h"
#include "dualgeo/eval/calibration.h"
#include "dualgeo/eval/held_out.h"
#include "dualgeo/eval/rerank_sweep.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/lmm/answers.h"
#include "dualgeo/refine/posterior_fit.h"
#include "dualgeo/refine/reranker.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/output_path.h"
#include "dualgeo/util/text.h"

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

  RerankStudy Read() const {
    RerankStudy study;
    study.truth = ReadPhotoTable(truth, ParsePhotoColumns("--truth-columns", truth_columns));
    study.lists = ReadCandidates(candidates);
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
  std::filesystem::path candidates, out;
};

void RunRerank(const RerankFlags& flags) {
  if (flags.candidates.empty()) throw InputError("--candidates is required (see dualgeo rerank --help)");
  if (flags.out.empty()) throw InputError("--out is required (see dualgeo rerank --help)");
  const ExperimentOptions experiment = flags.config.Resolve();
  const RerankOptions& options = experiment.rerank;
  CheckOutputs(
      {{"--out", flags.out}},
      AllInputs({flags.config.Inputs(), {{"--candidates", flags.candidates}, {"--parameters", options.parameters}}}));
  auto lists = ReadCandidates(flags.candidates);
  const auto start = std::chrono::steady_clock::now();
  lists = Rerank(options, std::move(lists), experiment.runtime.threads);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  WriteCandidates(flags.out, lists);
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

void RunFit(FitFlags& flags) {
  const ExperimentOptions experiment = flags.settings.Resolve();
  FitOptions& fit = flags.settings.options;
  flags.rerank = experiment.rerank;
  flags.evaluate = WithoutBootstrap(experiment.evaluate);
  fit.top_k = flags.rerank.top_k;
  fit.evidence = flags.rerank.evidence;
  fit.Validate();
  // The report reads it again.
  CheckOutputs({{"--out", flags.out, flags.folds == 0 ? OutputKind::kFile : OutputKind::kRegularFile}},
               AllInputs({flags.settings.config.Inputs(),
                          {{"--candidates", flags.study.candidates},
                           {"--truth", flags.study.truth},
                           {"--answers", flags.study.answers}}}));
  const RerankStudy study = flags.study.Read();
  PosteriorParameters parameters = FitPosterior(study.Examples(fit.top_k, !study.answers.empty()), fit);
  parameters.note = flags.note;
  WritePosteriorParameters(flags.out, parameters);
  spdlog::info("rerank fit: {} lists, {} answers -> {}", study.lists.size(), study.answers.size(), flags.out.string());
  if (flags.folds == 0) return;
  SweepOptions sweep;
  sweep.methods = {"none", "bayes"};
  sweep.fit = fit;
  sweep.folds = flags.folds;
  sweep.seed = flags.evaluate.seed;
  sweep.rerank = flags.rerank;
  sweep.rerank.parameters = flags.out.string();
  sweep.evaluate = flags.evaluate;
  std::printf("## Accuracy\n\n%s", FormatSweep(SweepRerankers(study, sweep)).c_str());
  PrintHeldOut(study, flags, false);
  if (study.answers.empty()) return;
  std::printf("\n## Accuracy with answers\n\n%s", FormatSweep(CompareWithAnswers(study, sweep)).c_str());
  PrintHeldOut(WithAnswers(study), flags, true);
}

void AddFit(CLI::App& rerank) {
  auto* command = rerank.add_subcommand("fit", "fit the parameters of bayes, and of every method's confidence");
  const auto flags = std::make_shared<FitFlags>();
  flags->study.Add(*command);
  command->add_option("--out", flags->out, "parameters (YAML), for --parameters and rerank.parameters")->required();
  auto& settings = flags->settings;
  settings.config.Add(*command);
  settings.Own(*command, {"widths_km", "answer_widths_km", "rank_scale", "penalty", "answer_penalty"});
  settings.config.Field(*command, "rerank.top_k");
  settings.config.Field(*command, "rerank.evidence");
  settings.config.Field(*command, "rerank.method", {.help = "whose confidence is reported on held-out folds"});
  settings.config.Field(*command, "rerank.metric");
  command->add_option("--folds", flags->folds, "author-disjoint folds of the report; 0: no report")
      ->capture_default_str();
  settings.config.Field(*command, "seed", {.help = "of the folds"});
  settings.config.Field(*command, "evaluate.distance", {.before = "of the report: "});
  settings.config.Field(*command, "evaluate.cluster", {.before = "of the report: "});
  command->add_option("--note", flags->note, "kept in the file: where the parameters come from");
  command->callback([flags] { RunFit(*flags); });
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
  options.Validate();
  const RerankStudy study = flags.study.Read();
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
  for (const char* key : {"center", "snap_km", "metric", "threshold_km", "parameters"}) {
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
  flags->config.Field(*command, "threads", {.help = "0: all cores"});
  command->require_subcommand(0, 1);
  AddFit(*command);
  AddSweep(*command);
  command->callback([command, flags] {
    if (command->get_subcommands().empty()) RunRerank(*flags);
  });
}

}  // namespace dualgeo::tools
