#include "lmm/answers.h"

#include <algorithm>
#include <cctype>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

bool IsFalse(std::string_view cell) {
  std::string word(cell);
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  return word == "false" || word == "0" || word == "0.0" || word == "no";
}

// Fills location or reason.
void SetPlace(const CsvTable& csv, std::size_t row, std::size_t lat, std::size_t lon, LmmAnswer& answer) {
  if (csv.Cell(row, lat).empty() || csv.Cell(row, lon).empty()) {
    answer.reason = "no coordinates";
    return;
  }
  const auto y = csv.NumberIfAny(row, lat);
  const auto x = csv.NumberIfAny(row, lon);
  if (!y || !x) {
    answer.reason = "not a number: " + Printable(csv.Cell(row, lat)) + ", " + Printable(csv.Cell(row, lon));
  } else if (!IsValid({*y, *x})) {
    answer.reason = "out of range: " + FormatDouble(*y) + ", " + FormatDouble(*x);
  } else if (*y == 0 && *x == 0) {
    answer.reason = "(0, 0) stands for no answer";
  } else {
    answer.location = LatLon{*y, *x};
  }
}

}  // namespace

AnswerColumns ParseAnswerColumns(const std::string& flag, const std::string& text) {
  AnswerColumns columns;
  ParseColumnNames(flag, text,
                   {{"id", &columns.id}, {"lat", &columns.lat}, {"lon", &columns.lon}, {"success", &columns.success}});
  return columns;
}

std::vector<LmmAnswer> ReadAnswers(const std::filesystem::path& path, const AnswerColumns& columns) {
  const CsvTable csv = CsvTable::Read(path);
  const std::size_t id = csv.Require(columns.id);
  const std::size_t lat = csv.Require(columns.lat);
  const std::size_t lon = csv.Require(columns.lon);
  // Asked for by another name than the usual one, it has to be there.
  const auto success = columns.success == AnswerColumns{}.success ? csv.Find(columns.success)
                                                                  : std::optional(csv.Require(columns.success));
  const auto prompt = csv.Find(columns.prompt);
  const auto sample = csv.Find(columns.sample);
  const auto reason = csv.Find(columns.reason);

  std::vector<LmmAnswer> answers(csv.rows());
  std::unordered_map<std::string, int> rows_of_id;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    LmmAnswer& answer = answers[row];
    answer.query_id = csv.Cell(row, id);
    if (answer.query_id.empty()) throw InputError(csv.At(row, columns.id + " is empty"));
    const int earlier = rows_of_id[answer.query_id]++;
    answer.sample = sample && !csv.Missing(row, *sample) ? static_cast<int>(csv.Integer(row, *sample)) : earlier;
    if (prompt) answer.prompt = csv.Cell(row, *prompt);
    if (success && IsFalse(csv.Cell(row, *success))) {
      answer.reason = "marked as failed";
    } else {
      SetPlace(csv, row, lat, lon, answer);
    }
    if (!answer.location && reason && !csv.Text(row, *reason).empty()) answer.reason = csv.Text(row, *reason);
  }
  const bool any =
      std::any_of(answers.begin(), answers.end(), [](const LmmAnswer& a) { return a.location.has_value(); });
  if (!answers.empty() && !any) {
    throw InputError(path.string() + ": no row has a usable coordinate in " + columns.lat + ", " + columns.lon +
                     " (first row: " + answers.front().reason + "); columns: " + Join(csv.header()));
  }
  return answers;
}

void WriteAnswers(const std::filesystem::path& path, const std::vector<LmmAnswer>& answers) {
  AtomicFile file(path);
  CsvWriter writer(file.stream(), {"IMG_ID", "LAT", "LON", "prompt", "sample", "success", "reason"});
  for (const auto& a : answers) {
    writer.Row({a.query_id, a.location ? FormatDouble(a.location->lat) : "",
                a.location ? FormatDouble(a.location->lon) : "", a.prompt, std::to_string(a.sample),
                a.location ? "true" : "false", a.reason});
  }
  file.Commit();
}

std::unordered_map<std::string, std::vector<LmmAnswer>> GroupAnswers(std::vector<LmmAnswer> answers) {
  std::unordered_map<std::string, std::vector<LmmAnswer>> groups;
  for (auto& answer : answers) {
    std::string id = answer.query_id;
    groups[std::move(id)].push_back(std::move(answer));
  }
  return groups;
}

}  // namespace dualgeo
