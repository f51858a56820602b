#include "dualgeo/eval/tables.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "dualgeo/eval/text_table.h"
#include "dualgeo/io/csv.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "table_cells.h"

namespace dualgeo {
namespace {

using Json = nlohmann::ordered_json;

// One line of a table: some photos of an evaluation, a depth of a candidate list, or a paper's row.
struct Line {
  std::string benchmark, method, note, photos;
  std::optional<std::int64_t> count;
  std::vector<std::optional<double>> percent;  // one per threshold
  std::vector<std::optional<Interval>> ci95;
  std::optional<double> median_km, mean_km, geoscore;
  std::optional<Interval> median_ci95, mean_ci95, geoscore_ci95;
};

Line LineOf(const Evaluation& e, const std::string& photos, const GroupAccuracy& group) {
  Line line{
      e.settings.benchmark, e.settings.method, e.settings.note, photos, group.count, {}, {}, {}, {}, {}, {}, {}, {}};
  for (const auto& accuracy : group.accuracy) {
    line.percent.emplace_back(accuracy.percent);
    line.ci95.emplace_back(accuracy.ci95);
  }
  return line;
}

std::vector<Line> LinesOf(const Evaluation& e) {
  const bool complete = e.answered == e.count || e.options.denominator == "answered";
  std::vector<Line> lines = {LineOf(e, e.options.denominator == "answered" ? "answered" : "all", e.all)};
  lines[0].geoscore = e.geoscore;
  lines[0].geoscore_ci95 = e.geoscore_ci95;
  if (!complete) lines.push_back(LineOf(e, "answered", e.answered_only));
  // Median and mean are over the answered photos, and stand in that group's line.
  lines.back().median_km = e.median_km;
  lines.back().median_ci95 = e.median_ci95;
  lines.back().mean_km = e.mean_km;
  lines.back().mean_ci95 = e.mean_ci95;
  if (e.without_zero) lines.push_back(LineOf(e, "answered, not at 0,0", *e.without_zero));
  for (const auto& [method, group] : e.by_method) lines.push_back(LineOf(e, method, group));
  return lines;
}

std::vector<Line> LinesOf(const std::vector<Evaluation>& evaluations) {
  std::vector<Line> lines;
  for (const auto& e : evaluations) {
    for (auto& line : LinesOf(e)) lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<Line> LinesOf(const Evaluation& e, const std::vector<GroupScores>& groups, const std::string& what) {
  std::vector<Line> lines;
  for (const auto& group : groups) {
    Line line = LineOf(e, what + group.name, group.scores);
    line.median_km = group.median_km;
    line.geoscore = group.geoscore;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<Line> LinesOf(const Evaluation& e, const std::vector<RecallAtK>& recall) {
  std::vector<Line> lines;
  for (const auto& row : recall) {
    Line line = LineOf(e, "best of top " + std::to_string(row.k), row.recall);
    line.median_km = row.median_km;
    line.mean_km = row.mean_km;
    line.geoscore = row.geoscore;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<Line> LinesOf(const std::vector<PublishedRow>& published, const std::vector<double>& thresholds_km) {
  std::vector<Line> lines;
  for (const auto& row : published) {
    Line line;
    line.benchmark = row.benchmark;
    line.method = row.Name() + " [" + row.source + "]";
    line.photos = "reported";
    for (const double threshold : thresholds_km) {
      const auto known = std::find(kAccuracyKm.begin(), kAccuracyKm.end(), threshold);
      line.percent.push_back(known == kAccuracyKm.end()
                                 ? std::nullopt
                                 : std::optional(row.percent[static_cast<std::size_t>(known - kAccuracyKm.begin())]));
      line.ci95.emplace_back();
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string Cell(std::optional<double> value, const std::optional<Interval>& interval, int decimals) {
  return value ? WithInterval(*value, interval, decimals) : "-";
}

TextTable Cells(const std::vector<Line>& lines, const std::vector<double>& thresholds_km) {
  TextTable table;
  table.header = {"benchmark", "method", "photos", "count"};
  table.text_columns = 3;
  for (const double threshold : thresholds_km) table.header.push_back(FormatDouble(threshold) + " km");
  for (const char* name : {"median km", "mean km", "GeoScore"}) table.header.emplace_back(name);
  for (const Line& line : lines) {
    std::string benchmark = line.benchmark;
    if (!line.note.empty()) benchmark += (benchmark.empty() ? "" : " ") + ("(" + line.note + ")");
    std::vector<std::string> row = {benchmark, line.method, line.photos,
                                    line.count ? std::to_string(*line.count) : "-"};
    for (std::size_t t = 0; t < line.percent.size(); ++t) row.push_back(Cell(line.percent[t], line.ci95[t], 2));
    row.push_back(Cell(line.median_km, line.median_ci95, 1));
    row.push_back(Cell(line.mean_km, line.mean_ci95, 1));
    row.push_back(Cell(line.geoscore, line.geoscore_ci95, 0));
    table.rows.push_back(std::move(row));
  }
  return table;
}

// Without the columns that are the same in every row of a breakdown.
TextTable GroupCells(const std::vector<Line>& lines, const std::vector<double>& thresholds_km,
                     const std::string& what) {
  TextTable table = Cells(lines, thresholds_km);
  table.text_columns = 1;
  for (auto* row : {&table.header}) row->erase(row->begin(), row->begin() + 2);
  for (auto& row : table.rows) row.erase(row.begin(), row.begin() + 2);
  table.header[0] = what;
  return table;
}

TextTable QuantileCells(const std::vector<Evaluation>& evaluations) {
  TextTable table;
  table.header = {"method", "answered"};
  table.text_columns = 1;
  for (const double quantile : evaluations.front().options.quantiles) {
    table.header.push_back(FormatDouble(quantile) + " %");
  }
  for (const auto& e : evaluations) {
    std::vector<std::string> row = {e.settings.method, std::to_string(e.answered)};
    for (std::size_t q = 0; q < e.options.quantiles.size(); ++q) {
      row.push_back(e.quantiles_km.empty() ? "-" : Fixed(e.quantiles_km[q], e.quantiles_km[q] < 10 ? 2 : 1));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

TextTable LeakageCells(const LeakageStudy& study) {
  TextTable table;
  table.header = {"gallery", "lists shortened", "emptied", "answers changed"};
  table.text_columns = 1;
  for (const auto& accuracy : study.rows.front().evaluation.all.accuracy) {
    table.header.push_back(FormatDouble(accuracy.threshold_km) + " km");
  }
  for (const auto& row : study.rows) {
    std::vector<std::string> cells = {row.rule, std::to_string(row.lists_shortened), std::to_string(row.lists_emptied),
                                      std::to_string(row.answers_changed)};
    for (std::size_t t = 0; t < row.evaluation.all.accuracy.size(); ++t) {
      const auto& accuracy = row.evaluation.all.accuracy[t];
      std::string cell = WithInterval(accuracy.percent, accuracy.ci95, 2);
      if (!row.comparison.empty()) {
        const auto& pair = row.comparison[t];
        cell += " -" + std::to_string(pair.only_a) + " +" + std::to_string(pair.only_b) + " p=" + PValue(pair.p_value);
      }
      cells.push_back(cell);
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::string LeakageCaption(const LeakageStudy& study) {
  std::string text =
      "Leakage: the answer is the first candidate that remains. Percent of all photos below the distance, with 95 % "
      "intervals; -a +b: photos that are right only with, and only without, those candidates; p: exact McNemar test. "
      "Emptied lists have no answer left and count as misses.";
  for (const auto& why : study.unavailable) text += " Not told by these files: " + why + ".";
  return text;
}

std::string Caption(const Evaluation& e) {
  const bool ellipsoid = e.options.distance == DistanceKindNames()[0];
  std::string text =
      std::string("Percent of photos whose error is below the distance (") +
      (ellipsoid ? "geodesic, WGS84" : "great circle, 6371 km") + "), strictly, with 95 % intervals (" +
      (e.options.interval == "bootstrap" ? "bootstrap" : "Wilson") + "). " +
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

std::string CsvText(const std::vector<Line>& lines, const std::vector<double>& thresholds_km) {
  std::vector<std::string> header = {"benchmark", "method", "note", "photos", "count"};
  for (const double threshold : thresholds_km) {
    const std::string name = "accuracy_" + FormatDouble(threshold);
    header.insert(header.end(), {name, name + "_low", name + "_high"});
  }
  for (const char* name : {"median_km", "mean_km", "geoscore"}) {
    const std::string stem = name;
    header.insert(header.end(), {stem, stem + "_low", stem + "_high"});
  }
  std::ostringstream out;
  CsvWriter writer(out, header);
  for (const Line& line : lines) {
    std::vector<std::string> row = {line.benchmark, line.method, line.note, line.photos,
                                    line.count ? std::to_string(*line.count) : ""};
    const auto add = [&](std::optional<double> value, std::optional<Interval> interval) {
      if (!value) interval.reset();
      row.push_back(value ? FormatDouble(*value) : "");
      row.push_back(interval ? FormatDouble(interval->low) : "");
      row.push_back(interval ? FormatDouble(interval->high) : "");
    };
    for (std::size_t t = 0; t < line.percent.size(); ++t) add(line.percent[t], line.ci95[t]);
    add(line.median_km, line.median_ci95);
    add(line.mean_km, line.mean_ci95);
    add(line.geoscore, line.geoscore_ci95);
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

Json GroupsJson(const std::vector<GroupScores>& groups) {
  Json json = Json::object();
  for (const auto& group : groups) {
    Json item = GroupJson(group.scores);
    item["answered"] = group.answered;
    item["median_km"] = group.median_km ? Json(*group.median_km) : Json();
    item["geoscore"] = group.geoscore;
    json[group.name] = item;
  }
  return json;
}

Json RecallJson(const std::vector<RecallAtK>& recall) {
  Json json = Json::object();
  for (const auto& row : recall) {
    Json item = GroupJson(row.recall);
    item["median_km"] = row.median_km ? Json(*row.median_km) : Json();
    item["mean_km"] = row.mean_km ? Json(*row.mean_km) : Json();
    item["geoscore"] = row.geoscore;
    json[std::to_string(row.k)] = item;
  }
  return json;
}

Json PublishedJson(const std::vector<PublishedRow>& published) {
  Json json = Json::array();
  for (const auto& row : published) {
    Json accuracy = Json::object();
    for (std::size_t t = 0; t < kAccuracyKm.size(); ++t) accuracy[FormatDouble(kAccuracyKm[t])] = row.percent[t];
    json.push_back({{"system", row.system},
                    {"variant", row.variant},
                    {"year", row.year},
                    {"reported", true},
                    {"photos", row.photos},
                    {"accuracy", accuracy},
                    {"source", row.source}});
  }
  return json;
}

Json LeakageJson(const LeakageStudy& study) {
  Json rows = Json::array();
  for (const auto& row : study.rows) {
    Json item = {{"gallery", row.rule},
                 {"candidates_removed", row.candidates_removed},
                 {"lists_shortened", row.lists_shortened},
                 {"lists_emptied", row.lists_emptied},
                 {"answers_changed", row.answers_changed},
                 {"accuracy", AccuracyJson(row.evaluation.all)},
                 {"ci95", IntervalsJson(row.evaluation.all)},
                 {"geoscore", row.evaluation.geoscore}};
    for (const auto& pair : row.comparison) {
      item["against_all"][FormatDouble(pair.threshold_km)] = {
          {"right_only_with", pair.only_a}, {"right_only_without", pair.only_b}, {"p_value", pair.p_value}};
    }
    rows.push_back(item);
  }
  return {{"rows", rows}, {"unavailable", study.unavailable}};
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
               {"quantiles_km", Json::object()},
               {"answered_only", GroupJson(e.answered_only)}};
  if (e.without_zero) json["without_zero"] = GroupJson(*e.without_zero);
  for (const auto& [method, group] : e.by_method) json["by_method"][method] = GroupJson(group);
  for (std::size_t q = 0; q < e.quantiles_km.size(); ++q) {
    json["quantiles_km"][FormatDouble(e.options.quantiles[q])] = e.quantiles_km[q];
  }
  if (!e.continents.empty()) json["continents"] = GroupsJson(e.continents);
  if (!e.countries.empty()) json["countries"] = GroupsJson(e.countries);
  json["zero_answers"] = e.zero_answers;
  json["unknown_ids"] = e.unknown_ids;
  json["settings"] = {{"thresholds_km", e.options.thresholds_km},
                      {"distance", e.options.distance},
                      {"interval", e.options.interval},
                      {"bootstrap", e.options.bootstrap},
                      {"seed", e.options.seed},
                      {"denominator", e.options.denominator},
                      {"zero_is_failure", e.options.zero_is_failure},
                      {"predictions", e.settings.predictions_file},
                      {"truth", e.settings.truth_file}};
  if (e.settings.provenance) json["provenance"] = ToJson(*e.settings.provenance);
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
  const auto& thresholds = evaluations.front().options.thresholds_km;
  for (const auto& e : evaluations) {
    if (e.options.thresholds_km != thresholds || e.options.distance != evaluations.front().options.distance) {
      throw InputError("results scored with different thresholds or distances do not fit in one table");
    }
  }
  const std::vector<Line> lines = LinesOf(evaluations);
  switch (format) {
    case TableFormat::kCsv:
      return CsvText(lines, thresholds);
    case TableFormat::kJson: {
      if (evaluations.size() == 1) return MetricsJson(evaluations.front());
      Json all = Json::array();
      for (const auto& e : evaluations) all.push_back(Metrics(e));
      return Dump(all);
    }
    case TableFormat::kMarkdown: {
      std::string text = MarkdownTable(Cells(lines, thresholds)) + "\n" + Caption(evaluations.front()) + "\n";
      for (const auto& note : Notes(evaluations)) text += "Note: " + note + ".\n";
      return text;
    }
    case TableFormat::kLatex: {
      std::string text = LatexTable(Cells(lines, thresholds)) + "% " + Caption(evaluations.front()) + "\n";
      for (const auto& note : Notes(evaluations)) text += "% Note: " + note + ".\n";
      return text;
    }
  }
  return "";
}

std::string FormatReport(const EvaluationReport& report, TableFormat format) {
  if (format == TableFormat::kJson) return MetricsJson(report);
  const Evaluation& first = report.evaluations.at(0);
  const auto& thresholds = first.options.thresholds_km;
  const auto published = LinesOf(report.published, thresholds);
  const auto recall = LinesOf(first, report.recall);
  const auto continents = LinesOf(first, first.continents, ""), countries = LinesOf(first, first.countries, "");

  std::vector<Line> lines = LinesOf(report.evaluations);
  lines.insert(lines.end(), published.begin(), published.end());
  if (format == TableFormat::kCsv) {
    for (const auto& more :
         {recall, LinesOf(first, first.continents, "continent "), LinesOf(first, first.countries, "country ")}) {
      lines.insert(lines.end(), more.begin(), more.end());
    }
    if (report.leakage) {
      for (const auto& row : report.leakage->rows)
        lines.push_back(LineOf(row.evaluation, "leakage", row.evaluation.all));
    }
    return CsvText(lines, thresholds);
  }

  const bool latex = format == TableFormat::kLatex;
  const std::string remark = latex ? "% " : "";
  std::string text;
  const auto add = [&](const TextTable& table, const std::string& caption) {
    text += (text.empty() ? "" : "\n") + (latex ? LatexTable(table) : MarkdownTable(table) + "\n");
    text += remark + caption + "\n";
  };
  add(Cells(lines, thresholds), Caption(first));
  if (!report.published.empty()) {
    text += remark +
            "Rows marked \"reported\" are what the papers say, not computed here; [in brackets: where it was read].\n";
    if (report.published.front().photos != first.count) {
      text += remark + "They are of all " + std::to_string(report.published.front().photos) +
              " photos of the benchmark; this truth table has " + std::to_string(first.count) + ".\n";
    }
  }
  for (const auto& note : Notes(report.evaluations)) text += remark + "Note: " + note + ".\n";
  if (!first.options.quantiles.empty()) {
    add(QuantileCells(report.evaluations),
        "Quantiles of the error in km, over the answered photos: so many percent are at most as far off.");
  }
  if (!recall.empty()) {
    add(GroupCells(recall, thresholds, "candidates"),
        "Recall: percent of all photos with a candidate below the distance among the first k; which is also the "
        "accuracy "
        "of the oracle that picks the best of them. Median, mean and GeoScore are that oracle's.");
  }
  if (!continents.empty()) {
    add(GroupCells(continents, thresholds, "continent"), "By continent of the true place; mean error is not given.");
  }
  if (!countries.empty()) {
    add(GroupCells(countries, thresholds, "country"), "By country of the true place; mind the intervals.");
  }
  if (report.leakage) add(LeakageCells(*report.leakage), LeakageCaption(*report.leakage));
  return text;
}

std::string MetricsJson(const EvaluationReport& report) {
  Json json = Metrics(report.evaluations.at(0));
  if (report.evaluations.size() > 1) {
    json["oracle"] = Metrics(report.evaluations[1]);
    json["oracle"].erase("provenance");  // the same
  }
  if (!report.recall.empty()) json["recall"] = RecallJson(report.recall);
  if (!report.published.empty()) json["published"] = PublishedJson(report.published);
  if (report.leakage) json["leakage"] = LeakageJson(*report.leakage);
  return Dump(json);
}

std::string MetricsJson(const Evaluation& evaluation, const Evaluation* oracle) {
  EvaluationReport report{{evaluation}, {}, {}, std::nullopt};
  if (oracle != nullptr) report.evaluations.push_back(*oracle);
  return MetricsJson(report);
}

std::string FormatComparison(const std::string& name_a, const std::string& name_b,
                             const std::vector<PairedComparison>& comparisons) {
  TextTable table;
  table.header = {"within", name_a + " %", name_b + " %", "difference", "only " + name_a, "only " + name_b, "p"};
  for (const auto& c : comparisons) {
    const double difference = c.percent_a - c.percent_b;
    table.rows.push_back({FormatDouble(c.threshold_km) + " km", Fixed(c.percent_a, 2), Fixed(c.percent_b, 2),
                          Signed(difference, 2), std::to_string(c.only_a), std::to_string(c.only_b),
                          PValue(c.p_value)});
  }
  return MarkdownTable(std::move(table)) +
         "\np: two-sided exact McNemar test over the same photos; \"only\": photos that one of the two alone gets "
         "right.\n";
}

namespace {

int Decimals(const Measure& measure) { return measure.percent ? 2 : measure.more_is_better ? 0 : 1; }

// "41.3 [39.0, 43.7]" of one run; "41.3 ± 0.6" of several.
std::string ScoreCell(const MethodScore& score, int decimals) {
  std::string text = WithInterval(score.value.mean, score.ci95, decimals);
  if (score.value.deviation) text += " ± " + Fixed(*score.value.deviation, decimals == 0 ? 1 : decimals);
  return text;
}

TextTable MethodCells(const MethodComparison& comparison) {
  TextTable table;
  table.header = {"method", "seeds"};
  table.text_columns = 1;
  for (const auto& measure : comparison.measures) table.header.push_back(measure.name + (measure.percent ? " %" : ""));
  for (std::size_t m = 0; m < comparison.methods.size(); ++m) {
    const Method& method = comparison.methods[m];
    std::vector<std::string> row = {method.name, std::to_string(method.runs.size())};
    for (std::size_t k = 0; k < comparison.measures.size(); ++k) {
      row.push_back(ScoreCell(comparison.scores[m][k], Decimals(comparison.measures[k])));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

TextTable TestCells(const MethodComparison& comparison) {
  TextTable table;
  table.header = {"a", "b",           "measure", "test", "a - b", "95 % interval", "only a right", "only b right",
                  "p", "corrected p", "survives"};
  table.text_columns = 4;
  for (const auto& test : comparison.tests) {
    const Measure& measure = comparison.measures[test.measure];
    const int decimals = Decimals(measure);
    std::string name = test.name.empty() ? "-" : test.name;
    if (test.t && test.t->t) name += " = " + Fixed(*test.t->t, 2) + ", " + std::to_string(test.t->pairs) + " seeds";
    if (test.t && !test.t->t) name += ": no deviation";
    const Interval& ci = test.difference.ci95;
    table.rows.push_back({comparison.methods[test.a].name, comparison.methods[test.b].name, measure.name, name,
                          Signed(test.difference.value, decimals),
                          "[" + Signed(ci.low, decimals) + ", " + Signed(ci.high, decimals) + "]",
                          test.discordant ? std::to_string(test.discordant->only_a) : "-",
                          test.discordant ? std::to_string(test.discordant->only_b) : "-",
                          test.p_value ? PValue(*test.p_value) : "-", test.corrected ? PValue(*test.corrected) : "-",
                          !test.corrected   ? "-"
                          : test.Survives() ? "yes"
                                            : "no"});
  }
  return table;
}

std::string CompareCaption(const MethodComparison& comparison) {
  const EvaluateOptions& options = comparison.methods.front().runs.front().options;
  std::int64_t tests = 0;
  for (const auto& test : comparison.tests) tests += test.p_value ? 1 : 0;
  return std::to_string(comparison.photos) + " photos, " + options.distance +
         " distance; photos without an answer are misses, GeoScore 0, and as far off as can be (" +
         Fixed(kFarthestKm, 0) + " km) in means. Intervals of a - b: paired bootstrap over photos, " +
         std::to_string(comparison.options.rounds) + " rounds, not corrected. McNemar: exact; permutation: of signs, " +
         "mean distance; paired t: over seeds. Corrected: Holm, over all " + std::to_string(tests) +
         " tests of the table; a difference survives at corrected p <= 0.05.";
}

std::vector<std::string> UnmatchedLines(const MethodComparison& comparison) {
  std::vector<std::string> lines;
  if (comparison.in_no_file > 0) {
    lines.push_back(std::to_string(comparison.in_no_file) +
                    " photos of the truth table are in no file: a miss for every method.");
  }
  if (comparison.unmatched.empty()) return lines;
  lines.push_back(std::to_string(comparison.unmatched.size()) +
                  " photos are in some files and not in others, where they count as misses:");
  constexpr std::size_t kShown = 20;
  for (std::size_t i = 0; i < std::min(kShown, comparison.unmatched.size()); ++i) {
    std::vector<std::string> files;
    for (const std::size_t file : comparison.unmatched[i].missing_in)
      files.push_back(Printable(comparison.files[file]));
    lines.push_back("- " + Printable(comparison.unmatched[i].id) + ": not in " + Join(files));
  }
  if (comparison.unmatched.size() > kShown) {
    lines.push_back("- and " + std::to_string(comparison.unmatched.size() - kShown) +
                    " more (all of them with --unmatched-out and --json)");
  }
  return lines;
}

std::string TestsCsv(const MethodComparison& comparison) {
  std::ostringstream out;
  CsvWriter writer(
      out, {"a", "b", "measure", "value_a", "deviation_a", "value_b", "deviation_b", "difference", "difference_low",
            "difference_high", "test", "only_a", "only_b", "t", "pairs", "p_value", "corrected_p_value", "survives"});
  const auto number = [](const std::optional<double>& value) { return value ? FormatDouble(*value) : ""; };
  for (const auto& test : comparison.tests) {
    const auto &a = comparison.scores[test.a][test.measure].value, &b = comparison.scores[test.b][test.measure].value;
    writer.Row({comparison.methods[test.a].name, comparison.methods[test.b].name,
                comparison.measures[test.measure].name, FormatDouble(a.mean), number(a.deviation), FormatDouble(b.mean),
                number(b.deviation), FormatDouble(test.difference.value), FormatDouble(test.difference.ci95.low),
                FormatDouble(test.difference.ci95.high), test.name,
                test.discordant ? std::to_string(test.discordant->only_a) : "",
                test.discordant ? std::to_string(test.discordant->only_b) : "", test.t ? number(test.t->t) : "",
                test.t ? std::to_string(test.t->pairs) : "", number(test.p_value), number(test.corrected),
                !test.corrected   ? ""
                : test.Survives() ? "yes"
                                  : "no"});
  }
  return out.str();
}

Json OptionalJson(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

std::string CompareJson(const MethodComparison& comparison, const Provenance* provenance) {
  Json json = {{"photos", comparison.photos}, {"methods", Json::array()}, {"tests", Json::array()}};
  for (std::size_t m = 0; m < comparison.methods.size(); ++m) {
    Json item = {{"name", comparison.methods[m].name}, {"seeds", comparison.methods[m].runs.size()}};
    for (std::size_t k = 0; k < comparison.measures.size(); ++k) {
      const MethodScore& score = comparison.scores[m][k];
      item["scores"][comparison.measures[k].name] = {{"mean", score.value.mean},
                                                     {"deviation", OptionalJson(score.value.deviation)},
                                                     {"ci95", score.ci95 ? PairOf(*score.ci95) : Json()}};
    }
    for (const auto& run : comparison.methods[m].runs) item["files"].push_back(run.settings.predictions_file);
    json["methods"].push_back(item);
  }
  for (const auto& test : comparison.tests) {
    Json item = {{"a", comparison.methods[test.a].name},
                 {"b", comparison.methods[test.b].name},
                 {"measure", comparison.measures[test.measure].name},
                 {"difference", test.difference.value},
                 {"ci95", PairOf(test.difference.ci95)},
                 {"test", test.name},
                 {"p_value", OptionalJson(test.p_value)},
                 {"corrected_p_value", OptionalJson(test.corrected)},
                 {"survives", test.Survives()}};
    if (test.discordant) item["only_a"] = test.discordant->only_a, item["only_b"] = test.discordant->only_b;
    if (test.t) {
      item["t"] = OptionalJson(test.t->t);
      item["pairs"] = test.t->pairs;
      item["t_ci95"] = test.t->ci95 ? PairOf(*test.t->ci95) : Json();
    }
    json["tests"].push_back(item);
  }
  json["verdicts"] = Verdicts(comparison);
  json["files"] = comparison.files;
  json["in_no_file"] = comparison.in_no_file;
  json["unmatched"] = Json::array();
  for (const auto& photo : comparison.unmatched) {
    Json files = Json::array();
    for (const std::size_t file : photo.missing_in) files.push_back(comparison.files[file]);
    json["unmatched"].push_back({{"id", photo.id}, {"missing_in", files}});
  }
  const EvaluateOptions& options = comparison.methods.front().runs.front().options;
  json["settings"] = {{"thresholds_km", options.thresholds_km}, {"distance", options.distance},
                      {"rounds", comparison.options.rounds},    {"seed", comparison.options.seed},
                      {"against", comparison.options.against},  {"zero_is_failure", options.zero_is_failure}};
  if (provenance != nullptr) json["provenance"] = ToJson(*provenance);
  return Dump(json);
}

}  // namespace

std::string FormatComparison(const MethodComparison& comparison, TableFormat format, const Provenance* provenance) {
  if (format == TableFormat::kJson) return CompareJson(comparison, provenance);
  if (format == TableFormat::kCsv) return TestsCsv(comparison);
  const bool latex = format == TableFormat::kLatex;
  const auto table = [&](const TextTable& cells) { return (latex ? LatexTable(cells) : MarkdownTable(cells)) + "\n"; };
  const auto line = [&](const std::string& words) { return (latex ? "% " : "") + words + "\n"; };
  std::string text = table(MethodCells(comparison)) + table(TestCells(comparison)) + line(CompareCaption(comparison));
  text += latex ? "" : "\n";
  for (const auto& sentence : Verdicts(comparison)) text += line((latex ? "" : "- ") + sentence);
  const auto unmatched = UnmatchedLines(comparison);
  if (!unmatched.empty() && !latex) text += "\n";
  for (const auto& words : unmatched) text += line(words);
  return text;
}

void WriteUnmatched(const std::filesystem::path& path, const MethodComparison& comparison) {
  AtomicFile file(path);
  std::vector<std::string> header = {"IMG_ID"};
  header.insert(header.end(), comparison.files.begin(), comparison.files.end());
  CsvWriter writer(file.stream(), header);
  for (const auto& photo : comparison.unmatched) {
    std::vector<std::string> row(comparison.files.size() + 1, "1");
    row[0] = photo.id;
    for (const std::size_t missing : photo.missing_in) row[missing + 1] = "0";
    writer.Row(row);
  }
  file.Commit();
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
