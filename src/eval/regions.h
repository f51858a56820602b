// Scores by continent and country, where the truth table says which.
//
// Columns, any case: CONTINENT; COUNTRY_CODE or CC (ISO 3166-1 alpha-2); COUNTRY (such a code, or an English name).
// Without a continent column, the continent follows from the country (configs/countries.csv: the UN's M49 regions from
// Unicode CLDR, the Americas cut at Panama and Colombia; Russia is in Europe, Turkey in Asia). Names that it does not
// know are countries of their own, of the continent "unknown".
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"

namespace dualgeo {

struct Country {
  std::string code, name, continent;
};

// By ISO code or English name, whatever the case; nullptr when unknown.
const Country* FindCountry(const std::string& code_or_name);

struct RegionTable {
  // One per row of the truth table, empty where the cell is; empty vectors where the table has no such column.
  std::vector<std::string> continents, countries;
  std::vector<std::string> unknown;  // country cells that are in no list, each once
};

// Reads the truth table's region columns. Throws InputError as CsvTable does.
RegionTable ReadRegions(const std::filesystem::path& truth);

// Fills evaluation.continents and .countries, most photos first, then by name; cells that are empty are "not given".
// The table must be the evaluation's truth table (std::invalid_argument otherwise).
void AddRegions(Evaluation& evaluation, const RegionTable& regions);

}  // namespace dualgeo
