#include "eval/regions.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>
#include <stdexcept>
#include <unordered_map>

#include "eval/statistics.h"
#include "io/csv.h"
#include "shipped_tables.h"

namespace dualgeo {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

struct CountryList {
  CountryList() {
    std::istringstream stream{std::string(kCountriesCsv)};
    const CsvTable csv = CsvTable::Read(stream, "configs/countries.csv");
    for (std::size_t row = 0; row < csv.rows(); ++row) {
      std::istringstream names{std::string(csv.Cell(row, csv.Require("names")))};
      Country country{std::string(csv.Cell(row, csv.Require("code"))), "",
                      std::string(csv.Cell(row, csv.Require("continent")))};
      std::vector<std::string> keys = {Lower(country.code)};
      for (std::string name; std::getline(names, name, ';');) {
        if (country.name.empty()) country.name = name;
        keys.push_back(Lower(name));
      }
      for (const auto& key : keys) index.emplace(key, countries.size());
      countries.push_back(std::move(country));
    }
  }
  std::vector<Country> countries;
  std::unordered_map<std::string, std::size_t> index;
};

std::optional<std::size_t> ColumnOf(const CsvTable& csv, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    for (const auto& header : csv.header()) {
      if (Lower(header) == name) return csv.Find(header);
    }
  }
  return std::nullopt;
}

std::vector<GroupScores> Grouped(const Evaluation& evaluation, const std::vector<std::string>& names) {
  std::map<std::string, std::vector<std::size_t>> photos_of;
  for (std::size_t i = 0; i < names.size(); ++i) photos_of[names[i].empty() ? "not given" : names[i]].push_back(i);
  std::vector<GroupScores> groups;
  for (const auto& [name, photos] : photos_of) groups.push_back(ScoreGroup(evaluation, name, photos));
  std::stable_sort(groups.begin(), groups.end(),
                   [](const auto& a, const auto& b) { return a.scores.count > b.scores.count; });
  return groups;
}

}  // namespace

const Country* FindCountry(const std::string& code_or_name) {
  static const CountryList list;
  const auto found = list.index.find(Lower(code_or_name));
  return found == list.index.end() ? nullptr : &list.countries[found->second];
}

RegionTable ReadRegions(const std::filesystem::path& truth) {
  const CsvTable csv = CsvTable::Read(truth);
  const auto continent = ColumnOf(csv, {"continent"});
  const auto code = ColumnOf(csv, {"country_code", "cc"});
  const auto name = ColumnOf(csv, {"country"});
  RegionTable table;
  if (!continent && !code && !name) return table;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    std::string cell;
    if (code) cell = csv.Cell(row, *code);
    if (cell.empty() && name) cell = csv.Cell(row, *name);
    const Country* country = FindCountry(cell);
    if (code || name) table.countries.push_back(country != nullptr ? country->name : cell);
    if (!cell.empty() && country == nullptr && std::ranges::find(table.unknown, cell) == table.unknown.end()) {
      table.unknown.push_back(cell);
    }
    std::string where;
    if (continent) where = csv.Cell(row, *continent);
    if (where.empty() && country != nullptr) where = country->continent;
    if (where.empty() && !cell.empty()) where = "unknown";
    table.continents.push_back(where);
  }
  return table;
}

void AddRegions(Evaluation& evaluation, const RegionTable& regions) {
  for (const auto* names : {&regions.continents, &regions.countries}) {
    if (!names->empty() && names->size() != evaluation.photos.size()) {
      throw std::invalid_argument("regions are not of the evaluation's truth table");
    }
  }
  evaluation.continents = Grouped(evaluation, regions.continents);
  evaluation.countries = Grouped(evaluation, regions.countries);
  evaluation.unknown_countries = regions.unknown;
}

}  // namespace dualgeo
