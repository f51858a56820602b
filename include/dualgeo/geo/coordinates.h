// A table of coordinates: to embed, to make a GPS gallery of, to divide the Earth by.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

struct Coordinates {
  std::vector<std::string> ids;  // empty when the table has no IMG_ID
  std::vector<LatLon> locations;
  std::vector<std::vector<std::string>> columns = {};  // the text of the columns that were asked for, one list a column
  // Where they stand, for messages; empty for coordinates that were not read from a file.
  std::filesystem::path path;
  std::vector<int> lines;

  // "places.csv:7", or "coordinate 5".
  std::string At(std::size_t i) const;
};

// CSV with LAT and LON (degrees) and, if there is one, an IMG_ID column with distinct ids; other columns are ignored
// but for `columns`. Throws InputError naming file and line for a missing column, no rows, an empty, non-numeric or
// out-of-range cell, or a repeated id.
Coordinates ReadCoordinates(const std::filesystem::path& path, const std::vector<std::string>& columns = {});

}  // namespace dualgeo
