// The polygons of a GeoJSON file (RFC 7946): a FeatureCollection of Polygon and MultiPolygon, in a plane of longitude
// and latitude, as the standard has it.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/geo/latlon.h"
#include "dualgeo/geo/s2_cell.h"

namespace dualgeo {

class GeoJsonPolygons {
 public:
  // Throws InputError, one line with the file and the number of the feature, from 1, for what is no such file, a
  // feature without one of `properties`, coordinates out of range, and rings that cross themselves or the date line
  // (where the standard wants them cut).
  GeoJsonPolygons(const std::filesystem::path& path, const std::vector<std::string>& properties);
  ~GeoJsonPolygons();

  std::size_t size() const;
  // The texts of the properties.
  const std::vector<std::string>& names(std::size_t feature) const;

  // The middle of the box around its first polygon.
  LatLon Middle(std::size_t feature) const;

  // The first feature that holds the place.
  std::optional<std::size_t> Find(LatLon place) const;
  // The feature whose border is nearest, in degrees.
  std::size_t Nearest(LatLon place) const;
  // False where no border runs through the cell.
  bool BorderIn(S2Cell cell) const;

 private:
  struct Geometry;
  std::unique_ptr<Geometry> geometry_;
};

}  // namespace dualgeo
