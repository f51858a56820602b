#include "eval/published.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "shipped_tables.h"

namespace dualgeo {
namespace {

std::vector<PublishedRow> Parse() {
  std::istringstream stream{std::string(kPublishedCsv)};
  const CsvTable csv = CsvTable::Read(stream, "configs/published.csv");
  std::vector<PublishedRow> rows;
  for (std::size_t i = 0; i < csv.rows(); ++i) {
    const auto text = [&](const char* column) { return std::string(csv.Cell(i, csv.Require(column))); };
    PublishedRow row;
    row.benchmark = text("benchmark");
    row.photos = csv.Integer(i, csv.Require("photos"));
    row.system = text("system");
    row.variant = text("variant");
    row.year = static_cast<int>(csv.Integer(i, csv.Require("year")));
    for (std::size_t t = 0; t < kAccuracyKm.size(); ++t) {
      const std::size_t column = csv.Require("acc_" + FormatDouble(kAccuracyKm[t]) + "km");
      if (!csv.Cell(i, column).empty()) row.percent[t] = csv.Number(i, column);
    }
    row.source = text("source");
    rows.push_back(std::move(row));
  }
  return rows;
}

bool Names(std::string name, const std::string& benchmark) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (!name.starts_with(benchmark)) return false;
  return name.size() == benchmark.size() || std::isalnum(static_cast<unsigned char>(name[benchmark.size()])) == 0;
}

}  // namespace

std::string PublishedRow::Name() const {
  return system + (variant.empty() ? "" : " (" + variant + ")") + ", " + std::to_string(year);
}

const std::vector<PublishedRow>& PublishedResults() {
  static const std::vector<PublishedRow> rows = Parse();
  return rows;
}

std::vector<PublishedRow> PublishedFor(const std::string& benchmark) {
  std::vector<PublishedRow> rows;
  std::vector<std::string> known;
  for (const auto& row : PublishedResults()) {
    if (Names(benchmark, row.benchmark)) rows.push_back(row);
    if (known.empty() || known.back() != row.benchmark) known.push_back(row.benchmark);
  }
  if (rows.empty()) {
    throw InputError("nothing published is known for benchmark '" + Printable(benchmark) + "'; --benchmark may be " +
                     Join(known) + " (and go on after that, as in im2gps3k_places365)");
  }
  return rows;
}

}  // namespace dualgeo
