// What `dualgeo locate` and `dualgeo serve` say about a photo, in words, as JSON and as GeoJSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dualgeo/pipeline/locate.h"

namespace dualgeo {

// "64 %"; "> 99 %" and "< 1 %" where rounding would say that it is certain.
std::string PercentWords(double probability);

// How sure the answer is: "likely within 1 km (93 %)"; "perhaps within 25 km (64 %), and 30 % that it is farther than
// 2500 km off"; "a guess: 12 % within 2500 km". Likely: 80 % at least; perhaps: one half.
std::string SureWords(const PlaceEstimate& estimate);

// "near Reykjavik, Iceland (3 km)", "Iceland", "at sea".
std::string PlaceWords(const Location& location);

// {photo, estimate: {lat, lon, confidence_km, within_km}, sure, country, town, areas, candidates, spread_km}, or
// {photo, error}. cells: areas with their S2 tokens, and `cells`, the outlines of the densest with their probability.
nlohmann::ordered_json LocationJson(const Location& location, bool cells = false);

// A FeatureCollection: for each photo its answer and candidates as points, its areas as polygons cut at the date line.
nlohmann::ordered_json LocationsGeoJson(const std::vector<Location>& locations);

}  // namespace dualgeo
