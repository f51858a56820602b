// Where photos may have been taken, as GeoJSON (RFC 7946) for maps.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/geo/s2_cell.h"
#include "dualgeo/refine/place_posterior.h"

namespace dualgeo {

// The geometry of cells that do not overlap: a MultiPolygon, one polygon a cell, counter-clockwise. Edges, which are
// great circles, are divided where cells are large or near a pole; a corner at a pole is a line along it; no cell
// reaches across the date line. Five decimals, about a metre.
std::string CellsGeometry(std::span<const S2Cell> cells);

// A FeatureCollection. For each list with an answer: its smallest areas of 90 and 50 % (properties IMG_ID, kind "area",
// share, probability, km2, cells: their S2 tokens), then the answer as a Point (kind "answer", confidence_km, p_1km
// ..., and area_50_km2, area_90_km2, radius_50_km, radius_90_km where the estimate has areas). Lists as Rerank made
// them.
std::string AreasGeoJson(const PlacePosterior& posterior, const std::vector<CandidateList>& lists);

}  // namespace dualgeo
