#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "commands.h"
#include "dualgeo/gallery/candidates.h"
#include "eval/place_scores.h"
#include "eval/regions.h"
#include "eval/tables.h"
#include "io/input_file.h"
#include "report/map.h"
#include "score_flags.h"
#include "util/atomic_file.h"
#include "util/output_path.h"

namespace dualgeo::tools {
namespace {

struct EvaluateFlags {
  ScoreFlags score;
  std::filesystem::path predictions, candidates, gallery_table, errors_out, map_out, leakage_out, places;
  std::string gallery_columns;
  int top_k = 0;
  bool published = false, leakage = false;
  LeakageRules rules;
  EvaluationSubject subject;
  EvaluateOptions options;  // resolved
};

// A file's name without its extensions; a pipe's number would say nothing.
std::string NameOf(const std::filesystem::path& file) {
  if (IsStream(file)) return "stream";
  return (file.extension() == ".gz" ? file.stem() : file).stem().string();
}

// Rank 1, below it the oracle, and what the list holds at each depth.
void ScoreCandidates(const EvaluateFlags& flags, const PhotoTable& truth, EvaluationSubject subject,
                     EvaluationReport& report) {
  const EvaluateOptions& options = flags.options;
  const DistanceKind distance = ParseDistanceKind(options.distance);
  auto lists = ReadCandidates(flags.candidates);
  subject.provenance->AddFile("candidates", flags.candidates);
  if (!flags.gallery_table.empty()) {
    AuthorColumns columns;
    ParseColumnNames("--gallery-columns", flags.gallery_columns, {{"id", &columns.id}, {"author", &columns.author}}, 2);
    const auto joined = JoinAuthors(flags.gallery_table, columns, lists);
    subject.provenance->AddFile("gallery table", flags.gallery_table);
    spdlog::info("evaluate: {} candidates got an author from {}", joined, flags.gallery_table.string());
  }
  const std::string name = subject.method.empty() ? "" : subject.method + " ";
  subject.method = name + "rank 1";
  EvaluationSubject oracle_subject = subject;
  oracle_subject.method = name + "oracle, best of " + (flags.top_k > 0 ? std::to_string(flags.top_k) : "all");
  const auto rank_one = RankOne(lists);
  const auto oracle = Oracle(lists, truth, flags.top_k, distance);
  report.evaluations = {Evaluate(truth, rank_one, options, subject), Evaluate(truth, oracle, options, oracle_subject)};
  AddStatedAreas(report.evaluations[0], rank_one);
  report.without_own = WithoutOwnPhotos(lists, truth, options, subject);
  report.recall = Recall(lists, truth, options, subject.clusters);
  if (!flags.leakage) return;
  EvaluateOptions quick = options;
  if (quick.interval != "bootstrap") quick.bootstrap = 0;
  report.leakage = StudyLeakage(lists, truth, flags.rules, quick, subject);
  if (!flags.leakage_out.empty()) {
    WriteCandidates(flags.leakage_out, WithoutLeaks(lists, truth, flags.rules, distance));
  }
}

EvaluationReport Score(const EvaluateFlags& flags) {
  const PhotoTable truth = flags.score.ReadTruth();
  EvaluationSubject subject = flags.subject;
  subject.truth_file = flags.score.truth.string();
  subject.clusters = ChooseClusters(flags.options.cluster, truth);
  if (subject.benchmark.empty()) subject.benchmark = NameOf(flags.score.truth);
  EvaluationReport report;
  if (flags.published) report.published = PublishedFor(subject.benchmark);
  subject.provenance = flags.score.MakeProvenance(flags.options);
  if (!flags.predictions.empty()) {
    subject.predictions_file = flags.predictions.string();
    const auto predictions = ReadPredictions(flags.predictions, flags.score.ReadColumns());
    subject.provenance->AddFile("predictions", flags.predictions);
    if (subject.method.empty()) subject.method = NameOf(flags.predictions);
    report.evaluations = {Evaluate(truth, predictions, flags.options, subject)};
    AddStatedAreas(report.evaluations[0], predictions);
  } else {
    subject.predictions_file = flags.candidates.string();
    ScoreCandidates(flags, truth, subject, report);
  }
  const RegionTable regions = ReadRegions(flags.score.truth);
  AddRegions(report.evaluations[0], regions);
  if (!flags.places.empty()) {
    AddPlaceScores(report.evaluations[0], regions, PlaceNames::Read(flags.places));
    report.evaluations[0].subject.provenance->AddFile("places", flags.places);
  }
  return report;
}

void Run(EvaluateFlags& flags) {
  if (flags.predictions.empty() == flags.candidates.empty()) {
    throw InputError("evaluate: give one of --predictions and --candidates");
  }
  if (flags.leakage && flags.candidates.empty()) {
    throw InputError("evaluate: --leakage needs --candidates: predictions do not tell which gallery photos they use");
  }
  if (!flags.leakage && (flags.rules.score_above || flags.rules.within_km > 0 || !flags.leakage_out.empty())) {
    throw InputError("evaluate: --leakage-score-above, --leakage-within-km and --leakage-out go with --leakage");
  }
  if (flags.candidates.empty() && !flags.gallery_table.empty()) {
    throw InputError("evaluate: --gallery-table goes with --candidates");
  }
  flags.options = flags.score.Options();
  const TableFormat format = flags.score.Format();
  CheckOutputs({{"--out", flags.score.out},
                {"--errors-out", flags.errors_out},
                {"--map-out", flags.map_out},
                {"--leakage-out", flags.leakage_out}},
               AllInputs({flags.score.config.Inputs(flags.score.config.Resolve()),
                          {{"--predictions", flags.predictions},
                           {"--candidates", flags.candidates},
                           {"--gallery-table", flags.gallery_table},
                           {"--truth", flags.score.truth},
                           {"--places", flags.places}}}));
  const EvaluationReport report = Score(flags);
  const Evaluation& first = report.evaluations.front();
  for (const auto& warning : Warnings(first)) spdlog::warn("evaluate: {}", warning);

  const std::string metrics = MetricsJson(report);
  const std::string table = format == TableFormat::kJson ? metrics : FormatReport(report, format);
  if (!flags.errors_out.empty()) WriteErrors(flags.errors_out, first);
  if (!flags.map_out.empty()) {
    std::string title = first.subject.benchmark + ", " + first.subject.method;
    if (!first.subject.note.empty()) title += " (" + first.subject.note + ")";
    WriteFileAtomically(flags.map_out, PredictionsMapSvg(first, {}, {title}));
  }
  if (!flags.score.out.empty()) WriteFileAtomically(flags.score.out, metrics);
  std::fputs(table.c_str(), stdout);
}

}  // namespace

void AddEvaluate(CLI::App& root) {
  auto* command = root.add_subcommand("evaluate", "score predictions or candidates against the truth");
  const auto flags = std::make_shared<EvaluateFlags>();
  command->add_option("--predictions", flags->predictions, "predictions CSV");
  command->add_option("--candidates", flags->candidates,
                      "candidates CSV instead: scores rank 1, the oracle, and recall at each k");
  command->add_option("--gallery-table", flags->gallery_table,
                      "table of the gallery's photos with their authors, for candidates that have none");
  command->add_option("--gallery-columns", flags->gallery_columns,
                      "id,author columns of --gallery-table [IMG_ID,AUTHOR]");
  flags->score.Add(*command);
  flags->score.config.Section(*command, "evaluate");
  command->add_option("--top-k", flags->top_k, "candidates the oracle chooses among; 0: all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000));
  command->add_flag(
      "--with-published", flags->published,
      "add what papers report for this benchmark (im2gps, im2gps3k, yfcc4k, yfcc26k), marked as reported");
  command->add_flag("--leakage", flags->leakage, "with and without candidates that give the place away");
  command->add_option("--leakage-score-above", flags->rules.score_above,
                      "near duplicates: leave out candidates whose score is above this");
  command->add_option("--leakage-within-km", flags->rules.within_km, "leave out candidates nearer to the truth; 0: off")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 20100.0));
  command->add_option("--leakage-out", flags->leakage_out, "candidates CSV without any of them, for rerank");
  command->add_option("--places", flags->places,
                      "table of towns (GeoNames', a CSV with name, lat, lon, country_code, admin1): accuracy by "
                      "country, region and city as well");
  command->add_option("--benchmark", flags->subject.benchmark, "name of the test set [the truth file's]");
  command->add_option("--method", flags->subject.method, "name of what is scored [the predictions file's]");
  command->add_option("--note", flags->subject.note, "shown with the scores, for example: synthetic");
  command->add_option("--errors-out", flags->errors_out, "CSV of every photo's error");
  command->add_option("--map-out", flags->map_out, "SVG world map of truth and answers");
  command->callback([flags] { Run(*flags); });
}

}  // namespace dualgeo::tools
