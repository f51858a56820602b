// One of several models for each photo, by the probabilities of classes; and the training sets of such models.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <unordered_map>

#include "commands.h"
#include "config_flags.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "refine/router.h"
#include "util/atomic_file.h"
#include "util/output_path.h"

namespace dualgeo::tools {
namespace fs = std::filesystem;
namespace {

struct RouteFlags {
  fs::path probabilities, out;
  std::string id = "IMG_ID";
  std::vector<std::string> models;  // CLASS=FILE
};

// A table of candidates, not of predictions.
bool HoldsCandidates(const fs::path& path) {
  if (fs::exists(path) && !fs::is_regular_file(path)) {
    throw InputError(path.string() + ": must be a file, which is read twice");
  }
  return CsvTable::Read(path).Find("query_id").has_value();
}

std::string Counts(const std::vector<std::string>& classes, const std::vector<std::int64_t>& counts) {
  std::vector<std::string> texts;
  for (std::size_t c = 0; c < classes.size(); ++c) texts.push_back(classes[c] + " " + std::to_string(counts[c]));
  return Join(texts);
}

template <class Answer>
void RouteTo(const ClassProbabilities& probabilities, const std::vector<fs::path>& files,
             std::vector<Answer> (*read)(const fs::path&), void (*write)(const fs::path&, const std::vector<Answer>&),
             const fs::path& out) {
  std::vector<RoutedModel<Answer>> models;
  for (const fs::path& file : files) models.push_back({file, read(file)});
  const auto routed = Route(probabilities, std::move(models));
  write(out, routed.answers);
  spdlog::info("route: {} photos ({}); {} with probabilities are in none of the files -> {}", routed.answers.size(),
               Counts(probabilities.classes(), routed.count), routed.left_out, out.string());
}

void RunRoute(const RouteFlags& flags) {
  if (flags.models.empty()) throw InputError("--model CLASS=FILE is required, one for each class");
  if (flags.probabilities.empty()) throw InputError("--probabilities is required (see dualgeo route --help)");
  if (flags.out.empty()) throw InputError("--out is required (see dualgeo route --help)");
  std::vector<std::string> classes;
  std::vector<fs::path> files;
  std::vector<InputPath> inputs = {{"--probabilities", flags.probabilities}};
  for (const std::string& model : flags.models) {
    const std::size_t at = model.find('=');
    if (at == std::string::npos || at == 0 || at + 1 == model.size()) {
      throw InputError("--model '" + Printable(model) + "': CLASS=FILE is expected, CLASS a column of --probabilities");
    }
    if (std::ranges::find(classes, model.substr(0, at)) != classes.end()) {
      throw InputError("--model: the class '" + Printable(model.substr(0, at)) + "' is there twice");
    }
    classes.push_back(model.substr(0, at));
    files.emplace_back(model.substr(at + 1));
    inputs.push_back({"--model", files.back()});
  }
  CheckOutputs({{"--out", flags.out}}, inputs);
  const auto probabilities = ClassProbabilities::Read(flags.probabilities, classes, flags.id);
  const bool candidates = HoldsCandidates(files.front());
  for (const fs::path& file : files) {
    if (HoldsCandidates(file) == candidates) continue;
    throw InputError("--model: " + files.front().string() + " holds " + (candidates ? "candidates" : "predictions") +
                     ", " + file.string() + " does not");
  }
  if (candidates) {
    RouteTo<CandidateList>(probabilities, files, ReadCandidates, WriteCandidates, flags.out);
  } else {
    RouteTo<Prediction>(
        probabilities, files, [](const fs::path& file) { return ReadPredictions(file); }, WritePredictions, flags.out);
  }
}

struct RouteSplitFlags {
  fs::path probabilities, photos, out;
  std::string id = "IMG_ID", columns;
  std::vector<std::string> classes;
  double threshold = 0.3;
};

void RunSplit(const RouteSplitFlags& flags) {
  for (const std::string& name : flags.classes) {
    if (name.find('/') != std::string::npos || name.starts_with('.')) {
      throw InputError("--classes '" + Printable(name) + "': cannot be a file's name");
    }
  }
  std::vector<OutputPath> outputs = {{"--out", flags.out, OutputKind::kFilledFolder}};
  for (const std::string& name : flags.classes) outputs.push_back({"--out", flags.out / (name + ".csv")});
  CheckOutputs(outputs, {{"--probabilities", flags.probabilities}, {"--photos", flags.photos}});
  const PhotoColumns columns = ParsePhotoColumns("--columns", flags.columns);
  const PhotoTable photos = ReadPhotoTable(flags.photos, columns);
  const auto probabilities = ClassProbabilities::Read(flags.probabilities, flags.classes, flags.id);
  const auto split = SplitByClass(probabilities, photos.rows, flags.threshold);
  std::vector<std::int64_t> counts;
  std::unordered_map<std::string, int> times;
  CreateFolder(flags.out);
  for (std::size_t c = 0; c < split.size(); ++c) {
    counts.push_back(std::ssize(split[c]));
    for (const PhotoRow& row : split[c]) ++times[row.id];
    if (split[c].empty()) spdlog::warn("route: no photo has a {} above {}", flags.classes[c], flags.threshold);
    WritePhotoTable(flags.out / (flags.classes[c] + ".csv"), split[c], columns);
  }
  const auto several = std::ranges::count_if(times, [](const auto& photo) { return photo.second > 1; });
  spdlog::info("route: {} photos: {}; {} in several, {} in none -> {}", photos.rows.size(),
               Counts(flags.classes, counts), several, photos.rows.size() - times.size(), flags.out.string());
}

void AddSplit(CLI::App& route) {
  auto* command = route.add_subcommand("split", "the photos of each class, to train a model on");
  const auto flags = std::make_shared<RouteSplitFlags>();
  command->add_option("--probabilities", flags->probabilities, "table with a column of probabilities for each class")
      ->required();
  command->add_option("--classes", flags->classes, "its columns, separated by commas")->required()->delimiter(',');
  command->add_option("--id", flags->id, "its column of photos")->capture_default_str();
  command->add_option("--photos", flags->photos, "photo table")->required();
  command->add_option("--columns", flags->columns, "the photo table's columns as id,lat,lon[,author]");
  command->add_option("--threshold", flags->threshold, "a photo goes to every class more probable than this")
      ->capture_default_str();
  command->add_option("--out", flags->out, "folder of the tables CLASS.csv")->required();
  command->callback([flags] { RunSplit(*flags); });
}

}  // namespace

void AddRoute(CLI::App& root) {
  auto* command = root.add_subcommand("route", "for each photo the answer of one of several models");
  const auto flags = std::make_shared<RouteFlags>();
  command->add_option("--probabilities", flags->probabilities, "table with a column of probabilities for each class");
  command
      ->add_option("--model", flags->models,
                   "CLASS=FILE, repeatable: a column and its model's candidates or predictions")
      ->allow_extra_args(false);
  command->add_option("--id", flags->id, "the table's column of photos")->capture_default_str();
  command->add_option("--out", flags->out, "candidates or predictions CSV, whose column model tells which answered");
  command->require_subcommand(0, 1);
  AddSplit(*command);
  command->callback([command, flags] {
    if (command->get_subcommands().empty()) RunRoute(*flags);
  });
}

}  // namespace dualgeo::tools
