#include "refine/area_geojson.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/refine/posterior_area.h"
#include "dualgeo/util/text.h"
#include "refine/reranker.h"

namespace dualgeo {
namespace {

using GeoJson = nlohmann::ordered_json;

// Edges of cells up to this level are divided, so that each piece is at most an edge of the level below it.
constexpr int kStraightLevel = 6;

std::string Degrees(double value) {
  const double rounded = std::round(value * 1e5) / 1e5;
  return FormatDouble(rounded == 0 ? 0 : rounded);  // not -0
}

bool IsPole(LatLon place) { return std::abs(place.lat) > 90 - 1e-9; }

// Beside `middle`: a place on the date line has two longitudes.
double LongitudeNear(double lon, double middle) {
  if (lon - middle > 180) return lon - 360;
  if (middle - lon > 180) return lon + 360;
  return lon;
}

std::vector<LatLon> Outline(S2Cell cell) {
  const auto corners = cell.Vertices();
  // Towards the poles great circles bend on the map, whatever their length.
  const int least = std::abs(cell.Center().lat) > 80 ? 32 : 1;
  const int parts = std::max(least, cell.level() < kStraightLevel ? 1 << (kStraightLevel - cell.level()) : 1);
  std::vector<LatLon> outline;
  for (std::size_t k = 0; k < 4; ++k) {
    const UnitVector a = ToUnitVector(corners[k]), b = ToUnitVector(corners[(k + 1) % 4]);
    for (int i = 0; i < parts; ++i) {
      const double s = static_cast<double>(i) / parts;
      outline.push_back(i == 0 ? corners[k]
                               : ToLatLon({a.x + s * (b.x - a.x), a.y + s * (b.y - a.y), a.z + s * (b.z - a.z)}));
    }
  }
  return outline;
}

void AddPolygon(S2Cell cell, std::string& text) {
  if (cell.level() == 0) {  // a face may reach round a pole or across the date line; its quarters do not
    for (int k = 0; k < 4; ++k) AddPolygon(cell.Child(k), text);
    return;
  }
  const std::vector<LatLon> outline = Outline(cell);
  const double middle = cell.Center().lon;
  std::string ring;
  const auto add = [&](double lon, double lat) {
    ring += (ring.empty() ? "[" : ",[") + Degrees(lon) + "," + Degrees(lat) + "]";
  };
  const std::size_t n = outline.size();
  for (std::size_t k = 0; k <= n; ++k) {
    const LatLon place = outline[k % n];
    if (!IsPole(place)) {
      add(LongitudeNear(place.lon, middle), place.lat);
      continue;
    }
    // Along the pole from the meridian of the point before to that of the next; closed where the ring began.
    const double before = LongitudeNear(outline[(k + n - 1) % n].lon, middle);
    const double after = LongitudeNear(outline[(k + 1) % n].lon, middle);
    if (k != 0) add(before, place.lat);
    if (k != n) add(after, place.lat);
    if (k == n) add(after, place.lat);
  }
  text += (text.ends_with('[') ? "[[" : ",[[") + ring + "]]";
}

GeoJson AreaProperties(const std::string& id, const PosteriorArea& area, const std::vector<S2Cell>& cells) {
  std::vector<std::string> tokens;
  for (const S2Cell cell : cells) tokens.push_back(cell.Token());
  return {{"IMG_ID", id},        {"kind", "area"},
          {"share", area.share}, {"probability", std::round(area.probability * 1e4) / 1e4},
          {"km2", area.km2},     {"cells", tokens}};
}

GeoJson AnswerProperties(const std::string& id, const PlaceEstimate& estimate) {
  GeoJson properties = {{"IMG_ID", id}, {"kind", "answer"}, {"confidence_km", estimate.confidence_km}};
  for (std::size_t i = 0; i < kAccuracyKm.size(); ++i) {
    properties["p_" + FormatDouble(kAccuracyKm[i]) + "km"] = estimate.within[i];
  }
  if (const auto& areas = estimate.areas) {
    properties["area_50_km2"] = areas->half_km2;
    properties["area_90_km2"] = areas->most_km2;
    if (areas->half_radius_km) properties["radius_50_km"] = *areas->half_radius_km;
    if (areas->most_radius_km) properties["radius_90_km"] = *areas->most_radius_km;
  }
  return properties;
}

}  // namespace

std::string CellsGeometry(std::span<const S2Cell> cells) {
  std::string text = "{\"type\":\"MultiPolygon\",\"coordinates\":[";
  for (const S2Cell cell : cells) AddPolygon(cell, text);
  return text + "]}";
}

std::string AreasGeoJson(const PlacePosterior& posterior, const std::vector<CandidateList>& lists) {
  std::string text = "{\"type\":\"FeatureCollection\",\"features\":[";
  const auto add = [&](const GeoJson& properties, const std::string& geometry) {
    text += text.ends_with('[') ? "\n" : ",\n";
    // Ids need not be UTF-8.
    text +=
        "{\"type\":\"Feature\",\"properties\":" + properties.dump(-1, ' ', false, GeoJson::error_handler_t::replace) +
        ",\"geometry\":" + geometry + "}";
  };
  for (const auto& list : lists) {
    if (!list.estimate) continue;
    const PosteriorCells cells = CellsOf(posterior, list);
    for (const double share : {0.9, 0.5}) {
      const PosteriorArea area = cells.Smallest(share);
      const std::vector<S2Cell> merged = Merged(area.cells);
      add(AreaProperties(list.query_id, area, merged), CellsGeometry(merged));
    }
    const LatLon place = list.estimate->location;
    add(AnswerProperties(list.query_id, *list.estimate),
        "{\"type\":\"Point\",\"coordinates\":[" + FormatDouble(place.lon) + "," + FormatDouble(place.lat) + "]}");
  }
  return text + "\n]}\n";
}

}  // namespace dualgeo
