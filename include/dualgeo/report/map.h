// A world map of predictions, as one self-contained SVG file or as a part of the HTML report.
#pragma once

#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "dualgeo/geo/latlon.h"

namespace dualgeo {

struct MapOptions {
  std::string title;
  int max_gallery_points = 4000;  // a regular subset is drawn beyond that, to keep the file small
  std::string land_id = {};       // of an earlier map on the same page, whose gallery dots are shown again
};

// Equirectangular. Small grey dots: the gallery (they show where the land is); black dots (white on dark pages): the
// truth; coloured dots with a great-circle line from the truth (cut at the date line): predictions, by error. The
// legend counts them. Readable on light and dark pages.
std::string PredictionsMapSvg(const Evaluation& evaluation, const std::vector<LatLon>& gallery,
                              const MapOptions& options = {});

// The same for a page: an inline <svg> whose elements have ids that begin with `id`, styled by MapCss, without title
// and legend, which the page writes.
struct PageMap {
  struct Entry {
    std::string css_class;  // of a dot like those in the map
    std::string label;      // "1 - 25 km"
    int count = 0;
  };
  std::string svg;
  std::vector<Entry> legend;  // truths, predictions from near to far, photos without an answer
};
PageMap PredictionsPageMap(const Evaluation& evaluation, const std::vector<LatLon>& gallery, const std::string& id,
                           const MapOptions& options = {});

// A thumbnail of the same map with one photo: a ring at the truth, a cross at the prediction, dots at the candidates.
// `land_id`: the id of a PredictionsPageMap on the same page, whose gallery dots are shown again.
std::string PhotoMapSvg(const PhotoResult& photo, const std::vector<LatLon>& candidates, const std::string& land_id);

// Style of all of them; colours follow the reader's light or dark scheme.
std::string MapCss();

// The shortest way from a to b on a sphere as polylines of longitudes in [-180, 180], one more for each crossing of the
// date line; drawn straight on an equirectangular map they are nowhere more than about a tenth of a degree off.
// Antipodes are joined over the north pole.
std::vector<std::vector<LatLon>> GreatCircleLines(LatLon a, LatLon b);

}  // namespace dualgeo
