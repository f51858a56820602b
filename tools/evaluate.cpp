#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <sstream>

#include "commands.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/eval/evaluate.h"
#include "dualgeo/eval/map.h"
#include "dualgeo/eval/tables.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/predictions.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo::tools {
namespace {

struct EvaluateFlags {
  std::filesystem::path predictions, candidates, truth, out, errors_out, map_out;
  std::string columns, truth_columns;
  std::string format = "markdown";
  bool json = false;
  int top_k = 0;
  EvaluateOptions options;
  EvaluateSettings settings;
};

// "IMG_ID,LAT_pred,LON_pred"
std::vector<std::string> ThreeNames(const std::string& flag, const std::string& text) {
  std::vector<std::string> names;
  std::istringstream stream(text);
  for (std::string name; std::getline(stream, name, ',');) names.push_back(name);
  bool empty = names.size() != 3;
  for (const auto& name : names) empty = empty || name.empty();
  if (empty) throw InputError(flag + " '" + Printable(text) + "': expected three column names, id,lat,lon");
  return names;
}

PredictionColumns ParseColumns(const std::string& text) {
  if (text.empty()) return {};
  const auto names = ThreeNames("--columns", text);
  return {names[0], names[1], names[2]};
}

PhotoColumns ParseTruthColumns(const std::string& text) {
  PhotoColumns columns;
  if (text.empty()) return columns;
  const auto names = ThreeNames("--truth-columns", text);
  columns.id = names[0];
  columns.lat = names[1];
  columns.lon = names[2];
  return columns;
}

// Rank 1 and, below it, the oracle; or the predictions alone.
std::vector<Evaluation> Score(const EvaluateFlags& flags) {
  const PhotoTable truth = ReadPhotoTable(flags.truth, ParseTruthColumns(flags.truth_columns));
  EvaluateSettings settings = flags.settings;
  settings.truth_file = flags.truth.string();
  if (settings.benchmark.empty()) settings.benchmark = flags.truth.stem().string();
  if (!flags.predictions.empty()) {
    settings.predictions_file = flags.predictions.string();
    const auto predictions = ReadPredictions(flags.predictions, ParseColumns(flags.columns));
    if (settings.method.empty()) settings.method = flags.predictions.stem().string();
    return {Evaluate(truth, predictions, flags.options, settings)};
  }
  settings.predictions_file = flags.candidates.string();
  const auto lists = ReadCandidates(flags.candidates);
  const std::string name = settings.method.empty() ? "" : settings.method + " ";
  settings.method = name + "rank 1";
  EvaluateSettings oracle_settings = settings;
  oracle_settings.method = name + "oracle, best of " + (flags.top_k > 0 ? std::to_string(flags.top_k) : "all");
  const auto oracle = Oracle(lists, truth, flags.top_k, ParseDistanceKind(flags.options.distance));
  return {Evaluate(truth, RankOne(lists), flags.options, settings),
          Evaluate(truth, oracle, flags.options, oracle_settings)};
}

void Run(const EvaluateFlags& flags) {
  if (flags.predictions.empty() == flags.candidates.empty()) {
    throw InputError("evaluate: give one of --predictions and --candidates");
  }
  flags.options.Validate();
  const TableFormat format = flags.json ? TableFormat::kJson : ParseTableFormat(flags.format);
  const std::vector<Evaluation> evaluations = Score(flags);
  const Evaluation& first = evaluations.front();
  for (const auto& warning : Warnings(first)) spdlog::warn("evaluate: {}", warning);

  const std::string metrics = MetricsJson(first, evaluations.size() > 1 ? &evaluations[1] : nullptr);
  const std::string table = format == TableFormat::kJson ? metrics : FormatTable(evaluations, format);
  if (!flags.errors_out.empty()) WriteErrors(flags.errors_out, first);
  if (!flags.map_out.empty()) {
    std::string title = first.settings.benchmark + ", " + first.settings.method;
    if (!first.settings.note.empty()) title += " (" + first.settings.note + ")";
    WriteFileAtomically(flags.map_out, PredictionsMapSvg(first, {}, {title}));
  }
  if (!flags.out.empty()) WriteFileAtomically(flags.out, metrics);
  std::fputs(table.c_str(), stdout);
}

}  // namespace

void AddEvaluate(CLI::App& root) {
  auto* command = root.add_subcommand("evaluate", "score predictions or candidates against the truth");
  const auto flags = std::make_shared<EvaluateFlags>();
  EvaluateOptions& options = flags->options;
  command->add_option("--predictions", flags->predictions, "predictions CSV");
  command->add_option("--candidates", flags->candidates, "candidates CSV instead: scores rank 1, and the oracle");
  command->add_option("--truth", flags->truth, "photo table with the true coordinates")->required();
  command->add_option("--columns", flags->columns, "id,lat,lon columns of the predictions [IMG_ID,LAT,LON]");
  command->add_option("--truth-columns", flags->truth_columns, "id,lat,lon columns of the truth [IMG_ID,LAT,LON]");
  command->add_option("--distance", options.distance, Join(DistanceKindNames(), " | "))->capture_default_str();
  command->add_option("--thresholds-km", options.thresholds_km, "distances at which accuracy is given")
      ->delimiter(',')
      ->capture_default_str();
  command
      ->add_option("--bootstrap", options.bootstrap, "rounds for the intervals of median, mean and GeoScore; 0: none")
      ->capture_default_str();
  command->add_option("--seed", options.seed, "of the bootstrap")->capture_default_str();
  command->add_option("--denominator", options.denominator, "all | answered: of which photos accuracy is the share")
      ->capture_default_str();
  command->add_flag("--zero-is-failure", options.zero_is_failure, "score an answer at exactly 0, 0 as no answer");
  command->add_option("--top-k", flags->top_k, "candidates the oracle chooses among; 0: all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000));
  command->add_option("--benchmark", flags->settings.benchmark, "name of the test set [the truth file's]");
  command->add_option("--method", flags->settings.method, "name of what is scored [the predictions file's]");
  command->add_option("--note", flags->settings.note, "shown with the scores, for example: synthetic");
  command->add_option("--format", flags->format, Join(TableFormatNames(), " | "))->capture_default_str();
  command->add_flag("--json", flags->json, "the same as --format json");
  command->add_option("--out", flags->out, "metrics JSON");
  command->add_option("--errors-out", flags->errors_out, "CSV of every photo's error");
  command->add_option("--map-out", flags->map_out, "SVG world map of truth and answers");
  command->callback([flags] { Run(*flags); });
}

}  // namespace dualgeo::tools
