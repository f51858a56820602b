#include "dualgeo/report/map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "dualgeo/eval/text_table.h"
#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/text.h"
#include "html.h"

namespace dualgeo {
namespace {

// Map units: 1000 x 500 below a title and above a legend.
constexpr double kWidth = 1000, kHeight = 500, kTop = 34, kLegend = 30;

// From near to far: green, lime, amber, orange, red, purple; at least 3.5 : 1 against the sea of their scheme.
constexpr std::array<const char*, 6> kLight = {"#14803b", "#5a8a17", "#9a7400", "#cf5c00", "#c9232b", "#8a3fb5"};
constexpr std::array<const char*, 6> kDark = {"#35c26a", "#93cc4f", "#e0b020", "#f08a3c", "#f2605f", "#c487e6"};

std::string Colours(const std::array<const char*, 6>& colours) {
  std::string css;
  for (std::size_t i = 0; i < colours.size(); ++i) css += ".map .c" + std::to_string(i) + "{stroke:" + colours[i] + "}";
  return css;
}

double X(double lon) { return (lon + 180) / 360 * kWidth; }
double Y(double lat) { return (90 - lat) / 180 * kHeight; }

// A path of zero-length strokes: with round caps these are dots, in a tenth of the bytes of circles.
std::string Dot(LatLon place) { return "M" + Fixed(X(place.lon), 1) + " " + Fixed(Y(place.lat), 1) + "h0"; }

std::string Segment(double x1, double y1, double x2, double y2) {
  return "M" + Fixed(x1, 1) + " " + Fixed(y1, 1) + "L" + Fixed(x2, 1) + " " + Fixed(y2, 1);
}

// Tenths of a map unit, each point relative to the one before: half the bytes of absolute numbers.
std::string ErrorLine(LatLon truth, LatLon prediction) {
  const auto tenths = [](long n) {
    std::string text = n < 0 ? "-" : "";
    n = std::labs(n);
    if (n >= 10 || n == 0) text += std::to_string(n / 10);
    if (n % 10 != 0) text += "." + std::to_string(n % 10);
    return text;
  };
  std::string path;
  for (const auto& line : GreatCircleLines(truth, prediction)) {
    long x = 0, y = 0;
    const char* before = "M";
    for (std::size_t i = 0; i < line.size(); ++i) {
      const long to_x = std::lround(10 * X(line[i].lon)), to_y = std::lround(10 * Y(line[i].lat));
      if (i > 0 && to_x == x && to_y == y) continue;
      const std::string dy = tenths(to_y - y);
      path +=
          std::string(before[0] == ' ' && to_x < x ? "" : before) + tenths(to_x - x) + (dy[0] == '-' ? "" : " ") + dy;
      before = before[0] == 'M' ? "l" : " ";
      x = to_x;
      y = to_y;
    }
  }
  return path;
}

std::string Path(const std::string& css_class, const std::string& data, const std::string& id = "") {
  if (data.empty()) return "";
  return "<path " + (id.empty() ? "" : "id=\"" + id + "\" ") + "class=\"" + css_class + "\" d=\"" + data + "\"/>\n";
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
  for (int lon = -150; lon <= 150; lon += 30) grid += Segment(X(lon), 0, X(lon), kHeight);
  for (int lat = -60; lat <= 60; lat += 30) grid += Segment(0, Y(lat), kWidth, Y(lat));
  return Path("grid", grid);
}

// What lies between the frame and the legend, and what the legend says.
struct MapDrawing {
  std::string body;
  std::vector<PageMap::Entry> legend;
};

// land: the gallery's dots.
MapDrawing Draw(const Evaluation& evaluation, const std::string& land) {
  const auto& thresholds = evaluation.options.thresholds_km;
  const std::size_t classes = thresholds.size() + 1;
  const auto css = [&](std::size_t i) {
    return "c" + std::to_string(i * (kLight.size() - 1) / std::max<std::size_t>(1, classes - 1));
  };

  std::vector<std::string> lines(classes), dots(classes);
  std::vector<int> counts(classes);
  std::string truths;
  int unanswered = 0;
  for (const auto& photo : evaluation.photos) {
    truths += Dot(photo.truth);
    if (!photo.error_km) {
      ++unanswered;
      continue;
    }
    // Strictly below, as accuracy is counted.
    const auto i = static_cast<std::size_t>(std::upper_bound(thresholds.begin(), thresholds.end(), *photo.error_km) -
                                            thresholds.begin());
    ++counts[i];
    lines[i] += ErrorLine(photo.truth, *photo.prediction);
    dots[i] += Dot(*photo.prediction);
  }

  MapDrawing drawing;
  std::string& svg = drawing.body;
  svg = Grid() + land;
  // Lines of thousands of photos would hide everything else. The worst first, so that good answers stay visible on top.
  const std::string weight = evaluation.photos.size() > 500 ? "line many " : "line ";
  for (std::size_t i = classes; i-- > 0;) svg += Path(weight + css(i), lines[i]);
  for (std::size_t i = classes; i-- > 0;) svg += Path("dot " + css(i), dots[i]);
  svg += Path("truth", truths);

  drawing.legend.push_back({"truth", "truth", static_cast<int>(evaluation.photos.size())});
  for (std::size_t i = 0; i < classes; ++i) {
    std::string bound = "< " + FormatDouble(thresholds[0]) + " km";
    if (i > 0)
      bound = FormatDouble(thresholds[i - 1]) + " - " + FormatDouble(thresholds[std::min(i, classes - 2)]) + " km";
    if (i == thresholds.size()) bound = "\u2265 " + FormatDouble(thresholds.back()) + " km";
    drawing.legend.push_back({"dot " + css(i), bound, counts[i]});
  }
  if (unanswered > 0) drawing.legend.push_back({"grid", "no answer", unanswered});
  return drawing;
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
      ".map .page{fill:#fff}.map .sea{fill:#eef3f7}.map .grid{stroke:#d3dde5;stroke-width:.6;fill:none}"
      ".map text{fill:#222}.map.small{--gallery:4.5}.map .truth{stroke:#111;stroke-width:2.2}"
      // Not below .map: in another map's <use> the dots have no ancestors.
      ".gallery{stroke:#6f7f8c;stroke-width:var(--gallery,2);stroke-linecap:round;fill:none}"
      ".map path{stroke-linecap:round;fill:none}.map .line{stroke-width:.8;stroke-opacity:.45}"
      ".map .many{stroke-opacity:.2}.map .dot{stroke-width:4}.map .mark{stroke:#111;stroke-width:7}"
      ".map .halo{stroke:#fff;stroke-width:16}.map .candidate{stroke:#0b62a8;stroke-width:20}"
      ".map .way{stroke:#111;stroke-width:4;stroke-dasharray:12 9}\n";
  css += Colours(kLight);
  css +=
      "\n@media screen and (prefers-color-scheme:dark){.map .page{fill:#14181c}.map .sea{fill:#1c242b}"
      ".map .grid{stroke:#303b45}.map text{fill:#e6e6e6}.gallery{stroke:#72818d}.map .truth{stroke:#fff}"
      ".map .mark,.map .way{stroke:#fff}.map .halo{stroke:#14181c}.map .candidate{stroke:#6cb8f5}";
  return css + Colours(kDark) + "}\n";
}

PageMap PredictionsPageMap(const Evaluation& evaluation, const std::vector<LatLon>& gallery, const std::string& id,
                           const MapOptions& options) {
  MapDrawing drawing =
      Draw(evaluation, options.land_id.empty()
                           ? Path("gallery", GalleryDots(gallery, options.max_gallery_points), id + "-land")
                           : LandAgain(options.land_id));
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
    const double x = X(photo.prediction->lon), y = Y(photo.prediction->lat);
    const std::string cross = Segment(x - 14, y - 14, x + 14, y + 14) + Segment(x - 14, y + 14, x + 14, y - 14);
    svg += Path("way", ErrorLine(photo.truth, *photo.prediction)) + Path("halo", cross) + Path("mark", cross);
  }
  const double x = X(photo.truth.lon), y = Y(photo.truth.lat);
  const std::string ring = "M" + Fixed(x - 20, 1) + " " + Fixed(y, 1) + "a20 20 0 1 0 40 0a20 20 0 1 0 -40 0";
  return svg + Path("halo", ring) + Path("mark", ring) + "</svg>";
}

std::string PredictionsMapSvg(const Evaluation& evaluation, const std::vector<LatLon>& gallery,
                              const MapOptions& options) {
  MapDrawing drawing = Draw(evaluation, Path("gallery", GalleryDots(gallery, options.max_gallery_points)));
  if (!gallery.empty()) drawing.legend.insert(drawing.legend.begin(), {"gallery", "gallery", -1});
  const double height = kTop + kHeight + kLegend;
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"map\" viewBox=\"0 0 " + Fixed(kWidth, 1) + " " +
                    Fixed(height, 1) + "\" font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">\n";
  svg += "<title>" + EscapeHtml(options.title) + "</title>\n<style>\n" + MapCss() + "</style>\n";
  svg += "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n";
  svg += "<text x=\"8\" y=\"22\" font-size=\"16\">" + EscapeHtml(options.title) + "</text>\n";
  svg += "<g transform=\"translate(0 " + Fixed(kTop, 1) + ")\">" + Frame(drawing.body, "clip") + "</g>\n";
  double x = 12;
  const double y = kTop + kHeight + 20;
  for (const auto& entry : drawing.legend) {
    // Truths are as many as photos, which the coloured dots add up to.
    const bool counted = entry.css_class != "gallery" && entry.css_class != "truth";
    const std::string label = entry.label + (counted ? ": " + std::to_string(entry.count) : "");
    svg += "<path class=\"" + entry.css_class + "\" d=\"M" + Fixed(x, 1) + " " + Fixed(y - 4.5, 1) +
           "h0\"/><text x=\"" + Fixed(x + 8, 1) + "\" y=\"" + Fixed(y, 1) + "\">" + EscapeHtml(label) + "</text>\n";
    x += 24 + 6.8 * static_cast<double>(label.size());
  }
  return svg + "</svg>\n";
}

}  // namespace dualgeo
