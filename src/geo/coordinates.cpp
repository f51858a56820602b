#include "dualgeo/geo/coordinates.h"

#include <unordered_map>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"

namespace dualgeo {

std::string Coordinates::At(std::size_t i) const {
  if (i < lines.size()) return path.string() + ":" + std::to_string(lines[i]);
  std::string text = "coordinate ";
  return text += std::to_string(i);
}

Coordinates ReadCoordinates(const std::filesystem::path& path, const std::vector<std::string>& columns) {
  const auto table = CsvTable::Read(path);
  const auto lat = table.Require("LAT");
  const auto lon = table.Require("LON");
  const auto id = table.Find("IMG_ID");
  if (table.rows() == 0) throw InputError(path.string() + ": has no coordinates below its header");
  Coordinates coordinates;
  coordinates.path = path;
  for (const auto& name : columns) {
    const auto column = table.Require(name);
    auto& texts = coordinates.columns.emplace_back();
    for (std::size_t i = 0; i < table.rows(); ++i) texts.emplace_back(table.Text(i, column));
  }
  std::unordered_map<std::string_view, int> lines;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const LatLon place{table.Number(i, lat), table.Number(i, lon)};
    if (!IsValid(place)) {
      throw InputError(table.At(i, "LAT, LON are " + FormatDouble(place.lat) + ", " + FormatDouble(place.lon) +
                                       "; allowed are [-90, 90], [-180, 180]"));
    }
    coordinates.locations.push_back(place);
    coordinates.lines.push_back(table.Line(i));
    if (!id) continue;
    const auto name = table.Cell(i, *id);
    if (name.empty()) throw InputError(table.At(i, "IMG_ID is empty"));
    const auto [other, fresh] = lines.emplace(name, table.Line(i));
    if (!fresh) {
      throw InputError(
          table.At(i, "IMG_ID '" + Printable(name) + "' was already used in line " + std::to_string(other->second)));
    }
    coordinates.ids.emplace_back(name);
  }
  return coordinates;
}

}  // namespace dualgeo
