#include "eval/comparison_table.h"

#include <sstream>

#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "json_text.h"
#include "table_cells.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

int DecimalsOf(const Measure& measure) { return measure.percent ? 2 : measure.more_is_better ? 0 : 1; }

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
      row.push_back(ScoreCell(comparison.scores[m][k], DecimalsOf(comparison.measures[k])));
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
    const int decimals = DecimalsOf(measure);
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
  const auto& clusters = comparison.methods.front().runs.front().subject.clusters;
  std::string photos = std::to_string(comparison.photos) + " photos";
  if (clusters) photos += " of " + OverWhat(clusters);
  const std::string rounds = std::to_string(comparison.options.rounds) + " rounds";
  const std::string intervals = clusters
                                    ? "over " + ClusterWord(*clusters) + " (of medians: paired bootstrap, " + rounds
                                    : "paired bootstrap over photos (" + rounds;
  const std::string exact =
      clusters ? "Sign flips, permutation: of all photos of one cluster together, hits (exact of few, else mid-p) and "
                 "mean distance; "
               : "McNemar: exact; permutation: of signs, mean distance; ";
  return photos + ", " + options.distance +
         " distance; photos without an answer are misses, GeoScore 0, and as far off as can be (" +
         Fixed(kFarthestKm, 0) + " km) in means. Intervals of a - b: " + intervals + "), not corrected. " + exact +
         "paired t: over seeds. Corrected: Holm, over all " + std::to_string(tests) +
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

std::string CompareJson(const MethodComparison& comparison, const Provenance* provenance) {
  Json json = {{"photos", comparison.photos}, {"methods", Json::array()}, {"tests", Json::array()}};
  for (std::size_t m = 0; m < comparison.methods.size(); ++m) {
    Json item = {{"name", comparison.methods[m].name}, {"seeds", comparison.methods[m].runs.size()}};
    for (std::size_t k = 0; k < comparison.measures.size(); ++k) {
      const MethodScore& score = comparison.scores[m][k];
      item["scores"][comparison.measures[k].name] = {{"mean", score.value.mean},
                                                     {"deviation", OrNull(score.value.deviation)},
                                                     {"ci95", score.ci95 ? PairOf(*score.ci95) : Json()}};
    }
    for (const auto& run : comparison.methods[m].runs) item["files"].push_back(run.subject.predictions_file);
    json["methods"].push_back(item);
  }
  for (const auto& test : comparison.tests) {
    Json item = {{"a", comparison.methods[test.a].name},
                 {"b", comparison.methods[test.b].name},
                 {"measure", comparison.measures[test.measure].name},
                 {"difference", test.difference.value},
                 {"ci95", PairOf(test.difference.ci95)},
                 {"test", test.name},
                 {"p_value", OrNull(test.p_value)},
                 {"corrected_p_value", OrNull(test.corrected)},
                 {"survives", test.Survives()}};
    if (test.discordant) item["only_a"] = test.discordant->only_a, item["only_b"] = test.discordant->only_b;
    if (test.t) {
      item["t"] = OrNull(test.t->t);
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
  AddClusters(json["settings"], comparison.methods.front().runs.front().subject.clusters);
  if (provenance != nullptr) json["provenance"] = ToJson(*provenance);
  return Dump(json);
}

}  // namespace

std::string FormatComparison(const std::string& name_a, const std::string& name_b,
                             const std::vector<PairedComparison>& comparisons, const std::string& over) {
  TextTable table;
  table.header = {"within", name_a + " %", name_b + " %", "difference", "only " + name_a, "only " + name_b, "p"};
  for (const auto& c : comparisons) {
    const double difference = c.percent_a - c.percent_b;
    table.rows.push_back({FormatDouble(c.threshold_km) + " km", Fixed(c.percent_a, 2), Fixed(c.percent_b, 2),
                          Signed(difference, 2), std::to_string(c.only_a), std::to_string(c.only_b),
                          PValue(c.p_value)});
  }
  return MarkdownTable(std::move(table)) + "\np: two-sided " +
         (over == "photos" ? "exact McNemar test over the same photos" : "sign flips over the same " + over) +
         "; \"only\": photos that one of the two alone gets right.\n";
}

std::string FormatComparison(const MethodComparison& comparison, TableFormat format, const Provenance* provenance) {
  if (format == TableFormat::kJson) return CompareJson(comparison, provenance);
  if (format == TableFormat::kCsv) return TestsCsv(comparison);
  const bool latex = format == TableFormat::kLatex;
  const auto table = [&](const TextTable& cells) { return RenderTable(cells, format) + "\n"; };
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

}  // namespace dualgeo
