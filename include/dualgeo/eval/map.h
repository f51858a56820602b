// A world map of predictions as one self-contained SVG file.
#pragma once

#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "dualgeo/geo/latlon.h"

namespace dualgeo {

struct MapOptions {
  std::string title;
  int max_gallery_points = 4000;  // a regular subset is drawn beyond that, to keep the file small
};

// Equirectangular. Small grey dots: the gallery (they show where the land is); black dots (white on dark pages): the
// truth; coloured dots with a line from the truth (the short way round, over the date line where that is shorter):
// predictions, by error. The legend counts them. Readable on light and dark pages.
std::string PredictionsMapSvg(const Evaluation& evaluation, const std::vector<LatLon>& gallery,
                              const MapOptions& options = {});

}  // namespace dualgeo
