#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>

#include "commands.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/lmm/answer_join.h"
#include "dualgeo/lmm/predictor.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/output_path.h"
#include "dualgeo/util/text.h"
#include "embed_flags.h"
#include "networks.h"

namespace dualgeo::tools {
namespace {

struct PredictFlags {
  ModelFlags model_flags;
  std::filesystem::path candidates, out, photos, images, answers, answers_out, place_names, photo_features,
      gps_features, places_out;
  std::string columns, answers_columns;
  bool offline = false;
};

PredictOptions Options(const PredictFlags& flags, const ExperimentOptions& experiment) {
  PredictOptions options = experiment.predict;
  if (!flags.answers.empty() && !flags.model_flags.Given("predict.method")) options.method = "lmm";
  if (options.method != "lmm" && !flags.answers.empty()) {
    throw InputError("predict: --answers is for method lmm, not " + options.method);
  }
  return options;
}

PredictInputs Inputs(const PredictFlags& flags, const ExperimentOptions& experiment, const PredictOptions& options) {
  PredictInputs inputs;
  if (options.method != "lmm") return inputs;
  inputs.lmm.images = flags.images;
  inputs.lmm.offline = flags.offline;
  if (!flags.place_names.empty()) inputs.lmm.places = ReadPlaceNames(flags.place_names);
  if (!flags.answers.empty()) {
    inputs.answers = ReadAnswers(flags.answers, ParseAnswerColumns("--answers-columns", flags.answers_columns));
  }
  if (!flags.gps_features.empty() && flags.photo_features.empty()) {
    throw InputError("predict: --gps-features goes with --photo-features");
  }
  if (!flags.gps_features.empty()) {
    inputs.choice.similarity = FeatureFileSimilarity(flags.photo_features, flags.gps_features);
  } else if (!flags.photo_features.empty()) {
    inputs.choice.similarity = ModelSimilarity(flags.model_flags.Model(experiment), ReadFeatures(flags.photo_features),
                                               flags.photo_features.string());
  }
  inputs.choice.join = AnswerJoinFor(options.lmm.choose, experiment.rerank);
  return inputs;
}

// The places that `verify` would compare, each once, for `embed gps`.
void WritePlaces(const std::filesystem::path& path, const std::vector<CandidateList>& lists,
                 const std::vector<LmmAnswer>& answers) {
  const auto groups = GroupAnswers(answers);
  std::set<std::pair<double, double>> seen;
  std::vector<PhotoRow> rows;
  for (const auto& list : lists) {
    const auto found = groups.find(list.query_id);
    const std::vector<LmmAnswer> none;
    for (const LatLon& place : Chooser::PlacesToVerify(list, found == groups.end() ? none : found->second)) {
      if (!seen.emplace(place.lat, place.lon).second) continue;
      rows.push_back({std::to_string(rows.size()), place, "", 0});
    }
  }
  WritePhotoTable(path, rows);
}

std::vector<CandidateList> Lists(const PredictFlags& flags) {
  return flags.candidates.empty() ? std::vector<CandidateList>() : ReadCandidates(flags.candidates);
}

std::vector<std::string> PhotoIds(const PredictFlags& flags) {
  std::vector<std::string> ids;
  if (flags.photos.empty()) return ids;
  const PhotoColumns columns = ParsePhotoColumns("--columns", flags.columns);
  for (const auto& row : ReadPhotoTable(flags.photos, columns, Locations::kOptional).rows) ids.push_back(row.id);
  return ids;
}

// A method that takes the lists one by one: no photo is read.
void RunEach(const PredictFlags& flags, const PredictOptions& options) {
  auto predictions = PredictEach(options, Lists(flags));
  AddUnanswered(PhotoIds(flags), options.method, predictions);
  const std::string answered = DescribeAnswered(predictions, options.method);
  ApplyFailureRule(options, predictions);
  WritePredictions(flags.out, predictions);
  spdlog::info("predict: {} -> {}", answered, flags.out.string());
}

void RunLmm(const PredictFlags& flags, const ExperimentOptions& experiment, const PredictOptions& options) {
  std::vector<CandidateList> lists = Lists(flags);
  const std::vector<std::string> ids = PhotoIds(flags);
  std::set<std::string> listed;
  for (const auto& list : lists) listed.insert(list.query_id);
  for (const auto& id : ids) {  // which need no candidates to be answered
    if (listed.insert(id).second) lists.push_back({id, {}, {}});
  }
  PredictReport report;
  auto predictions = Predict(options, lists, Inputs(flags, experiment, options), &report);
  AddUnanswered(ids, options.method, predictions);
  const std::string answered = DescribeAnswered(predictions, options.method);
  ApplyFailureRule(options, predictions);
  WritePredictions(flags.out, predictions);
  if (!flags.answers_out.empty()) WriteAnswers(flags.answers_out, report.answers);
  if (!flags.places_out.empty()) WritePlaces(flags.places_out, lists, report.answers);
  spdlog::info("predict: {} -> {}", answered, flags.out.string());
  if (report.failed) {
    throw Error("predict: " + report.stopped + "; " + flags.out.string() +
                " holds what there is, run again to ask about the rest");
  }
}

void Run(const PredictFlags& flags) {
  const ExperimentOptions experiment = flags.model_flags.Resolve();
  const PredictOptions options = Options(flags, experiment);
  const bool lmm = options.method == "lmm";
  if (flags.candidates.empty() && !(lmm && !flags.photos.empty())) {
    throw InputError("predict: give --candidates (method lmm can do with --photos alone)");
  }
  const bool asks = lmm && flags.answers.empty();
  CheckOutputs({{"--out", flags.out},
                {"--answers-out", flags.answers_out},
                {"--places-out", flags.places_out},
                {"the cache", asks && !flags.offline ? options.lmm.cache : "", OutputKind::kRegularFile}},
               AllInputs({flags.model_flags.Inputs(),
                          {{"--candidates", flags.candidates},
                           {"--photos", flags.photos},
                           {"--images", flags.images, InputKind::kPhotos},
                           {"--answers", flags.answers},
                           {"--place-names", flags.place_names},
                           {"--photo-features", flags.photo_features},
                           {"--gps-features", flags.gps_features},
                           {"the prompt", asks ? options.lmm.prompt : ""},
                           {"the cache", asks && flags.offline ? options.lmm.cache : ""}}}));
  if (lmm) return WithNetworks([&] { RunLmm(flags, experiment, options); })();
  RunEach(flags, options);
}

}  // namespace

void AddPredict(CLI::App& root) {
  auto* command = root.add_subcommand("predict", "turn each photo's candidates into one answer");
  const auto flags = std::make_shared<PredictFlags>();
  flags->model_flags.Add(*command);
  command->add_option("--candidates", flags->candidates, "candidates CSV");
  command->add_option("--out", flags->out, "predictions CSV")->required();
  flags->model_flags.Field(*command, "predict.method", {.before = "(with --answers: lmm) "});
  command->add_option(
      "--photos", flags->photos,
      "photo table; lmm: its photos without candidates are asked about, too; else listed as unanswered");
  command->add_option("--columns", flags->columns, "the photo table's columns as id,lat,lon[,author]");
  const std::string lmm = "lmm: ";
  command->add_option("--images", flags->images, lmm + "folder or tar of the photos");
  command->add_option("--answers", flags->answers, lmm + "table of answers, instead of a server");
  command->add_option("--answers-columns", flags->answers_columns,
                      "id,lat,lon[,success] columns of --answers [IMG_ID,LAT,LON,success]");
  for (const char* key : {"choose", "endpoint", "model", "prompt", "samples", "temperature", "concurrency", "cache"}) {
    flags->model_flags.Field(*command, std::string("predict.lmm.") + key, {.before = lmm});
  }
  command->add_flag("--offline", flags->offline, lmm + "replay the cache, send nothing; needs no --images");
  command->add_option("--place-names", flags->place_names, lmm + "table gallery_id,place: names for the prompt");
  command->add_option("--answers-out", flags->answers_out, lmm + "every single answer as a table");
  command->add_option("--photo-features", flags->photo_features,
                      "choose verify: features of the photos (embed photos)");
  command->add_option("--gps-features", flags->gps_features,
                      "choose verify: features of the places (embed gps), instead of the model");
  command->add_option("--places-out", flags->places_out, "the places that choose verify compares, for embed gps");
  command->footer("Every other setting: --set predict.lmm.KEY=VALUE (docs/lmm.md).");
  command->callback([flags] { Run(*flags); });
}

}  // namespace dualgeo::tools
