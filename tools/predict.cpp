#include <spdlog/spdlog.h>

#include <filesystem>
#include <memory>

#include "commands.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "embed_flags.h"
#include "lmm/predictor.h"
#include "networks.h"
#include "pipeline/stages.h"
#include "util/output_path.h"

namespace dualgeo::tools {
namespace {

struct PredictFlags {
  ModelFlags model;
  PhotoSet photos;
  PredictFiles files;
  std::filesystem::path answers_out;
  std::string columns, answers_columns;
};

ExperimentOptions Options(const PredictFlags& flags) {
  ExperimentOptions options = flags.model.Resolve();
  if (flags.files.answers.empty()) return options;
  if (!flags.model.Given("predict.method")) options.predict.method = "lmm";
  if (options.predict.method != "lmm") {
    throw InputError("predict: --answers is for method lmm, not " + options.predict.method);
  }
  return options;
}

// A method that takes the lists one by one: no photo is read.
void RunEach(const PredictFlags& flags, const PredictOptions& options) {
  auto predictions = PredictEach(options, ReadCandidates(flags.files.candidates));
  if (!flags.photos.csv.empty()) {
    std::vector<std::string> ids;
    for (const auto& row : ReadPhotoTable(flags.photos.csv, flags.photos.columns, Locations::kOptional).rows) {
      ids.push_back(row.id);
    }
    AddUnanswered(ids, options.method, predictions);
  }
  const std::string answered = DescribeAnswered(predictions, options.method);
  ApplyFailureRule(options, predictions);
  WritePredictions(flags.files.out, predictions);
  spdlog::info("predict: {} -> {}", answered, flags.files.out.string());
}

void RunLmm(PredictFlags& flags, const ExperimentOptions& options) {
  PredictFiles& files = flags.files;
  files.answer_columns = ParseAnswerColumns("--answers-columns", flags.answers_columns);
  if (!files.gps_features.empty() && files.features.empty()) {
    throw InputError("predict: --gps-features goes with --photo-features");
  }
  if (!files.features.empty()) files.checkpoint = flags.model.Checkpoint(options);
  const auto [predictions, answered, report] = PredictFromConfig(options, flags.photos, files);
  WritePredictions(files.out, predictions);
  if (!flags.answers_out.empty()) WriteAnswers(flags.answers_out, report.answers);
  spdlog::info("predict: {} -> {}", answered, files.out.string());
  if (report.failed) {
    throw Error("predict: " + report.stopped + "; " + files.out.string() +
                " holds what there is, run again to ask about the rest");
  }
}

void Run(PredictFlags& flags) {
  const ExperimentOptions options = Options(flags);
  const PredictFiles& files = flags.files;
  const LmmOptions& choice = options.predict.lmm;
  const bool lmm = options.predict.method == "lmm";
  if (files.candidates.empty() && !(lmm && !flags.photos.csv.empty())) {
    throw InputError("predict: give --candidates (method lmm can do with --photos alone)");
  }
  flags.photos.columns = ParsePhotoColumns("--columns", flags.columns);
  const bool asks = lmm && files.answers.empty();
  CheckOutputs({{"--out", files.out},
                {"--answers-out", flags.answers_out},
                {"--places-out", files.places_out},
                {"the cache", asks && !choice.offline ? choice.cache : "", OutputKind::kRegularFile}},
               AllInputs({flags.model.Inputs(options),
                          {{"--candidates", files.candidates},
                           {"--photos", flags.photos.csv},
                           {"--images", flags.photos.images, InputKind::kPhotos},
                           {"--answers", files.answers},
                           {"--place-names", files.place_names},
                           {"--photo-features", files.features},
                           {"--gps-features", files.gps_features},
                           {"the prompt", asks ? choice.prompt : ""},
                           {"the cache", asks && choice.offline ? choice.cache : ""}}}));
  if (lmm) return WithNetworks([&] { RunLmm(flags, options); })();
  RunEach(flags, options.predict);
}

}  // namespace

void AddPredict(CLI::App& root) {
  auto* command = root.add_subcommand("predict", "turn each photo's candidates into one answer");
  const auto flags = std::make_shared<PredictFlags>();
  flags->model.Add(*command);
  command->add_option("--candidates", flags->files.candidates, "candidates CSV");
  command->add_option("--out", flags->files.out, "predictions CSV")->required();
  flags->model.Field(*command, "predict.method", {.before = "(with --answers: lmm) "});
  command->add_option(
      "--photos", flags->photos.csv,
      "photo table; lmm: its photos without candidates are asked about, too; else listed as unanswered");
  command->add_option("--columns", flags->columns, "the photo table's columns as id,lat,lon[,author]");
  const std::string lmm = "lmm: ";
  command->add_option("--images", flags->photos.images, lmm + "folder or tar of the photos");
  command->add_option("--answers", flags->files.answers, lmm + "table of answers, instead of a server");
  command->add_option("--answers-columns", flags->answers_columns,
                      "id,lat,lon[,success] columns of --answers [IMG_ID,LAT,LON,success]");
  for (const char* key : {"choose", "endpoint", "model", "prompt", "samples", "temperature", "concurrency", "cache"}) {
    flags->model.Field(*command, std::string("predict.lmm.") + key, {.before = lmm});
  }
  flags->model.Field(*command, "predict.lmm.offline",
                     {.help = lmm + "replay the cache, send nothing; needs no --images"});
  command->add_option("--place-names", flags->files.place_names, lmm + "table gallery_id,place: names for the prompt");
  command->add_option("--answers-out", flags->answers_out, lmm + "every single answer as a table");
  command->add_option("--photo-features", flags->files.features,
                      "choose verify: features of the photos (embed photos)");
  command->add_option("--gps-features", flags->files.gps_features,
                      "choose verify: features of the places (embed gps), instead of the model");
  command->add_option("--places-out", flags->files.places_out, "the places that choose verify compares, for embed gps");
  command->footer("Every other setting: --set predict.lmm.KEY=VALUE (docs/lmm.md).");
  command->callback([flags] { Run(*flags); });
}

}  // namespace dualgeo::tools
