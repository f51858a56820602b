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
  std::string land_id = {};       // of an earlier map on the same page, whose land and gallery are shown again
};

// Equirectangular, over land and countries (geo/land.h); small grey dots: the gallery. Up to 500 photos one by one:
// black dots (white on dark pages): the truth; coloured dots with a great-circle line from the truth (cut at the date
// line): predictions, by error. More photos as circles, one for those of each 2.9 degrees: its area their number, its
// colour their median error; and the 40 worst with their lines. The legend counts photos by error. Readable on light
// and dark pages.
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
  std::vector<Entry> legend;  // truths (of a map of each photo), predictions from near to far, those without an answer
  std::string caption;        // how to read it
};
PageMap PredictionsPageMap(const Evaluation& evaluation, const std::vector<LatLon>& gallery, const std::string& id,
                           const MapOptions& options = {});

// A thumbnail of the same map with one photo: a ring at the truth, a cross at the prediction, dots at the candidates.
// `land_id`: the id of a PredictionsPageMap on the same page, whose land and gallery are shown again.
std::string PhotoMapSvg(const PhotoResult& photo, const std::vector<LatLon>& candidates, const std::string& land_id);

// Style of all of them; colours follow the reader's light or dark scheme.
std::string MapCss();

// The shortest way from a to b on a sphere as polylines of longitudes in [-180, 180], one more for each crossing of the
// date line; drawn straight on an equirectangular map they are nowhere more than about a tenth of a degree off.
// Antipodes are joined over the north pole.
std::vector<std::vector<LatLon>> GreatCircleLines(LatLon a, LatLon b);

}  // namespace dualgeo
