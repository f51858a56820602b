#include "pipeline/location_json.h"

#include <cmath>

#include "dualgeo/util/text.h"
#include "geo/cell_outline.h"

namespace dualgeo {
namespace {

using Json = nlohmann::ordered_json;

// Five decimals: a metre.
double Rounded(double degrees) { return std::round(degrees * 1e5) / 1e5; }

Json WithinJson(const PlaceEstimate& estimate) {
  Json within;
  for (std::size_t i = 0; i < kAccuracyKm.size(); ++i) within[FormatDouble(kAccuracyKm[i])] = estimate.within[i];
  return within;
}

Json CandidateJson(const Candidate& candidate) {
  Json json = {{"rank", candidate.rank},
               {"lat", candidate.location.lat},
               {"lon", candidate.location.lon},
               {"gallery_id", candidate.gallery_id}};
  if (candidate.score) json["score"] = *candidate.score;
  json["map"] = MapLink(candidate.location);
  return json;
}

Json AreaJson(const LocationArea& area, bool cells) {
  Json json = {
      {"share", area.share}, {"probability", area.probability}, {"km2", area.km2}, {"reach_km", area.reach_km}};
  if (!cells) return json;
  json["cells"] = Json::array();
  for (const S2Cell cell : area.cells) json["cells"].push_back(cell.Token());
  return json;
}

// [[lon, lat, lon, lat ...], ...], not closed.
Json CellJson(const AreaCell& cell) {
  Json rings = Json::array();
  for (const auto& ring : CellRings(cell.cell)) {
    Json flat = Json::array();
    for (std::size_t i = 0; i + 1 < ring.size(); ++i) {
      flat.push_back(Rounded(ring[i].lon));
      flat.push_back(Rounded(ring[i].lat));
    }
    rings.push_back(std::move(flat));
  }
  return {{"p", cell.probability}, {"km2", cell.km2}, {"rings", std::move(rings)}};
}

Json Feature(Json geometry, Json properties) {
  return {{"type", "Feature"}, {"geometry", std::move(geometry)}, {"properties", std::move(properties)}};
}

Json PointJson(LatLon place) { return {{"type", "Point"}, {"coordinates", {place.lon, place.lat}}}; }

Json PolygonsJson(const std::vector<S2Cell>& cells) {
  Json polygons = Json::array();
  for (const S2Cell cell : cells) {
    for (const auto& ring : CellRings(cell)) {
      Json points = Json::array();
      for (const auto& point : ring) points.push_back({Rounded(point.lon), Rounded(point.lat)});
      polygons.push_back(Json::array({std::move(points)}));
    }
  }
  return {{"type", "MultiPolygon"}, {"coordinates", std::move(polygons)}};
}

}  // namespace

std::string PercentWords(double probability) {
  if (probability > 0.99) return "> 99 %";
  if (probability < 0.01) return "< 1 %";
  return std::to_string(std::lround(100 * probability)) + " %";
}

std::string SureWords(const PlaceEstimate& estimate) {
  for (const auto& [least, word] : {std::pair(0.8, "likely"), std::pair(0.5, "perhaps")}) {
    for (std::size_t i = 0; i < kAccuracyKm.size(); ++i) {
      if (estimate.within[i] < least) continue;
      std::string words = std::string(word) + " within " + FormatDouble(kAccuracyKm[i]) + " km (" +
                          PercentWords(estimate.within[i]) + ")";
      const double elsewhere = 1 - estimate.within.back();
      if (elsewhere < 0.05) return words;
      return words + ", and " + PercentWords(elsewhere) + " that it is farther than " +
             FormatDouble(kAccuracyKm.back()) + " km off";
    }
  }
  return "a guess: " + PercentWords(estimate.within.back()) + " within " + FormatDouble(kAccuracyKm.back()) + " km";
}

std::string PlaceWords(const Location& location) {
  if (!location.town) return location.country.empty() ? "at sea" : location.country;
  const TownNear& town = *location.town;
  const std::string country = location.country.empty() ? town.country : location.country;
  return "near " + town.name + (country.empty() ? "" : ", " + country) + " (" +
         FormatDouble(std::round(town.km * (town.km < 10 ? 10 : 1)) / (town.km < 10 ? 10 : 1)) + " km)";
}

nlohmann::ordered_json LocationJson(const Location& location, bool cells) {
  Json json = {{"photo", location.photo.string()}};
  if (!location.error.empty()) {
    json["error"] = location.error;
    return json;
  }
  json["spread_km"] = location.spread_km;
  if (location.estimate) {
    json["estimate"] = {{"lat", location.estimate->location.lat},
                        {"lon", location.estimate->location.lon},
                        {"confidence_km", location.estimate->confidence_km},
                        {"within_km", WithinJson(*location.estimate)}};
    json["sure"] = SureWords(*location.estimate);
    json["place"] = PlaceWords(location);
    json["country"] = {{"code", location.country_code}, {"name", location.country}};
  }
  if (const auto& town = location.town) {
    json["town"] = {{"name", town->name}, {"region", town->region}, {"country", town->country}, {"km", town->km}};
  }
  for (const auto& area : location.areas) json["areas"].push_back(AreaJson(area, cells));
  if (cells) {
    json["cells"] = Json::array();
    for (const auto& cell : location.cells) json["cells"].push_back(CellJson(cell));
  }
  json["candidates"] = Json::array();
  for (const auto& candidate : location.candidates) json["candidates"].push_back(CandidateJson(candidate));
  return json;
}

nlohmann::ordered_json LocationsGeoJson(const std::vector<Location>& locations) {
  Json features = Json::array();
  for (const auto& location : locations) {
    const std::string photo = location.photo.string();
    if (!location.error.empty()) continue;
    for (auto area = location.areas.rbegin(); area != location.areas.rend(); ++area) {  // the larger below
      features.push_back(Feature(PolygonsJson(area->cells), {{"photo", photo},
                                                             {"kind", "area"},
                                                             {"share", area->share},
                                                             {"probability", area->probability},
                                                             {"km2", area->km2}}));
    }
    for (const auto& candidate : location.candidates) {
      features.push_back(Feature(
          PointJson(candidate.location),
          {{"photo", photo}, {"kind", "candidate"}, {"rank", candidate.rank}, {"gallery_id", candidate.gallery_id}}));
    }
    if (!location.estimate) continue;
    features.push_back(
        Feature(PointJson(location.estimate->location), {{"photo", photo},
                                                         {"kind", "answer"},
                                                         {"sure", SureWords(*location.estimate)},
                                                         {"place", PlaceWords(location)},
                                                         {"confidence_km", location.estimate->confidence_km},
                                                         {"within_km", WithinJson(*location.estimate)}}));
  }
  return {{"type", "FeatureCollection"}, {"features", std::move(features)}};
}

}  // namespace dualgeo
