#include "report/map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/text.h"
#include "eval/text_table.h"
#include "html.h"
#include "map_paths.h"

namespace dualgeo {
namespace {

// A picture of its own: the map below a title and above a legend.
constexpr double kTop = 34, kLegend = 62;

// So many photos are drawn one by one; more by cells, with the worst so many by their lines.
constexpr std::size_t kEachPhoto = 500, kWorstLines = 40;
constexpr double kCellUnits = 8, kLargestCircle = 10;  // 2.9 degrees; a radius

// From near to far: green, lime, amber, orange, red, purple; at least 3.5 : 1 against the sea of their scheme.
constexpr std::array<const char*, 6> kLight = {"#14803b", "#5a8a17", "#9a7400", "#cf5c00", "#c9232b", "#8a3fb5"};
constexpr std::array<const char*, 6> kDark = {"#35c26a", "#93cc4f", "#e0b020", "#f08a3c", "#f2605f", "#c487e6"};

std::string Colours(const std::array<const char*, 6>& colours) {
  std::string css;
  for (std::size_t i = 0; i < colours.size(); ++i) {
    const std::string index = std::to_string(i), colour = colours[i];
    css += ".map .c" + index + "{stroke:" + colour + "}.map .f" + index + "{fill:" + colour + "}";
  }
  return css;
}

// A path of zero-length strokes: with round caps these are dots, in a tenth of the bytes of circles.
std::string Dot(LatLon place) { return "M" + Fixed(MapX(place.lon), 1) + " " + Fixed(MapY(place.lat), 1) + "h0"; }

std::string Segment(double x1, double y1, double x2, double y2) {
  return "M" + Fixed(x1, 1) + " " + Fixed(y1, 1) + "L" + Fixed(x2, 1) + " " + Fixed(y2, 1);
}

std::string ErrorLine(LatLon truth, LatLon prediction) {
  std::string path;
  for (const auto& line : GreatCircleLines(truth, prediction)) path += MapLine(line);
  return path;
}

std::string Path(const std::string& css_class, const std::string& data) {
  return data.empty() ? "" : "<path class=\"" + css_class + "\" d=\"" + data + "\"/>\n";
}

std::string GalleryDots(const std::vector<LatLon>& gallery, int max_points) {
  // Neighbours that fall on the same dot are one; else a few cities would use up the points.
  std::set<std::string> drawn;
  std::vector<std::string> dots;
  for (const auto& place : gallery) {
    std::string dot = Dot(place);
    if (drawn.insert(dot).second) dots.push_back(std::move(dot));
  }
  const auto limit = static_cast<std::size_t>(std::max(1, max_points));
  const std::size_t step = std::max<std::size_t>(1, (dots.size() + limit - 1) / limit);
  std::string path;
  for (std::size_t i = 0; i < dots.size(); i += step) path += dots[i];
  return path;
}

std::string LandAgain(const std::string& id) { return id.empty() ? "" : "<use href=\"#" + id + "-land\"/>"; }

std::string Grid() {
  std::string grid;
  for (int lon = -150; lon <= 150; lon += 30) grid += Segment(MapX(lon), 0, MapX(lon), kMapHeight);
  for (int lat = -60; lat <= 60; lat += 30) grid += Segment(0, MapY(lat), kMapWidth, MapY(lat));
  return Path("grid", grid);
}

// What lies between the frame and the legend, and what the legend says.
struct MapDrawing {
  std::string body;
  std::vector<PageMap::Entry> legend;
  std::string caption;
};

// Errors as classes between the thresholds, each with its colour.
struct ErrorClasses {
  explicit ErrorClasses(const std::vector<double>& thresholds) : thresholds_km(thresholds) {}

  std::size_t size() const { return thresholds_km.size() + 1; }
  // Strictly below, as accuracy is counted.
  std::size_t of(double km) const {
    return static_cast<std::size_t>(std::upper_bound(thresholds_km.begin(), thresholds_km.end(), km) -
                                    thresholds_km.begin());
  }
  std::string css(std::size_t i) const {
    return "c" + std::to_string(i * (kLight.size() - 1) / std::max<std::size_t>(1, size() - 1));
  }
  std::string name(std::size_t i) const {
    if (i == 0) return "< " + FormatDouble(thresholds_km[0]) + " km";
    if (i + 1 == size()) return "\u2265 " + FormatDouble(thresholds_km.back()) + " km";
    return FormatDouble(thresholds_km[i - 1]) + " - " + FormatDouble(thresholds_km[i]) + " km";
  }

  const std::vector<double>& thresholds_km;
};

// Every truth, answer and the line between them.
std::string DrawEach(const Evaluation& evaluation, const ErrorClasses& classes) {
  std::vector<std::string> lines(classes.size()), dots(classes.size());
  std::string truths;
  for (const auto& photo : evaluation.photos) {
    truths += Dot(photo.truth);
    if (!photo.error_km) continue;
    const std::size_t i = classes.of(*photo.error_km);
    lines[i] += ErrorLine(photo.truth, *photo.prediction);
    dots[i] += Dot(*photo.prediction);
  }
  std::string svg;
  // The worst first, so that good answers stay visible on top.
  for (std::size_t i = classes.size(); i-- > 0;) svg += Path("line " + classes.css(i), lines[i]);
  for (std::size_t i = classes.size(); i-- > 0;) svg += Path("dot " + classes.css(i), dots[i]);
  return svg + Path("truth", truths);
}

// The lines of the worst answers, with a dot at the answer.
std::string DrawWorst(const Evaluation& evaluation, const ErrorClasses& classes) {
  std::vector<const PhotoResult*> worst;
  for (const auto& photo : evaluation.photos) {
    if (photo.error_km) worst.push_back(&photo);
  }
  std::ranges::stable_sort(worst, std::greater<>(), [](const PhotoResult* photo) { return *photo->error_km; });
  worst.resize(std::min(worst.size(), kWorstLines));
  std::vector<std::string> lines(classes.size()), dots(classes.size());
  for (const auto* photo : worst) {
    const std::size_t i = classes.of(*photo->error_km);
    lines[i] += ErrorLine(photo->truth, *photo->prediction);
    dots[i] += Dot(*photo->prediction);
  }
  std::string svg;
  for (std::size_t i = classes.size(); i-- > 0;) {
    svg += Path("line worst " + classes.css(i), lines[i]) + Path("dot " + classes.css(i), dots[i]);
  }
  return svg;
}

// A circle for the photos of each cell, where they lie on average: its area their number, its colour their median
// error (no answer: farther than any).
std::string DrawErrorCells(const Evaluation& evaluation, const ErrorClasses& classes) {
  struct Cell {
    double x = 0, y = 0;
    std::vector<double> errors;
  };
  std::map<std::pair<long, long>, Cell> cells;
  for (const auto& photo : evaluation.photos) {
    const double x = MapX(photo.truth.lon), y = MapY(photo.truth.lat);
    Cell& cell = cells[{std::lround(y / kCellUnits), std::lround(x / kCellUnits)}];
    cell.x += x;
    cell.y += y;
    cell.errors.push_back(photo.error_km.value_or(std::numeric_limits<double>::infinity()));
  }
  std::vector<Cell*> order;
  for (auto& [key, cell] : cells) order.push_back(&cell);
  std::ranges::stable_sort(order, std::greater<>(), [](const Cell* cell) { return cell->errors.size(); });
  const double most = order.empty() ? 1 : static_cast<double>(order.front()->errors.size());
  std::string svg;
  for (auto* cell : order) {  // small ones on top of large ones
    const auto n = static_cast<double>(cell->errors.size());
    const auto middle = cell->errors.begin() + (static_cast<std::ptrdiff_t>(cell->errors.size()) - 1) / 2;
    std::ranges::nth_element(cell->errors, middle);
    svg += "<circle class=\"f" + classes.css(classes.of(*middle)).substr(1) + "\" cx=\"" + Fixed(cell->x / n, 1) +
           "\" cy=\"" + Fixed(cell->y / n, 1) + "\" r=\"" +
           Fixed(std::max(1.8, kLargestCircle * std::sqrt(n / most)), 1) + "\"/>";
  }
  return "<g class=\"cell\">" + svg + "</g>\n";
}

MapDrawing Draw(const Evaluation& evaluation, const std::string& land) {
  const ErrorClasses classes(evaluation.options.thresholds_km);
  std::vector<int> counts(classes.size());
  int unanswered = 0;
  for (const auto& photo : evaluation.photos) {
    photo.error_km ? ++counts[classes.of(*photo.error_km)] : ++unanswered;
  }
  const bool each = evaluation.photos.size() <= kEachPhoto;
  MapDrawing drawing;
  drawing.body =
      land + Grid() +
      (each ? DrawEach(evaluation, classes) : DrawErrorCells(evaluation, classes) + DrawWorst(evaluation, classes));
  if (each) drawing.legend.push_back({"truth", "truth", static_cast<int>(evaluation.photos.size())});
  for (std::size_t i = 0; i < classes.size(); ++i) {
    drawing.legend.push_back({"dot " + classes.css(i), classes.name(i), counts[i]});
  }
  if (unanswered > 0) drawing.legend.push_back({"grid", "no answer", unanswered});
  drawing.caption =
      each
          ? "A line joins the truth to its answer by the shortest way (great circle, cut at the date line); its colour "
            "tells the error, and so does its length."
          : "A circle stands where photos were taken, those of 2.9 degrees together: its area is their number, its "
            "colour their median error. Lines lead from the truth to the answer (a dot) of the " +
                std::to_string(kWorstLines) + " worst.";
  return drawing;
}

std::string MapGround(const std::vector<LatLon>& gallery, const std::string& id, const MapOptions& options) {
  if (!options.land_id.empty()) return LandAgain(options.land_id);
  return "<g" + (id.empty() ? "" : " id=\"" + id + "-land\"") + ">" + LandSvg() +
         Path("gallery", GalleryDots(gallery, options.max_gallery_points)) + "</g>";
}

std::string Frame(const std::string& body, const std::string& clip_id) {
  return "<clipPath id=\"" + clip_id + "\"><rect width=\"1000\" height=\"500\"/></clipPath><g clip-path=\"url(#" +
         clip_id + ")\"><rect class=\"sea\" width=\"1000\" height=\"500\"/>\n" + body + "</g>\n";
}

UnitVector Scaled(UnitVector v, double factor) { return {v.x * factor, v.y * factor, v.z * factor}; }

UnitVector Middle(UnitVector a, UnitVector b) {
  UnitVector sum{a.x + b.x, a.y + b.y, a.z + b.z};
  double length = std::sqrt(sum.x * sum.x + sum.y * sum.y + sum.z * sum.z);
  if (length < 1e-6) {
    // Antipodes: every way is the shortest. The one over the north pole; from pole to pole, the Greenwich meridian.
    const double flat = std::hypot(a.x, a.y);
    sum = flat < 1e-6 ? UnitVector{1, 0, 0} : UnitVector{-a.x * a.z / flat, -a.y * a.z / flat, flat};
    length = std::sqrt(sum.x * sum.x + sum.y * sum.y + sum.z * sum.z);
  }
  return Scaled(sum, 1 / length);
}

// The longitude that is `lon` on the map, within 180 degrees of `near`.
double Unwrapped(double lon, double near) { return lon + 360 * std::round((near - lon) / 360); }

// Appends the points after a, b included, with longitudes that go on from a's over the date line.
void Divide(UnitVector va, LatLon a, UnitVector vb, LatLon b, int depth, std::vector<LatLon>& points) {
  const UnitVector vm = Middle(va, vb);
  LatLon middle = ToLatLon(vm);
  middle.lon = Unwrapped(middle.lon, a.lon);
  LatLon end = b;
  end.lon = Unwrapped(b.lon, middle.lon);
  const double off = std::hypot(middle.lon - (a.lon + end.lon) / 2, middle.lat - (a.lat + end.lat) / 2);
  // A line that bends both ways, over the equator, passes through the middle of its chord; so long ones are always
  // divided.
  const bool is_long = SquaredChord(va, vb) > 0.03;  // 10 degrees
  if (depth < 10 && (is_long || off > 0.1)) {
    Divide(va, a, vm, middle, depth + 1, points);
    Divide(vm, points.back(), vb, b, depth + 1, points);
    return;
  }
  points.push_back(end);
}

}  // namespace

std::vector<std::vector<LatLon>> GreatCircleLines(LatLon a, LatLon b) {
  std::vector<LatLon> points = {a};
  Divide(ToUnitVector(a), a, ToUnitVector(b), b, 0, points);

  std::vector<std::vector<LatLon>> lines(1);
  // How often the line has gone round; lon - 360 * turns is on the map.
  double turns = 0;
  lines[0].push_back(a);
  for (std::size_t i = 1; i < points.size(); ++i) {
    const LatLon from = points[i - 1], to = points[i];
    const double lon = to.lon - 360 * turns;
    if (lon < -180 || lon > 180) {
      const double edge = lon > 180 ? 180 : -180;
      const double crossing = edge + 360 * turns;
      const double share = to.lon == from.lon ? 0 : (crossing - from.lon) / (to.lon - from.lon);
      const double lat = from.lat + share * (to.lat - from.lat);
      lines.back().push_back({lat, edge});
      turns += edge > 0 ? 1 : -1;
      lines.push_back({{lat, -edge}});
    }
    lines.back().push_back({to.lat, to.lon - 360 * turns});
  }
  return lines;
}

std::string MapCss() {
  std::string css =
      LandCss(false) +
      ".map .page{fill:#fff}.map text{fill:#222}.map.small{--gallery:3}.map .truth{stroke:#111;stroke-width:2.2}"
      // Not below .map: in another map's <use> the dots have no ancestors.
      ".gallery{stroke:#93a2ad;stroke-width:var(--gallery,1.2);stroke-linecap:round;fill:none}"
      ".map path{stroke-linecap:round;fill:none}.map .line{stroke-width:.8;stroke-opacity:.45}"
      ".map .worst{stroke-opacity:.6;stroke-width:1}.map .cell{stroke:#fffdf8;stroke-width:.5;fill-opacity:.85}"
      ".map .dot{stroke-width:4}.map .mark{stroke:#111;stroke-width:7}"
      ".map .halo{stroke:#fff;stroke-width:16}.map .candidate{stroke:#0b62a8;stroke-width:20}"
      ".map .way{stroke:#111;stroke-width:4;stroke-dasharray:12 9}\n";
  css += Colours(kLight);
  css += "\n@media screen and (prefers-color-scheme:dark){" + LandCss(true) +
         ".map .page{fill:#14181c}.map text{fill:#e6e6e6}.gallery{stroke:#72818d}.map .truth{stroke:#fff}"
         ".map .cell{stroke:#14181c}"
         ".map .mark,.map .way{stroke:#fff}.map .halo{stroke:#14181c}.map .candidate{stroke:#6cb8f5}";
  return css + Colours(kDark) + "}\n";
}

PageMap PredictionsPageMap(const Evaluation& evaluation, const std::vector<LatLon>& gallery, const std::string& id,
                           const MapOptions& options) {
  MapDrawing drawing = Draw(evaluation, MapGround(gallery, id, options));
  PageMap map;
  map.svg = "<svg class=\"map\" viewBox=\"0 0 1000 500\" role=\"img\" aria-labelledby=\"" + id + "-title " + id +
            "-text\"><title id=\"" + id + "-title\">" + EscapeHtml(options.title) + "</title><desc id=\"" + id +
            "-text\">World map of " + std::to_string(evaluation.photos.size()) + " photos. ";
  for (const auto& entry : drawing.legend) {
    if (entry.label != "truth") {
      map.svg += EscapeHtml(std::to_string(entry.count) + " with " + entry.label) +
                 (entry.label == "no answer" ? ". " : " error. ");
    }
  }
  map.svg += "</desc>\n" + Frame(drawing.body, id + "-clip") + "</svg>";
  map.legend = std::move(drawing.legend);
  map.caption = std::move(drawing.caption);
  return map;
}

std::string PhotoMapSvg(const PhotoResult& photo, const std::vector<LatLon>& candidates, const std::string& land_id) {
  std::string svg =
      "<svg class=\"map small\" viewBox=\"0 0 1000 500\" aria-hidden=\"true\"><rect class=\"sea\" width=\"1000\" "
      "height=\"500\"/>" +
      LandAgain(land_id);
  std::string dots;
  for (const auto& candidate : candidates) dots += Dot(candidate);
  svg += Path("candidate", dots);
  if (photo.prediction) {
    const double x = MapX(photo.prediction->lon), y = MapY(photo.prediction->lat);
    const std::string cross = Segment(x - 14, y - 14, x + 14, y + 14) + Segment(x - 14, y + 14, x + 14, y - 14);
    svg += Path("way", ErrorLine(photo.truth, *photo.prediction)) + Path("halo", cross) + Path("mark", cross);
  }
  const double x = MapX(photo.truth.lon), y = MapY(photo.truth.lat);
  const std::string ring = "M" + Fixed(x - 20, 1) + " " + Fixed(y, 1) + "a20 20 0 1 0 40 0a20 20 0 1 0 -40 0";
  return svg + Path("halo", ring) + Path("mark", ring) + "</svg>";
}

std::string PredictionsMapSvg(const Evaluation& evaluation, const std::vector<LatLon>& gallery,
                              const MapOptions& options) {
  MapDrawing drawing = Draw(evaluation, MapGround(gallery, "", options));
  if (!gallery.empty()) drawing.legend.insert(drawing.legend.begin(), {"gallery", "gallery", -1});
  const double height = kTop + kMapHeight + kLegend;
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"map\" viewBox=\"0 0 " + Fixed(kMapWidth, 1) +
                    " " + Fixed(height, 1) +
                    "\" font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">\n";
  svg += "<title>" + EscapeHtml(options.title) + "</title>\n<style>\n" + MapCss() + "</style>\n";
  svg += "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n";
  svg += "<text x=\"8\" y=\"22\" font-size=\"16\">" + EscapeHtml(options.title) + "</text>\n";
  svg += "<g transform=\"translate(0 " + Fixed(kTop, 1) + ")\">" + Frame(drawing.body, "clip") + "</g>\n";
  double x = 12;
  const double y = kTop + kMapHeight + 20;
  for (const auto& entry : drawing.legend) {
    // Truths are as many as photos, which the coloured dots add up to.
    const bool counted = entry.css_class != "gallery" && entry.css_class != "truth";
    const std::string label = entry.label + (counted ? ": " + std::to_string(entry.count) : "");
    svg += "<path class=\"" + entry.css_class + "\" d=\"M" + Fixed(x, 1) + " " + Fixed(y - 4.5, 1) +
           "h0\"/><text x=\"" + Fixed(x + 8, 1) + "\" y=\"" + Fixed(y, 1) + "\">" + EscapeHtml(label) + "</text>\n";
    x += 24 + 6.8 * static_cast<double>(label.size());
  }
  for (std::size_t line = 0, begin = 0; begin < drawing.caption.size(); ++line) {
    const std::size_t end =
        drawing.caption.size() - begin <= 150 ? drawing.caption.size() : drawing.caption.rfind(' ', begin + 150);
    svg += "<text x=\"8\" y=\"" + Fixed(y + 17 + 15 * static_cast<double>(line), 1) + "\" font-size=\"11.5\">" +
           EscapeHtml(drawing.caption.substr(begin, end - begin)) + "</text>\n";
    begin = end + 1;
  }
  return svg + "</svg>\n";
}

}  // namespace dualgeo
