// The table of photos that most commands start from: CSV with a header, one photo a row.
//
//   IMG_ID,LAT,LON[,AUTHOR][,...]
//
// IMG_ID is the photo's path below the folder or tar of images. LAT and LON are degrees; AUTHOR, where there is such a
// column, keeps a photographer's photos together when a table is split. Other names through PhotoColumns. Other columns
// are ignored but for those that are asked for (what heads learn from).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dualgeo/geo/latlon.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

struct PhotoColumns {
  std::string id = "IMG_ID";
  std::string lat = "LAT";
  std::string lon = "LON";
  std::string author = "AUTHOR";  // optional: rows have an empty author when the table has no such column

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("id", id, "column of the photo's path below images", Affects::kContent);
    v.Field("lat", lat, "column of the latitude in degrees", Affects::kContent);
    v.Field("lon", lon, "column of the longitude in degrees", Affects::kContent);
    v.Field("author", author, "column of the photographer, used to split by author; may be absent from the table",
            Affects::kContent);
  }
};

// "id,lat,lon" or "id,lat,lon,author", the value of `flag`; an empty text gives `defaults`. Throws InputError.
PhotoColumns ParsePhotoColumns(const std::string& flag, const std::string& text, PhotoColumns defaults = {});

struct PhotoRow {
  std::string id;
  std::optional<LatLon> location;
  std::string author;
  int line = 0;                          // in the file, the header's being 1; 0 for rows that come from no file
  std::vector<std::string> values = {};  // of PhotoTable::columns; empty text: no value

  bool operator==(const PhotoRow&) const = default;
};

struct PhotoTable {
  std::filesystem::path path;
  std::vector<PhotoRow> rows;
  std::vector<std::string> columns = {};  // further ones, that were asked for
};

// kOptional: LAT and LON columns or cells may be missing (photos that are only asked about).
enum class Locations { kRequired, kOptional };

// Throws InputError, naming file and line, for what CsvTable refuses, a missing column, an empty or repeated id (both
// lines), an empty (kRequired), half-empty or non-numeric location, and coordinates out of range; says so when the
// table as a whole makes sense with LAT and LON swapped. A table without rows is an error too.
// wanted: columns whose values are kept, as CsvTable::Text gives them; one that is missing is such an error, too.
PhotoTable ReadPhotoTable(const std::filesystem::path& path, const PhotoColumns& columns = {},
                          Locations locations = Locations::kRequired, const std::vector<std::string>& wanted = {});

// Columns id, lat, lon, and author when any row has one, then the further ones. Atomic.
void WritePhotoTable(const std::filesystem::path& path, const PhotoTable& table, const PhotoColumns& columns = {});
void WritePhotoTable(const std::filesystem::path& path, const std::vector<PhotoRow>& rows,
                     const PhotoColumns& columns = {});

// images / id. InputError when the id is empty, absolute or climbs out of the folder (..).
std::filesystem::path PhotoPath(const std::filesystem::path& images, std::string_view id);

}  // namespace dualgeo
