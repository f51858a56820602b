#include "dualgeo/eval/tables.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "dualgeo/eval/text_table.h"
#include "dualgeo/io/csv.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

using Json = nlohmann::ordered_json;

std::string Fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string WithInterval(double value, const std::optional<Interval>& interval, int decimals) {
  std::string text = Fixed(value, decimals);
  if (interval) text += " [" + Fixed(interval->low, decimals) + ", " + Fixed(interval->high, decimals) + "]";
  return text;
}

// One line of a table: an evaluation seen over one group of its photos.
struct Line {
  const Evaluation* evaluation;
  const GroupAccuracy* group;
  const char* photos;
  bool has_distances;  // median and mean are over the answered photos, and stand in that group's line
  bool has_geoscore;   // GeoScore is over all photos
};

std::vector<Line> Lines(const std::vector<Evaluation>& evaluations) {
  std::vector<Line> lines;
  for (const auto& e : evaluations) {
    const bool complete = e.answered == e.count;
    const bool of_answered = e.options.denominator == "answered";
    lines.push_back({&e, &e.all, of_answered ? "answered" : "all", complete || of_answered, true});
    if (!complete && !of_answered) lines.push_back({&e, &e.answered_only, "answered", true, false});
    if (e.without_zero) lines.push_back({&e, &*e.without_zero, "answered, not at 0,0", false, false});
    for (const auto& [method, group] : e.by_method) lines.push_back({&e, &group, method.c_str(), false, false});
  }
  return lines;
}

TextTable Cells(const std::vector<Evaluation>& evaluations) {
  TextTable table;
  table.header = {"benchmark", "method", "photos", "count"};
  table.text_columns = 3;
  for (const double threshold : evaluations.front().options.thresholds_km) {
    table.header.push_back(FormatDouble(threshold) + " km");
  }
  for (const char* name : {"median km", "mean km", "GeoScore"}) table.header.emplace_back(name);
  for (const Line& line : Lines(evaluations)) {
    const Evaluation& e = *line.evaluation;
    std::string benchmark = e.settings.benchmark;
    if (!e.settings.note.empty()) benchmark += (benchmark.empty() ? "" : " ") + ("(" + e.settings.note + ")");
    std::vector<std::string> row = {benchmark, e.settings.method, line.photos, std::to_string(line.group->count)};
    for (const auto& accuracy : line.group->accuracy) row.push_back(WithInterval(accuracy.percent, accuracy.ci95, 2));
    const bool distances = line.has_distances && e.median_km;
    row.push_back(distances ? WithInterval(*e.median_km, e.median_ci95, 1) : "-");
    row.push_back(distances ? WithInterval(*e.mean_km, e.mean_ci95, 1) : "-");
    row.push_back(line.has_geoscore ? WithInterval(e.geoscore, e.geoscore_ci95, 0) : "-");
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string Caption(const Evaluation& e) {
  const bool ellipsoid = e.options.distance == DistanceKindNames()[0];
  std::string text =
      std::string("Percent of photos whose error is below the distance (") +
      (ellipsoid ? "geodesic, WGS84" : "great circle, 6371 km") + "), with 95 % intervals (Wilson). " +
      (e.options.denominator == "all"
           ? "Photos without an answer are misses among all photos. Median and mean error are over answered photos, "
             "GeoScore over all"
           : "Photos without an answer are left out of everything (evaluate.denominator: answered)");
  if (e.options.bootstrap > 0) {
    text += "; their intervals are from " + std::to_string(e.options.bootstrap) + " bootstrap rounds";
  }
  text += ".";
  return text;
}

std::vector<std::string> Notes(const std::vector<Evaluation>& evaluations) {
  std::vector<std::string> notes;
  for (const auto& e : evaluations) {
    const std::string& note = e.settings.note;
    if (!note.empty() && std::find(notes.begin(), notes.end(), note) == notes.end()) notes.push_back(note);
  }
  return notes;
}

std::string CsvText(const std::vector<Evaluation>& evaluations) {
  std::vector<std::string> header = {"benchmark", "method", "note", "photos", "count"};
  for (const double threshold : evaluations.front().options.thresholds_km) {
    const std::string name = "accuracy_" + FormatDouble(threshold);
    header.insert(header.end(), {name, name + "_low", name + "_high"});
  }
  for (const char* name : {"median_km", "mean_km", "geoscore"}) {
    const std::string stem = name;
    header.insert(header.end(), {stem, stem + "_low", stem + "_high"});
  }
  std::ostringstream out;
  CsvWriter writer(out, header);
  for (const Line& line : Lines(evaluations)) {
    const Evaluation& e = *line.evaluation;
    std::vector<std::string> row = {e.settings.benchmark, e.settings.method, e.settings.note, line.photos,
                                    std::to_string(line.group->count)};
    const auto add = [&](std::optional<double> value, std::optional<Interval> interval) {
      if (!value) interval.reset();
      row.push_back(value ? FormatDouble(*value) : "");
      row.push_back(interval ? FormatDouble(interval->low) : "");
      row.push_back(interval ? FormatDouble(interval->high) : "");
    };
    for (const auto& accuracy : line.group->accuracy) add(accuracy.percent, accuracy.ci95);
    add(line.has_distances ? e.median_km : std::nullopt, e.median_ci95);
    add(line.has_distances ? e.mean_km : std::nullopt, e.mean_ci95);
    add(line.has_geoscore ? std::optional(e.geoscore) : std::nullopt, e.geoscore_ci95);
    writer.Row(row);
  }
  return out.str();
}

Json PairOf(const Interval& interval) { return Json::array({interval.low, interval.high}); }

Json AccuracyJson(const GroupAccuracy& group) {
  Json accuracy = Json::object();
  for (const auto& a : group.accuracy) accuracy[FormatDouble(a.threshold_km)] = a.percent;
  return accuracy;
}

Json IntervalsJson(const GroupAccuracy& group) {
  Json intervals = Json::object();
  for (const auto& a : group.accuracy) intervals[FormatDouble(a.threshold_km)] = PairOf(a.ci95);
  return intervals;
}

Json GroupJson(const GroupAccuracy& group) {
  return {{"count", group.count}, {"accuracy", AccuracyJson(group)}, {"ci95", IntervalsJson(group)}};
}

Json Metrics(const Evaluation& e) {
  Json intervals = IntervalsJson(e.all);
  if (e.median_ci95) intervals["median_km"] = PairOf(*e.median_ci95);
  if (e.mean_ci95) intervals["mean_km"] = PairOf(*e.mean_ci95);
  if (e.geoscore_ci95) intervals["geoscore"] = PairOf(*e.geoscore_ci95);
  Json json = {{"benchmark", e.settings.benchmark},
               {"method", e.settings.method},
               {"note", e.settings.note},
               {"count", e.count},
               {"answered", e.answered},
               {"accuracy", AccuracyJson(e.all)},
               {"ci95", intervals},
               {"median_km", e.median_km ? Json(*e.median_km) : Json()},
               {"mean_km", e.mean_km ? Json(*e.mean_km) : Json()},
               {"geoscore", e.geoscore},
               {"answered_only", GroupJson(e.answered_only)}};
  if (e.without_zero) json["without_zero"] = GroupJson(*e.without_zero);
  for (const auto& [method, group] : e.by_method) json["by_method"][method] = GroupJson(group);
  json["zero_answers"] = e.zero_answers;
  json["unknown_ids"] = e.unknown_ids;
  json["settings"] = {{"thresholds_km", e.options.thresholds_km},   {"distance", e.options.distance},
                      {"bootstrap", e.options.bootstrap},           {"seed", e.options.seed},
                      {"denominator", e.options.denominator},       {"zero_is_failure", e.options.zero_is_failure},
                      {"predictions", e.settings.predictions_file}, {"truth", e.settings.truth_file}};
  return json;
}

std::string Dump(const Json& json) {
  // File names and ids need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

const char* StatusName(Answer answer) {
  switch (answer) {
    case Answer::kAnswered:
      return "answered";
    case Answer::kNoPrediction:
      return "no_prediction";
    case Answer::kNoLocation:
      return "no_location";
    case Answer::kZeroAsFailure:
      return "zero_as_failure";
  }
  return "";
}

}  // namespace

const std::vector<std::string>& TableFormatNames() {
  static const std::vector<std::string> names = {"markdown", "latex", "csv", "json"};
  return names;
}

TableFormat ParseTableFormat(const std::string& name) {
  const auto& names = TableFormatNames();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw InputError("format: unknown value '" + Printable(name) + "'; allowed: " + Join(names));
  }
  return static_cast<TableFormat>(found - names.begin());
}

std::string FormatTable(const std::vector<Evaluation>& evaluations, TableFormat format) {
  if (evaluations.empty()) return "";
  for (const auto& e : evaluations) {
    if (e.options.thresholds_km != evaluations.front().options.thresholds_km ||
        e.options.distance != evaluations.front().options.distance) {
      throw InputError("results scored with different thresholds or distances do not fit in one table");
    }
  }
  switch (format) {
    case TableFormat::kCsv:
      return CsvText(evaluations);
    case TableFormat::kJson: {
      if (evaluations.size() == 1) return MetricsJson(evaluations.front());
      Json all = Json::array();
      for (const auto& e : evaluations) all.push_back(Metrics(e));
      return Dump(all);
    }
    case TableFormat::kMarkdown: {
      std::string text = MarkdownTable(Cells(evaluations)) + "\n" + Caption(evaluations.front()) + "\n";
      for (const auto& note : Notes(evaluations)) text += "Note: " + note + ".\n";
      return text;
    }
    case TableFormat::kLatex: {
      std::string text = LatexTable(Cells(evaluations)) + "% " + Caption(evaluations.front()) + "\n";
      for (const auto& note : Notes(evaluations)) text += "% Note: " + note + ".\n";
      return text;
    }
  }
  return "";
}

std::string MetricsJson(const Evaluation& evaluation, const Evaluation* oracle) {
  Json json = Metrics(evaluation);
  if (oracle != nullptr) json["oracle"] = Metrics(*oracle);
  return Dump(json);
}

std::string FormatComparison(const std::string& name_a, const std::string& name_b,
                             const std::vector<PairedComparison>& comparisons) {
  TextTable table;
  table.header = {"within", name_a + " %", name_b + " %", "difference", "only " + name_a, "only " + name_b, "p"};
  for (const auto& c : comparisons) {
    char p[32];
    std::snprintf(p, sizeof p, c.p_value < 0.001 ? "%.1e" : "%.3f", c.p_value);
    const double difference = c.percent_a - c.percent_b;
    table.rows.push_back({FormatDouble(c.threshold_km) + " km", Fixed(c.percent_a, 2), Fixed(c.percent_b, 2),
                          (difference > 0 ? "+" : "") + Fixed(difference, 2), std::to_string(c.only_a),
                          std::to_string(c.only_b), p});
  }
  return MarkdownTable(std::move(table)) +
         "\np: two-sided exact McNemar test over the same photos; \"only\": photos that one of the two alone gets "
         "right.\n";
}

void WriteErrors(const std::filesystem::path& path, const Evaluation& evaluation) {
  AtomicFile file(path);
  CsvWriter writer(file.stream(), {"IMG_ID", "LAT", "LON", "LAT_pred", "LON_pred", "error_km", "status", "reason"});
  for (const auto& photo : evaluation.photos) {
    writer.Row({photo.id, FormatDouble(photo.truth.lat), FormatDouble(photo.truth.lon),
                photo.prediction ? FormatDouble(photo.prediction->lat) : "",
                photo.prediction ? FormatDouble(photo.prediction->lon) : "",
                photo.error_km ? FormatDouble(*photo.error_km) : "", StatusName(photo.answer), photo.reason});
  }
  file.Commit();
}

}  // namespace dualgeo
