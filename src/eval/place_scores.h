// Scores by the names of places, as OSV-5M reports them (Astruc et al., CVPR 2024): is the answer in the right country,
// region, city? Beside them stands GeoScore (evaluate.h).
//
// City: the nearest of a table of towns that the user gives (geo/place_names.h) is the same for the answer as for the
// truth. Region: the nearest towns' region and country are the same. Country: that of the outlines that come with the
// program (geo/land.h), at sea the nearest within 25 km, and that of the nearest town beyond; for the truth, what its
// table says (ReadRegions), where it does. OSV-5M's own table of towns is another one, so its numbers compare only with
// those by the same table.
//
// And by what the answers say of themselves: areas and radii (PlaceAreas).
#pragma once

#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "eval/regions.h"
#include "eval/text_table.h"
#include "geo/place_names.h"

namespace dualgeo {

// Fills evaluation.places: country, region (where the table has any), city. The regions are those of the evaluation's
// truth table (std::invalid_argument otherwise).
void AddPlaceScores(Evaluation& evaluation, const RegionTable& regions, const PlaceNames& names);

// Fills evaluation.stated from the predictions' areas; nothing where none has any.
void AddStatedAreas(Evaluation& evaluation, const std::vector<Prediction>& predictions);

TextTable PlaceScoreTable(const Evaluation& evaluation);
TextTable StatedAreaTable(const Evaluation& evaluation);

}  // namespace dualgeo
