#include "dualgeo/data/photo_table.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

// Every row's LAT and LON as they stand, in range or not; nothing where both cells are empty.
using Coordinates = std::vector<std::optional<LatLon>>;

std::string OutOfRange(const CsvTable& table, std::size_t row, const PhotoColumns& columns, LatLon place) {
  const bool lat_bad = std::abs(place.lat) > 90;
  return table.At(row, lat_bad ? columns.lat + " " + FormatDouble(place.lat) + " is outside [-90, 90]"
                               : columns.lon + " " + FormatDouble(place.lon) + " is outside [-180, 180]");
}

// What the table says about its two columns being swapped. A row speaks for it when it is valid only the other way
// round, against it when it is valid only as it stands; rows that are valid both ways (all of Europe) say nothing.
std::string SwapHint(const Coordinates& coordinates, std::size_t bad_row, const PhotoColumns& columns) {
  std::size_t present = 0, swapped_only = 0, as_is_only = 0, neither = 0;
  for (const auto& place : coordinates) {
    if (!place) continue;
    ++present;
    const bool as_is = IsValid(*place);
    const bool swapped = IsValid({place->lon, place->lat});
    swapped_only += swapped && !as_is ? 1 : 0;
    as_is_only += as_is && !swapped ? 1 : 0;
    neither += !as_is && !swapped ? 1 : 0;
  }
  const LatLon bad = *coordinates[bad_row];
  if (!IsValid({bad.lon, bad.lat})) return "";
  const std::string names = columns.lat + " and " + columns.lon;
  if (as_is_only * 10 > swapped_only) return "; " + names + " of this row may be swapped";
  const std::string counts =
      std::to_string(swapped_only) + " of " + std::to_string(present) + " rows are valid only with the two swapped";
  if (as_is_only + neither == 0) return "; " + names + " look swapped: " + counts + ", and every row is valid that way";
  return "; " + names + " look swapped: " + counts + ", " + std::to_string(as_is_only) + " only as they stand";
}

}  // namespace

PhotoColumns ParsePhotoColumns(const std::string& flag, const std::string& text, PhotoColumns defaults) {
  ParseColumnNames(
      flag, text, {{"id", &defaults.id}, {"lat", &defaults.lat}, {"lon", &defaults.lon}, {"author", &defaults.author}});
  return defaults;
}

PhotoTable ReadPhotoTable(const std::filesystem::path& path, const PhotoColumns& columns, Locations locations,
                          const std::vector<std::string>& wanted) {
  const CsvTable csv = CsvTable::Read(path);
  const std::size_t id_column = csv.Require(columns.id);
  std::optional<std::size_t> lat_column = csv.Find(columns.lat);
  std::optional<std::size_t> lon_column = csv.Find(columns.lon);
  // Optional means both or none: a table with only one of the two has a misspelt header.
  if (locations == Locations::kRequired || lat_column || lon_column) {
    lat_column = csv.Require(columns.lat);
    lon_column = csv.Require(columns.lon);
  }
  const std::optional<std::size_t> author_column = csv.Find(columns.author);
  std::vector<std::size_t> wanted_columns;
  for (const std::string& name : wanted) wanted_columns.push_back(csv.Require(name));
  if (csv.rows() == 0) throw InputError(path.string() + ": has a header but no rows");

  PhotoTable table;
  table.path = path;
  table.columns = wanted;
  table.rows.resize(csv.rows());
  Coordinates coordinates(csv.rows());
  std::unordered_map<std::string_view, std::size_t> row_of_id;
  row_of_id.reserve(csv.rows());
  std::optional<std::size_t> bad_row;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    PhotoRow& photo = table.rows[row];
    const std::string_view id = csv.Cell(row, id_column);
    if (id.empty()) throw InputError(csv.At(row, columns.id + " is empty"));
    const auto [first, inserted] = row_of_id.emplace(id, row);
    if (!inserted) {
      throw InputError(csv.At(row, columns.id + " '" + Printable(id) + "' already stands in line " +
                                       std::to_string(csv.Line(first->second))));
    }
    photo.id = id;
    photo.line = csv.Line(row);
    if (author_column) photo.author = csv.Text(row, *author_column);
    for (const std::size_t column : wanted_columns) photo.values.emplace_back(csv.Text(row, column));
    if (!lat_column) continue;
    const bool unknown = csv.Missing(row, *lat_column) && csv.Missing(row, *lon_column);
    if (unknown && locations == Locations::kOptional) continue;
    const LatLon place{csv.Number(row, *lat_column), csv.Number(row, *lon_column)};
    photo.location = coordinates[row] = place;
    if (!bad_row && !IsValid(place)) bad_row = row;
  }
  if (bad_row) {
    throw InputError(OutOfRange(csv, *bad_row, columns, *coordinates[*bad_row]) +
                     SwapHint(coordinates, *bad_row, columns));
  }
  return table;
}

void WritePhotoTable(const std::filesystem::path& path, const PhotoTable& table, const PhotoColumns& columns) {
  bool authors = false;
  for (const auto& row : table.rows) authors = authors || !row.author.empty();
  AtomicFile file(path);
  std::vector<std::string> header = {columns.id, columns.lat, columns.lon};
  if (authors) header.push_back(columns.author);
  std::vector<std::size_t> further;  // those that are not there already
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (std::ranges::find(header, table.columns[i]) == header.end()) further.push_back(i);
  }
  for (const std::size_t i : further) header.push_back(table.columns[i]);
  CsvWriter writer(file.stream(), header);
  for (const auto& row : table.rows) {
    std::vector<std::string> fields = {row.id, row.location ? FormatDouble(row.location->lat) : "",
                                       row.location ? FormatDouble(row.location->lon) : ""};
    if (authors) fields.push_back(row.author);
    for (const std::size_t i : further) fields.push_back(row.values.at(i));
    writer.Row(fields);
  }
  file.Commit();
}

void WritePhotoTable(const std::filesystem::path& path, const std::vector<PhotoRow>& rows,
                     const PhotoColumns& columns) {
  WritePhotoTable(path, PhotoTable{{}, rows}, columns);
}

std::filesystem::path PhotoPath(const std::filesystem::path& images, std::string_view id) {
  const std::filesystem::path below(id);
  bool climbs = below.empty() || below.is_absolute() || id.find('\0') != id.npos;
  for (const auto& part : below) climbs = climbs || part == "..";
  if (climbs) {
    throw InputError("photo id '" + Printable(id) + "' is not a path below the images folder " + images.string());
  }
  return images / below;
}

}  // namespace dualgeo
