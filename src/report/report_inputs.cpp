// What other commands wrote, as the report takes it in.

#include <sstream>

#include "json_reader.h"
#include "report/report.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using Json = nlohmann::ordered_json;

Json ParseFile(const std::filesystem::path& path) {
  Json json = Json::parse(ReadFile(path), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) throw InputError(path.string() + ": not JSON");
  return json;
}

Interval ReadInterval(const JsonReader& reader) {
  const auto ends = reader.List();
  reader.Expect(ends.size() == 2, "a list of two numbers");
  return {ends[0].Number(), ends[1].Number()};
}

std::vector<double> Numbers(const std::vector<JsonReader>& list) {
  std::vector<double> numbers;
  for (const auto& item : list) numbers.push_back(item.Number());
  return numbers;
}

ReportRobustness::Curve ReadCurve(const JsonReader& reader) {
  ReportRobustness::Curve curve{reader.At("view").Text(), reader.Text("masks"), {}};
  for (const auto& item : reader.List("points")) {
    ReportRobustness::Point point;
    point.severity = item.At("severity").Number();
    for (const auto& [km, value] : item.ByThreshold("accuracy")) point.accuracy[km] = value.Number();
    for (const auto& [km, value] : item.ByThreshold("ci95")) point.ci95[km] = ReadInterval(value);
    curve.points.push_back(std::move(point));
  }
  return curve;
}

// "fusion.type=none, seed=1" from an object, or text as it is.
std::string ReadSettings(const JsonReader& row) {
  if (!row.Has("settings")) return "";
  const JsonReader settings = row.At("settings");
  if (settings.IsText()) return settings.Text();
  std::vector<std::string> parts;
  for (const auto& [key, value] : settings.Entries()) parts.push_back(key + "=" + value.Dump());
  return Join(parts);
}

// A number, or the list of them.
int ReadSeeds(const JsonReader& row) {
  if (!row.Has("seeds")) return 0;
  const JsonReader seeds = row.At("seeds");
  return seeds.IsNumber() ? static_cast<int>(seeds.Number()) : static_cast<int>(seeds.List().size());
}

ReportAblation::Row ReadRow(const JsonReader& item) {
  ReportAblation::Row row;
  row.name = item.At("name").Text();
  row.settings = ReadSettings(item);
  row.seeds = ReadSeeds(item);
  row.base = item.Flag("base");
  for (const auto& [km, value] : item.ByThreshold("mean")) row.accuracy[km].mean = value.Number();
  const auto add = [&](const std::string& key, std::optional<double> ReportAblation::Value::*member) {
    for (const auto& [km, value] : item.ByThreshold(key)) {
      const auto found = row.accuracy.find(km);
      if (found != row.accuracy.end() && !value.IsNull()) found->second.*member = value.Number();
    }
  };
  add("sd", &ReportAblation::Value::deviation);
  add("difference", &ReportAblation::Value::difference);
  add("p", &ReportAblation::Value::p);
  return row;
}

}  // namespace

ReportAblation ReadAblation(const std::filesystem::path& path) {
  const Json json = ParseFile(path);
  const JsonReader reader(json, path.string());
  reader.Expect(json.is_object(), "an object");
  ReportAblation ablation;
  ablation.benchmark = reader.Text("benchmark");
  ablation.synthetic = reader.Flag("synthetic");
  ablation.thresholds_km = Numbers(reader.List("thresholds_km"));
  for (const auto& item : reader.List("rows")) ablation.rows.push_back(ReadRow(item));
  return ablation;
}

ReportRobustness ReadRobustness(const std::filesystem::path& path) {
  const Json json = ParseFile(path);
  const JsonReader reader(json, path.string());
  reader.Expect(json.is_object(), "an object");
  ReportRobustness robustness;
  robustness.benchmark = reader.Text("benchmark");
  robustness.synthetic = reader.Flag("synthetic");
  robustness.thresholds_km = Numbers(reader.List("thresholds_km"));
  for (const auto& item : reader.List("conditions")) {
    ReportRobustness::Condition condition{
        item.At("name").Text(), item.Text("source"), item.Text("verdict"), item.Text("reason"), {}};
    for (const auto& curve : item.List("curves")) condition.curves.push_back(ReadCurve(curve));
    robustness.conditions.push_back(std::move(condition));
  }
  return robustness;
}

ReportTraining ReadTraining(const std::filesystem::path& path, std::string name) {
  ReportTraining training;
  training.name = std::move(name);
  std::istringstream lines(ReadFile(path));
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) {
      if (lines.peek() == std::istringstream::traits_type::eof()) break;
      throw InputError(path.string() + ":" + std::to_string(number) + ": not JSON");
    }
    const JsonReader reader(json, path.string() + ":" + std::to_string(number));
    const double step = reader.At("step").Number();
    const auto add = [step](const JsonReader& object, std::map<std::string, ReportTraining::Curve>& curves) {
      for (const auto& [key, value] : object.Entries()) {
        if (value.IsNumber()) curves[key].emplace_back(step, value.Number());
      }
    };
    if (reader.Has("validation")) {
      add(reader.At("validation"), training.validation);
    } else {
      add(reader, training.training);
    }
  }
  return training;
}

}  // namespace dualgeo
