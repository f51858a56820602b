#include "geo/place_names.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "io/input_file.h"

namespace dualgeo {
namespace {

using Json = nlohmann::json;

const std::vector<std::string> kNameColumns = {"name", "city"};
const std::vector<std::string> kLatColumns = {"lat", "latitude"};
const std::vector<std::string> kLonColumns = {"lon", "lng", "longitude"};
const std::vector<std::string> kCountryColumns = {"country_code", "countrycode", "cc", "country"};
const std::vector<std::string> kRegionColumns = {"region", "admin1", "admin1code", "admin1_code", "state", "province"};
const std::vector<std::string> kPopulationColumns = {"population"};

// `at`: where it stands, for messages: "cities.csv:7".
void CheckNamedPlace(const NamedPlace& place, const std::string& at) {
  if (place.name.empty()) throw InputError(at + ": the place has no name");
  if (!IsValid(place.location)) {
    throw InputError(at + ": '" + Printable(place.name) + "' lies at " + FormatDouble(place.location.lat) + ", " +
                     FormatDouble(place.location.lon) + "; allowed are [-90, 90], [-180, 180]");
  }
}

std::optional<std::size_t> AnyColumn(const CsvTable& csv, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    for (const auto& header : csv.header()) {
      if (LowerCase(header) == name) return csv.Find(header);
    }
  }
  return std::nullopt;
}

std::size_t NeededColumn(const CsvTable& csv, const std::vector<std::string>& names) {
  if (const auto column = AnyColumn(csv, names)) return *column;
  throw InputError(csv.path().string() + ": has no column " + Join(names, " or ") +
                   " (a table of places has name, lat and lon); columns: " + Join(csv.header()));
}

std::vector<NamedPlace> FromTable(std::string text, const std::filesystem::path& path) {
  const CsvTable csv = CsvTable::Parse(std::move(text), path);
  const std::size_t name = NeededColumn(csv, kNameColumns), lat = NeededColumn(csv, kLatColumns),
                    lon = NeededColumn(csv, kLonColumns);
  const auto country = AnyColumn(csv, kCountryColumns), region = AnyColumn(csv, kRegionColumns),
             population = AnyColumn(csv, kPopulationColumns);
  std::vector<NamedPlace> places;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    NamedPlace place{std::string(csv.Cell(row, name)), "", "", {csv.Number(row, lat), csv.Number(row, lon)}};
    // As it stands: NA is Namibia, not nothing.
    if (country) place.country = csv.Cell(row, *country);
    if (region) place.region = csv.Cell(row, *region);
    if (population && !csv.Missing(row, *population)) {
      place.population = static_cast<std::int64_t>(csv.Number(row, *population));
    }
    CheckNamedPlace(place, path.string() + ":" + std::to_string(csv.Line(row)));
    places.push_back(std::move(place));
  }
  return places;
}

std::vector<std::string_view> Fields(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t tab = line.find('\t');
    fields.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

constexpr std::size_t kGeoNamesColumns = 19;

// GeoNames' files have no quotation: a " is a letter like any other.
bool IsGeoNames(std::string_view text) {
  const auto fields = Fields(text.substr(0, text.find('\n')));
  return fields.size() == kGeoNamesColumns && ParseInteger(fields[0]) && ParseDouble(fields[4]) &&
         ParseDouble(fields[5]);
}

std::vector<NamedPlace> FromGeoNames(std::string_view text, const std::filesystem::path& path) {
  std::vector<NamedPlace> places;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::string at = path.string() + ":" + std::to_string(number);
    const auto fields = Fields(line);
    if (fields.size() != kGeoNamesColumns) {
      throw InputError(at + ": has " + std::to_string(fields.size()) + " columns, and GeoNames' files have " +
                       std::to_string(kGeoNamesColumns));
    }
    const auto lat = ParseDouble(fields[4]), lon = ParseDouble(fields[5]);
    if (!lat || !lon) {
      throw InputError(at + ": latitude, longitude are '" + Printable(fields[4]) + "', '" + Printable(fields[5]) +
                       "'; two numbers are expected");
    }
    NamedPlace place{std::string(fields[1]), std::string(fields[8]), std::string(fields[10]), {*lat, *lon}};
    place.population = ParseInteger(fields[14]).value_or(0);
    CheckNamedPlace(place, at);
    places.push_back(std::move(place));
  }
  return places;
}

const Json* AnyMember(const Json& object, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (const auto found = object.find(name); found != object.end() && !found->is_null()) return &*found;
  }
  return nullptr;
}

std::string TextOf(const Json* value) {
  if (value == nullptr) return "";
  return value->is_string() ? value->get<std::string>() : value->dump();
}

std::vector<NamedPlace> FromJson(const std::string& text, const std::filesystem::path& path) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw InputError(path.string() + ": begins as JSON does, and is none");
  std::vector<NamedPlace> places;
  for (const auto& [key, entry] : json.items()) {
    const std::string at = path.string() + ": entry " + Printable(key);
    const Json* lat = entry.is_object() ? AnyMember(entry, kLatColumns) : nullptr;
    const Json* lon = entry.is_object() ? AnyMember(entry, kLonColumns) : nullptr;
    if (lat == nullptr || lon == nullptr || !lat->is_number() || !lon->is_number()) {
      throw InputError(at +
                       " has no numbers latitude and longitude; a place is an object with name, latitude, "
                       "longitude, countrycode, admin1code");
    }
    NamedPlace place{TextOf(AnyMember(entry, kNameColumns)),
                     TextOf(AnyMember(entry, kCountryColumns)),
                     TextOf(AnyMember(entry, kRegionColumns)),
                     {lat->get<double>(), lon->get<double>()}};
    const Json* population = AnyMember(entry, kPopulationColumns);
    if (population != nullptr && population->is_number()) place.population = population->get<std::int64_t>();
    CheckNamedPlace(place, at);
    places.push_back(std::move(place));
  }
  return places;
}

double Along(const UnitVector& v, int axis) { return axis == 0 ? v.x : axis == 1 ? v.y : v.z; }

}  // namespace

PlaceNames PlaceNames::Read(const std::filesystem::path& path) {
  std::string text = ReadInput(path);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string::npos && (text[first] == '{' || text[first] == '[');
  auto places = json               ? FromJson(text, path)
                : IsGeoNames(text) ? FromGeoNames(text, path)
                                   : FromTable(std::move(text), path);
  if (places.empty()) throw InputError(path.string() + ": has no places");
  return PlaceNames(std::move(places));
}

PlaceNames::PlaceNames(std::vector<NamedPlace> places) : places_(std::move(places)) {
  if (places_.empty()) throw InputError("a table of places has none");
  for (const NamedPlace& place : places_) {
    tree_.push_back({ToUnitVector(place.location), static_cast<std::uint32_t>(tree_.size())});
    countries_ = countries_ || !place.country.empty();
    regions_ = regions_ || !place.region.empty();
  }
  Arrange(0, tree_.size(), 0);
}

void PlaceNames::Arrange(std::size_t begin, std::size_t end, int axis) {
  if (end - begin < 2) return;
  const std::size_t middle = begin + (end - begin) / 2;
  const auto at = [&](std::size_t i) { return tree_.begin() + static_cast<std::ptrdiff_t>(i); };
  std::nth_element(at(begin), at(middle), at(end),
                   [axis](const Node& a, const Node& b) { return Along(a.at, axis) < Along(b.at, axis); });
  Arrange(begin, middle, (axis + 1) % 3);
  Arrange(middle + 1, end, (axis + 1) % 3);
}

void PlaceNames::Search(std::size_t begin, std::size_t end, int axis, const UnitVector& at, double& best,
                        std::uint32_t& index) const {
  if (begin >= end) return;
  const std::size_t middle = begin + (end - begin) / 2;
  const Node& node = tree_[middle];
  const double chord = SquaredChord(at, node.at);
  if (chord < best || (chord == best && node.index < index)) {
    best = chord;
    index = node.index;
  }
  const double beyond = Along(at, axis) - Along(node.at, axis);
  const int next = (axis + 1) % 3;
  const auto left = [&] { Search(begin, middle, next, at, best, index); };
  const auto right = [&] { Search(middle + 1, end, next, at, best, index); };
  beyond < 0 ? left() : right();
  if (beyond * beyond <= best) beyond < 0 ? right() : left();
}

PlaceNames::Nearest PlaceNames::Find(LatLon place) const {
  double best = std::numeric_limits<double>::infinity();
  std::uint32_t index = 0;
  Search(0, tree_.size(), 0, ToUnitVector(place), best, index);
  return {index, GreatCircleKm(place, places_[index].location)};
}

}  // namespace dualgeo
