#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "commands.h"
#include "dualgeo/config/config.h"
#include "dualgeo/config/options_tree.h"
#include "dualgeo/eval/calibration.h"
#include "dualgeo/eval/held_out.h"
#include "dualgeo/eval/rerank_sweep.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/answers.h"
#include "dualgeo/refine/posterior_fit.h"
#include "dualgeo/refine/reranker.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/output_path.h"
#include "dualgeo/util/text.h"

namespace dualgeo::tools {
namespace {

// The keys of the config's rerank section as options, but for rerank.evidence.
void AddRerankOptions(CLI::App& command, RerankOptions& options) {
  command.add_option("--method", options.method, Join(RerankerNames(), " | "))->capture_default_str();
  command.add_option("--top-k", options.top_k, "similar candidates that take part; later ones are dropped")
      ->capture_default_str();
  command.add_option("--eps-km", options.eps_km, "dbscan: greatest distance of neighbours")->capture_default_str();
  command.add_option("--min-samples", options.min_samples, "dbscan: neighbours of a core point, itself included")
      ->capture_default_str();
  command.add_option("--center", options.center, "dbscan: " + Join(CenterRuleNames(), " | "))->capture_default_str();
  command.add_option("--cluster-choice", options.cluster_choice, "dbscan: " + Join(ClusterChoiceNames(), " | "))
      ->capture_default_str();
  command.add_option("--order", options.order, "dbscan: " + Join(ClusterOrderNames(), " | "))->capture_default_str();
  command
      .add_option("--weight", options.weight,
                  "dbscan, density, multiscale: what a candidate counts: " + Join(CandidateWeightNames(), " | "))
      ->capture_default_str();
  command.add_option("--rank-scale", options.rank_scale, "weight rank is exp(-rank / rank_scale)")
      ->capture_default_str();
  command.add_option("--score-power", options.score_power, "weight score is score^score_power")->capture_default_str();
  command.add_option("--density-km", options.density_km, "density: width of the kernel")->capture_default_str();
  command.add_option("--widths-km", options.widths_km, "multiscale: widths of the kernels, a,b,...")->delimiter(',');
  command.add_option("--metric", options.metric, "bayes: what the answer is best for: " + Join(LossNames(), " | "))
      ->capture_default_str();
  command.add_option("--threshold-km", options.threshold_km, "bayes: distance of metric threshold")
      ->capture_default_str();
  command.add_option("--answer", options.answer, "bayes: " + Join(AnswerKindNames(), " | "))->capture_default_str();
  command.add_option("--parameters", options.parameters, "YAML of `rerank fit`; none: the parameters that ship");
}

// Lists, truth and perhaps an LMM's answers.
struct StudyFlags {
  std::filesystem::path candidates, truth, answers;
  std::string truth_columns = "IMG_ID,LAT,LON,AUTHOR", answer_columns = "IMG_ID,LAT,LON,success";

  void Add(CLI::App& command) {
    command.add_option("--candidates", candidates, "candidates CSV")->required();
    command.add_option("--truth", truth, "photo table with the true locations and, for folds, the authors")->required();
    command.add_option("--truth-columns", truth_columns, "id,lat,lon,author columns of --truth")->capture_default_str();
    command.add_option("--answers", answers, "table of an LMM's answers");
    command.add_option("--answer-columns", answer_columns, "id,lat,lon,success columns of --answers")
        ->capture_default_str();
  }

  RerankStudy Read() const {
    std::vector<std::string> names;
    std::string name;
    for (const char c : truth_columns + ",") {
      if (c != ',') {
        name += c;
      } else {
        names.push_back(std::exchange(name, ""));
      }
    }
    if (names.size() != 4) throw InputError("--truth-columns is '" + truth_columns + "'; expected id,lat,lon,author");
    RerankStudy study;
    study.truth = ReadPhotoTable(truth, {names[0], names[1], names[2], names[3]});
    study.lists = ReadCandidates(candidates);
    CheckStudy(study);
    if (!answers.empty()) {
      for (auto& [id, group] : GroupAnswers(ReadAnswers(answers, ParseAnswerColumns(answer_columns)))) {
        for (const auto& answer : group) {
          if (answer.location) study.answers[id].push_back(*answer.location);
        }
      }
    }
    return study;
  }
};

struct RerankFlags {
  std::filesystem::path candidates, out;
  RerankOptions options;
  int threads = 0;
};

void RunRerank(const RerankFlags& flags) {
  if (flags.candidates.empty()) throw InputError("--candidates is required (see dualgeo rerank --help)");
  if (flags.out.empty()) throw InputError("--out is required (see dualgeo rerank --help)");
  flags.options.Validate();
  CheckOutputs({{"--out", flags.out}},
               {{"--candidates", flags.candidates}, {"--parameters", flags.options.parameters}});
  auto lists = ReadCandidates(flags.candidates);
  const auto start = std::chrono::steady_clock::now();
  lists = Rerank(flags.options, std::move(lists), flags.threads);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  WriteCandidates(flags.out, lists);
  spdlog::info("rerank: {} lists by {} in {:.3f} s ({:.0f} lists/s, without reading and writing) -> {}", lists.size(),
               flags.options.method, seconds, static_cast<double>(lists.size()) / std::max(seconds, 1e-9),
               flags.out.string());
}

struct FitFlags {
  StudyFlags study;
  RerankOptions rerank;
  FitOptions fit;
  std::filesystem::path out;
  int folds = 5;
  std::int64_t seed = 0;
  std::string distance = "geodesic", note;
};

void PrintHeldOut(const RerankStudy& study, const FitFlags& flags, bool with_answers) {
  const DistanceKind distance = ParseDistanceKind(flags.distance);
  RerankOptions rerank = flags.rerank;
  rerank.top_k = flags.fit.top_k;
  const auto estimates =
      EstimateHeldOut(study, rerank, flags.fit, flags.folds, static_cast<std::uint64_t>(flags.seed), with_answers);
  std::printf("\n## Calibration of %s%s, fitted on the other of %d folds of photographers\n\n%s",
              flags.rerank.method.c_str(), with_answers ? " with answers" : "", flags.folds,
              FormatCalibration(Calibrate(study, estimates, distance)).c_str());
  std::printf("\n## Accuracy of the surest answers\n\n%s",
              FormatSelective(SelectiveCurve(study, estimates, distance)).c_str());
}

void RunFit(FitFlags& flags) {
  std::erase(flags.fit.evidence, "");  // --evidence ''
  flags.fit.Validate();
  flags.rerank.Validate();
  // The report reads it again.
  CheckOutputs(
      {{"--out", flags.out, flags.folds == 0 ? OutputKind::kFile : OutputKind::kRegularFile}},
      {{"--candidates", flags.study.candidates}, {"--truth", flags.study.truth}, {"--answers", flags.study.answers}});
  const RerankStudy study = flags.study.Read();
  PosteriorParameters parameters = FitPosterior(study.Examples(flags.fit.top_k, !study.answers.empty()), flags.fit);
  parameters.note = flags.note;
  WritePosteriorParameters(flags.out, parameters);
  spdlog::info("rerank fit: {} lists, {} answers -> {}", study.lists.size(), study.answers.size(), flags.out.string());
  if (flags.folds == 0) return;
  SweepOptions sweep;
  sweep.methods = {"none", "bayes"};
  sweep.fit = flags.fit;
  sweep.folds = flags.folds;
  sweep.seed = flags.seed;
  sweep.rerank = flags.rerank;
  sweep.rerank.top_k = flags.fit.top_k;
  sweep.rerank.parameters = flags.out.string();
  sweep.evaluate.distance = flags.distance;
  sweep.evaluate.bootstrap = 0;
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
  command->add_option("--widths-km", flags->fit.widths_km, "widths of the kernels, a,b,...")->delimiter(',');
  command->add_option("--rank-scale", flags->fit.rank_scale, "kernel sums weigh a candidate by exp(-rank / scale)")
      ->capture_default_str();
  command->add_option("--penalty", flags->fit.penalty, "on squared coefficients; more: nearer to no effect")
      ->capture_default_str();
  command->add_option("--top-k", flags->fit.top_k, "similar candidates that take part")->capture_default_str();
  command
      ->add_option("--evidence", flags->fit.evidence,
                   "what counts beyond ranks and coordinates, where the lists have it: score,gps_score; '' for neither")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--method", flags->rerank.method, "whose confidence is reported on held-out folds")
      ->capture_default_str();
  command->add_option("--metric", flags->rerank.metric, "what the reported answers are best for")
      ->capture_default_str();
  command->add_option("--folds", flags->folds, "author-disjoint folds of the report; 0: no report")
      ->capture_default_str();
  command->add_option("--seed", flags->seed, "of the folds")->capture_default_str();
  command->add_option("--distance", flags->distance, "of the report: " + Join(DistanceKindNames(), " | "))
      ->capture_default_str();
  command->add_option("--note", flags->note, "kept in the file: where the parameters come from");
  command->callback([flags] { RunFit(*flags); });
}

struct SweepFlags {
  StudyFlags study;
  SweepOptions options;
  bool json = false;
};

void RunSweep(SweepFlags& flags) {
  flags.options.evaluate.bootstrap = 0;
  flags.options.fit.top_k = flags.options.rerank.top_k;
  flags.options.Validate();
  const RerankStudy study = flags.study.Read();
  const auto print = [&](const std::vector<SweepRow>& rows) {
    if (!flags.json) {
      std::fputs(FormatSweep(rows).c_str(), stdout);
      return;
    }
    Provenance provenance = ThisProvenance(DumpConfig(OptionTree(flags.options.rerank)), flags.options.seed);
    provenance.AddFile("candidates", flags.study.candidates);
    provenance.AddFile("truth", flags.study.truth);
    provenance.AddFile("answers", flags.study.answers);
    provenance.AddFile("parameters", flags.options.rerank.parameters);
    std::fputs(SweepJson(rows, provenance).c_str(), stdout);
  };
  if (study.answers.empty()) {
    print(SweepRerankers(study, flags.options));
  } else {
    print(CompareWithAnswers(study, flags.options));
  }
}

void AddSweep(CLI::App& rerank) {
  auto* command = rerank.add_subcommand(
      "sweep", "methods and settings side by side; with --answers: what an LMM's answers add to the list");
  const auto flags = std::make_shared<SweepFlags>();
  SweepOptions& options = flags->options;
  flags->study.Add(*command);
  command->add_option("--methods", options.methods, Join(RerankerNames(), ",") + "; none given: all")->delimiter(',');
  command->add_option("--eps-km", options.eps_km, "dbscan's grid, a,b,...")->delimiter(',');
  command->add_option("--min-samples", options.min_samples, "dbscan's grid, a,b,...")->delimiter(',');
  command->add_option("--top-k", options.top_k, "grid of all methods but bayes, a,b,...")->delimiter(',');
  command->add_option("--density-km", options.density_km, "density's grid, a,b,...")->delimiter(',');
  command->add_option("--center", options.rerank.center, "dbscan: " + Join(CenterRuleNames(), " | "))
      ->capture_default_str();
  command->add_option("--metric", options.rerank.metric, "bayes: " + Join(LossNames(), " | "))->capture_default_str();
  command->add_option("--threshold-km", options.rerank.threshold_km, "bayes: distance of metric threshold")
      ->capture_default_str();
  command->add_option("--penalty", options.fit.penalty, "bayes: of the fits on the other folds")->capture_default_str();
  command->add_option("--parameters", options.rerank.parameters, "of the row that is not fitted here; none: shipped");
  command->add_option("--folds", options.folds, "author-disjoint folds")->capture_default_str();
  command->add_option("--seed", options.seed, "of the folds")->capture_default_str();
  command->add_option("--distance", options.evaluate.distance, Join(DistanceKindNames(), " | "))->capture_default_str();
  command->add_flag("--json", flags->json, "print JSON");
  command->callback([flags] { RunSweep(*flags); });
}

}  // namespace

void AddRerank(CLI::App& root) {
  auto* command = root.add_subcommand("rerank", "put each photo's candidates in a better order");
  const auto flags = std::make_shared<RerankFlags>();
  command->add_option("--candidates", flags->candidates, "candidates CSV");
  command->add_option("--out", flags->out, "candidates CSV in the new order, with each list's answer");
  AddRerankOptions(*command, flags->options);
  command->add_option("--threads", flags->threads, "0: all cores")->capture_default_str()->check(CLI::Range(0, 4096));
  command->require_subcommand(0, 1);
  AddFit(*command);
  AddSweep(*command);
  command->callback([command, flags] {
    if (command->get_subcommands().empty()) RunRerank(*flags);
  });
}

}  // namespace dualgeo::tools
