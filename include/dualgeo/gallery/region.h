// A part of the Earth that a search keeps to:
//   box:SOUTH,WEST,NORTH,EAST          degrees, borders included; WEST greater than EAST: across the date line
//   radius:LAT,LON,KM                  no farther than KM from the place, on the ellipsoid
//   polygons:PROPERTY=NAME[|NAME...]   the features of a GeoJSON file (RFC 7946) whose property has one of the names: a
//                                      country of Natural Earth's, say, as polygons:ISO_A2=FR
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

class Region {
 public:
  // The grammar alone; no file is read. Throws InputError, beginning with "search.within: ".
  static void Check(const std::string& text, const std::string& polygons);

  // polygons: the GeoJSON file, for regions of that kind. Throws InputError as Check and GeoJsonPolygons do, and for a
  // name that no feature has.
  Region(const std::string& text, const std::filesystem::path& polygons);
  ~Region();
  Region(Region&&) noexcept;
  Region& operator=(Region&&) noexcept;

  bool Contains(LatLon place) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dualgeo
