#include "dualgeo/gallery/region.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "cells/geojson_polygons.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

enum class RegionKind { kBox, kRadius, kPolygons };

struct ParsedRegion {
  RegionKind kind = RegionKind::kBox;
  LatLon south_west, north_east;  // of a box; of a radius the first is its middle
  double km = 0;
  std::string property;
  std::vector<std::string> names;
};

std::vector<std::string> SplitAt(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

[[noreturn]] void FailRegion(const std::string& text, const std::string& why) {
  throw InputError("search.within: '" + Printable(text, 200) + "' " + why +
                   "; allowed: box:SOUTH,WEST,NORTH,EAST, radius:LAT,LON,KM or polygons:PROPERTY=NAME");
}

std::vector<double> RegionNumbers(const std::string& text, std::string_view list, std::size_t count) {
  std::vector<double> numbers;
  for (const auto& part : SplitAt(list, ',')) {
    const auto number = ParseDouble(part);
    if (!number) FailRegion(text, "has '" + Printable(part) + "' where a number is expected");
    numbers.push_back(*number);
  }
  if (numbers.size() != count) {
    FailRegion(text, "has " + std::to_string(numbers.size()) + " numbers, not " + std::to_string(count));
  }
  return numbers;
}

void CheckPlace(const std::string& text, LatLon place) {
  if (IsValid(place)) return;
  FailRegion(text, "has " + FormatDouble(place.lat) + "," + FormatDouble(place.lon) +
                       ", and latitudes lie in [-90, 90], longitudes in [-180, 180]");
}

ParsedRegion ParseRegion(const std::string& text, const std::string& polygons) {
  ParsedRegion region;
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string kind = text.substr(0, colon);
  const std::string rest = colon < text.size() ? text.substr(colon + 1) : "";
  if (kind == "box") {
    const auto numbers = RegionNumbers(text, rest, 4);
    region.south_west = {numbers[0], numbers[1]};
    region.north_east = {numbers[2], numbers[3]};
    CheckPlace(text, region.south_west);
    CheckPlace(text, region.north_east);
    if (region.south_west.lat > region.north_east.lat) FailRegion(text, "has its south north of its north");
  } else if (kind == "radius") {
    const auto numbers = RegionNumbers(text, rest, 3);
    region.kind = RegionKind::kRadius;
    region.south_west = {numbers[0], numbers[1]};
    region.km = numbers[2];
    CheckPlace(text, region.south_west);
    if (!(region.km > 0 && region.km <= 20040)) FailRegion(text, "has a radius that is not in (0, 20040] km");
  } else if (kind == "polygons") {
    region.kind = RegionKind::kPolygons;
    const std::size_t equals = rest.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == rest.size()) {
      FailRegion(text, "does not say PROPERTY=NAME");
    }
    region.property = rest.substr(0, equals);
    region.names = SplitAt(std::string_view(rest).substr(equals + 1), '|');
    if (polygons.empty()) FailRegion(text, "needs search.within_polygons, a GeoJSON file");
  } else {
    FailRegion(text, "is no region");
  }
  if (!polygons.empty() && region.kind != RegionKind::kPolygons) {
    throw InputError("search.within_polygons: " + Printable(polygons, 200) +
                     " goes with search.within polygons:..., not " + Printable(text, 200));
  }
  return region;
}

}  // namespace

struct Region::State {
  ParsedRegion parsed;
  std::optional<GeoJsonPolygons> polygons;
};

void Region::Check(const std::string& text, const std::string& polygons) {
  if (!text.empty()) {
    ParseRegion(text, polygons);
  } else if (!polygons.empty()) {
    throw InputError("search.within_polygons: " + Printable(polygons, 200) + " needs search.within polygons:...");
  }
}

Region::Region(const std::string& text, const std::filesystem::path& polygons)
    : state_(new State{ParseRegion(text, polygons.string()), std::nullopt}) {
  const ParsedRegion& parsed = state_->parsed;
  if (parsed.kind != RegionKind::kPolygons) return;
  const GeoJsonPolygons& read = state_->polygons.emplace(polygons, std::vector<std::string>{parsed.property});
  std::set<std::string> known;
  for (std::size_t i = 0; i < read.size(); ++i) known.insert(read.names(i).front());
  for (const auto& name : parsed.names) {
    if (known.contains(name)) continue;
    const auto near = Nearest(name, {known.begin(), known.end()});
    throw InputError("search.within: no feature of " + polygons.string() + " has " + Printable(parsed.property) + " '" +
                     Printable(name) + "'" + (near ? "; did you mean '" + Printable(*near) + "'?" : ""));
  }
}
Region::~Region() = default;
Region::Region(Region&&) noexcept = default;
Region& Region::operator=(Region&&) noexcept = default;

bool Region::Contains(LatLon place) const {
  const ParsedRegion& region = state_->parsed;
  if (region.kind == RegionKind::kRadius) return GeodesicKm(region.south_west, place) <= region.km;
  if (region.kind == RegionKind::kPolygons) {
    const auto feature = state_->polygons->Find(place);
    return feature && std::ranges::find(region.names, state_->polygons->names(*feature).front()) != region.names.end();
  }
  const double west = region.south_west.lon, east = region.north_east.lon;
  const auto between = [&](double lon) {
    return west <= east ? west <= lon && lon <= east : lon >= west || lon <= east;
  };
  if (place.lat < region.south_west.lat || place.lat > region.north_east.lat) return false;
  // 180 and -180 are the same meridian.
  return between(place.lon) || (std::abs(place.lon) == 180 && between(-place.lon));
}

}  // namespace dualgeo
