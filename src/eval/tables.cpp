#include "eval/tables.h"

#include <algorithm>
#include <sstream>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "eval/place_scores.h"
#include "eval/text_table.h"
#include "io/csv.h"
#include "table_cells.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

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
  Line line{e.subject.benchmark, e.subject.method, e.subject.note, photos, group.count, {}, {}, {}, {}, {}, {}, {}, {}};
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
                                 : row.percent[static_cast<std::size_t>(known - kAccuracyKm.begin())]);
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
    std::vector<std::string> row = {e.subject.method, std::to_string(e.answered)};
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
      "intervals; -a +b: photos that are right only with, and only without, those candidates; p: ";
  const auto& clusters = study.rows.front().evaluation.subject.clusters;
  text += clusters ? "sign flips over " + OverWhat(clusters) : std::string("exact McNemar test");
  text += ". Emptied lists have no answer left and count as misses.";
  for (const auto& why : study.unavailable) text += " Not told by these files: " + why + ".";
  return text;
}

std::string Caption(const Evaluation& e) {
  const bool ellipsoid = e.options.distance == DistanceKindNames()[0];
  const auto& clusters = e.subject.clusters;
  const bool resampled = e.options.interval == "bootstrap";
  std::string text =
      std::string("Percent of photos whose error is below the distance (") +
      (ellipsoid ? "geodesic, WGS84" : "great circle, 6371 km") + "), strictly, with 95 % intervals (" +
      (resampled ? "bootstrap" : "Wilson") + " over " + (clusters ? ClusterWord(*clusters) : "photos") + "). " +
      (e.options.denominator == "all"
           ? "Photos without an answer are misses among all photos. Median and mean error are over answered photos, "
             "GeoScore over all"
           : "Photos without an answer are left out of everything (evaluate.denominator: answered)");
  if (e.options.bootstrap > 0 && (resampled || !clusters)) {
    text += "; their intervals are from " + std::to_string(e.options.bootstrap) + " bootstrap rounds";
  }
  text += ".";
  if (!clusters) return text;
  text += " All intervals are over " + ClusterWord(*clusters) + " and not over photos: " + std::to_string(e.count) +
          " photos of " + OverWhat(clusters);
  std::vector<std::string> effects;
  for (const auto& accuracy : e.all.accuracy) {
    if (accuracy.design_effect) effects.push_back(Fixed(*accuracy.design_effect, 1));
  }
  if (!effects.empty()) {
    text += "; design effects (variance over that of as many independent photos) at each distance: " + Join(effects);
  }
  return text + ".";
}

std::vector<std::string> Notes(const std::vector<Evaluation>& evaluations) {
  std::vector<std::string> notes;
  for (const auto& e : evaluations) {
    const std::string& note = e.subject.note;
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

std::string FormatTable(const std::vector<Evaluation>& evaluations, TableFormat format) {
  if (evaluations.empty()) return "";
  const auto& thresholds = evaluations.front().options.thresholds_km;
  for (const auto& e : evaluations) {
    if (e.options.thresholds_km != thresholds || e.options.distance != evaluations.front().options.distance) {
      throw InputError("results scored with different thresholds or distances do not fit in one table");
    }
  }
  const std::vector<Line> lines = LinesOf(evaluations);
  if (format == TableFormat::kCsv) return CsvText(lines, thresholds);
  if (format == TableFormat::kJson) return MetricsJson(evaluations);
  const std::string remark = format == TableFormat::kLatex ? "% " : "";
  std::string text = RenderTable(Cells(lines, thresholds), format) + (remark.empty() ? "\n" : remark);
  text += Caption(evaluations.front()) + "\n";
  for (const auto& note : Notes(evaluations)) text += remark + "Note: " + note + ".\n";
  return text;
}

std::string FormatReport(const EvaluationReport& report, TableFormat format) {
  if (format == TableFormat::kJson) return MetricsJson(report);
  const Evaluation& first = report.evaluations.at(0);
  const auto& thresholds = first.options.thresholds_km;
  const auto published = LinesOf(report.published, thresholds);
  const auto recall = LinesOf(first, report.recall);
  const auto continents = LinesOf(first, first.continents, ""), countries = LinesOf(first, first.countries, "");

  std::vector<Evaluation> evaluations = report.evaluations;
  if (report.without_own) evaluations.insert(evaluations.begin() + 1, report.without_own->evaluation);
  std::vector<Line> lines = LinesOf(evaluations);
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
    text += (text.empty() ? "" : "\n") + RenderTable(table, format) + (latex ? "" : "\n");
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
  if (report.without_own) {
    const LeakageRow& own = *report.without_own;
    text += remark + "Without the photographer's own gallery photos: " + std::to_string(own.candidates_removed) +
            " candidates of " + std::to_string(own.lists_shortened) + " lists are taken out, which changes " +
            std::to_string(own.answers_changed) + " answers and empties " + std::to_string(own.lists_emptied) +
            " lists (misses).\n";
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
  if (!first.places.empty()) {
    add(PlaceScoreTable(first),
        "By names of places: answers in the country, region and city of the true place, percent of the photos.");
  }
  if (!first.stated.empty()) {
    add(StatedAreaTable(first), "What the answers state of themselves, and the truths that lie within their radii.");
  }
  if (report.leakage) add(LeakageCells(*report.leakage), LeakageCaption(*report.leakage));
  return text;
}

void WriteErrors(const std::filesystem::path& path, const Evaluation& evaluation) {
  AtomicFile file(path);
  const auto& clusters = evaluation.subject.clusters;
  std::vector<std::string> header = {"IMG_ID", "LAT", "LON", "LAT_pred", "LON_pred", "error_km", "status", "reason"};
  if (clusters) header.emplace_back("cluster");
  CsvWriter writer(file.stream(), header);
  for (std::size_t i = 0; i < evaluation.photos.size(); ++i) {
    const PhotoResult& photo = evaluation.photos[i];
    std::vector<std::string> row = {photo.id,
                                    FormatDouble(photo.truth.lat),
                                    FormatDouble(photo.truth.lon),
                                    photo.prediction ? FormatDouble(photo.prediction->lat) : "",
                                    photo.prediction ? FormatDouble(photo.prediction->lon) : "",
                                    photo.error_km ? FormatDouble(*photo.error_km) : "",
                                    StatusName(photo.answer),
                                    photo.reason};
    if (clusters)
      row.push_back(clusters->names.empty() ? std::to_string(clusters->of_photo[i])
                                            : clusters->names[clusters->of_photo[i]]);
    writer.Row(row);
  }
  file.Commit();
}

}  // namespace dualgeo
