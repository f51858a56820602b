#include "cells/geojson_polygons.h"

// Boost's R-tree includes one.
#define BOOST_ALLOW_DEPRECATED_HEADERS

#include <algorithm>
#include <boost/geometry.hpp>
#include <boost/geometry/geometries/point_xy.hpp>
#include <boost/geometry/geometries/polygon.hpp>
#include <boost/geometry/index/rtree.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/input_file.h"

namespace dualgeo {
namespace {

namespace bg = boost::geometry;

using PlanePoint = bg::model::d2::point_xy<double>;  // longitude, latitude
using PlanePolygon = bg::model::polygon<PlanePoint>;
using PlaneBox = bg::model::box<PlanePoint>;
using BoxOfFeature = std::pair<PlaneBox, std::size_t>;
using BoxTree = bg::index::rtree<BoxOfFeature, bg::index::rstar<16>>;

PlanePoint InPlane(LatLon place) { return {place.lon, place.lat}; }

// (Boost's own envelopes are uninitialised variables to GCC 12.)
PlaneBox BoxAround(const PlanePolygon& polygon) {
  const auto [west, east] = std::ranges::minmax(polygon.outer(), {}, [](const PlanePoint& p) { return p.x(); });
  const auto [south, north] = std::ranges::minmax(polygon.outer(), {}, [](const PlanePoint& p) { return p.y(); });
  return {{west.x(), south.y()}, {east.x(), north.y()}};
}

struct GeoJsonFeature {
  std::vector<std::string> names;
  std::vector<PlanePolygon> polygons;
};

// One feature; messages begin with `where`.
class FeatureReader {
 public:
  FeatureReader(const nlohmann::json& json, std::string where, const std::vector<std::string>& properties)
      : where_(std::move(where)) {
    if (!json.is_object() || !json.contains("geometry") || !json["geometry"].is_object()) Fail("has no geometry");
    ReadNames(json.value("properties", nlohmann::json::object()), properties);
    const auto& geometry = json["geometry"];
    const std::string type = geometry.value("type", "");
    const auto& coordinates = geometry.value("coordinates", nlohmann::json::array());
    if (type == "Polygon") {
      ReadPolygon(coordinates);
    } else if (type == "MultiPolygon") {
      for (const auto& polygon : coordinates) ReadPolygon(polygon);
      if (feature.polygons.empty()) Fail("has no polygons");
    } else {
      Fail("is of type '" + Printable(type) + "'; allowed are Polygon, MultiPolygon");
    }
  }

  GeoJsonFeature feature;

 private:
  [[noreturn]] void Fail(const std::string& what) const { throw InputError(where_ + " " + what); }

  void ReadNames(const nlohmann::json& json, const std::vector<std::string>& properties) {
    std::vector<std::string> known;
    if (json.is_object()) {
      for (const auto& item : json.items()) known.push_back(item.key());
    }
    for (const auto& property : properties) {
      if (std::ranges::find(known, property) == known.end()) {
        Fail("has no property " + Printable(property) + "; it has " +
             (known.empty() ? "none" : Printable(Join(known))));
      }
      const auto& value = json[property];
      feature.names.push_back(value.is_string() ? value.get<std::string>() : value.is_null() ? "" : value.dump());
    }
    where_ += " (" + Printable(Join(feature.names, "/")) + ")";
  }

  void ReadPolygon(const nlohmann::json& rings) {
    if (!rings.is_array() || rings.empty()) Fail("has a polygon without rings");
    PlanePolygon polygon;
    for (const auto& ring : rings) {
      auto& to = &ring == &rings.front() ? polygon.outer() : polygon.inners().emplace_back();
      if (!ring.is_array() || ring.size() < 4) Fail("has a ring of fewer than four positions");
      for (const auto& position : ring) to.push_back(ReadPosition(position));
      for (std::size_t i = 1; i < to.size(); ++i) {
        if (std::abs(to[i].x() - to[i - 1].x()) > 180) {
          Fail("crosses the date line between " + ToString({to[i - 1].y(), to[i - 1].x()}) + " and " +
               ToString({to[i].y(), to[i].x()}) + "; GeoJSON wants it cut there into two polygons");
        }
      }
    }
    bg::correct(polygon);
    bg::validity_failure_type failure{};
    // Spikes and the like do no harm.
    if (!bg::is_valid(polygon, failure) && (failure == bg::failure_self_intersections || bg::intersects(polygon))) {
      Fail("has a polygon whose border crosses itself");
    }
    feature.polygons.push_back(std::move(polygon));
  }

  PlanePoint ReadPosition(const nlohmann::json& position) const {
    if (!position.is_array() || position.size() < 2 || !position[0].is_number() || !position[1].is_number()) {
      Fail("has a position that is no [longitude, latitude]: " + Printable(position.dump()));
    }
    const LatLon place{position[1].get<double>(), position[0].get<double>()};
    if (!IsValid(place)) {
      Fail("has the position " + Printable(position.dump()) +
           "; allowed are longitude [-180, 180], latitude [-90, 90]");
    }
    return InPlane(place);
  }

  std::string where_;
};

nlohmann::json ParseGeoJson(const std::filesystem::path& path) {
  const std::string text = ReadInput(path);
  auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) throw InputError(path.string() + ": is not JSON");
  if (!json.is_object() || json.value("type", nlohmann::json()) != "FeatureCollection" || !json.contains("features") ||
      !json["features"].is_array()) {
    throw InputError(path.string() + ": is JSON, but no GeoJSON FeatureCollection");
  }
  if (json["features"].empty()) throw InputError(path.string() + ": has no features");
  return json;
}

// A little larger than the cell, whose edges bend towards the poles.
PlaneBox BoxOf(S2Cell cell) {
  const LatLon center = cell.Center();
  double lat_reach = 0, lon_reach = 0;
  const auto reach = [&](LatLon place) {
    lat_reach = std::max(lat_reach, std::abs(place.lat - center.lat));
    lon_reach = std::max(lon_reach, std::abs(Normalized({0, place.lon - center.lon}).lon));
    if (std::abs(place.lat) > 89.999) lon_reach = 180;  // at the pole, every longitude is as good
  };
  const auto vertices = cell.Vertices();
  for (std::size_t k = 0; k < 4; ++k) {
    const UnitVector a = ToUnitVector(vertices[k]), b = ToUnitVector(vertices[(k + 1) % 4]);
    reach(vertices[k]);
    reach(ToLatLon({a.x + b.x, a.y + b.y, a.z + b.z}));
  }
  lat_reach *= 1.2;
  lon_reach *= 1.2;
  return {{center.lon - lon_reach, center.lat - lat_reach}, {center.lon + lon_reach, center.lat + lat_reach}};
}

}  // namespace

struct GeoJsonPolygons::Geometry {
  std::vector<GeoJsonFeature> features;
  BoxTree polygons, edges;
};

GeoJsonPolygons::GeoJsonPolygons(const std::filesystem::path& path, const std::vector<std::string>& properties)
    : geometry_(std::make_unique<Geometry>()) {
  const auto json = ParseGeoJson(path);
  std::vector<BoxOfFeature> polygons, edges;
  for (std::size_t i = 0; i < json["features"].size(); ++i) {
    const std::string where = path.string() + ": feature " + std::to_string(i + 1);
    geometry_->features.push_back(FeatureReader(json["features"][i], where, properties).feature);
    for (const auto& polygon : geometry_->features.back().polygons) {
      polygons.emplace_back(BoxAround(polygon), i);
      bg::for_each_segment(polygon, [&](const auto& edge) {
        const auto [west, east] = std::minmax(edge.first.x(), edge.second.x());
        const auto [south, north] = std::minmax(edge.first.y(), edge.second.y());
        edges.emplace_back(PlaneBox({west, south}, {east, north}), i);
      });
    }
  }
  geometry_->polygons = BoxTree(polygons);
  geometry_->edges = BoxTree(edges);
}

GeoJsonPolygons::~GeoJsonPolygons() = default;

std::size_t GeoJsonPolygons::size() const { return geometry_->features.size(); }

const std::vector<std::string>& GeoJsonPolygons::names(std::size_t feature) const {
  return geometry_->features[feature].names;
}

LatLon GeoJsonPolygons::Middle(std::size_t feature) const {
  const PlaneBox box = BoxAround(geometry_->features[feature].polygons.front());
  return {(box.min_corner().y() + box.max_corner().y()) / 2, (box.min_corner().x() + box.max_corner().x()) / 2};
}

std::optional<std::size_t> GeoJsonPolygons::Find(LatLon place) const {
  const PlanePoint point = InPlane(place);
  std::optional<std::size_t> first;
  std::vector<BoxOfFeature> near;
  geometry_->polygons.query(bg::index::intersects(point), std::back_inserter(near));
  for (const auto& box : near) {
    if (first && *first <= box.second) continue;
    const auto& polygons = geometry_->features[box.second].polygons;
    if (std::ranges::any_of(polygons, [&](const auto& polygon) { return bg::covered_by(point, polygon); })) {
      first = box.second;
    }
  }
  return first;
}

std::size_t GeoJsonPolygons::Nearest(LatLon place) const {
  std::vector<BoxOfFeature> near;
  geometry_->edges.query(bg::index::nearest(InPlane(place), 1), std::back_inserter(near));
  return near.at(0).second;
}

bool GeoJsonPolygons::BorderIn(S2Cell cell) const {
  return geometry_->edges.qbegin(bg::index::intersects(BoxOf(cell))) != geometry_->edges.qend();
}

}  // namespace dualgeo
