#include "dualgeo/eval/map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <set>

#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

// Map units: 1000 x 500 below a title and above a legend.
constexpr double kWidth = 1000, kHeight = 500, kTop = 34, kLegend = 30;

// From near to far: green, lime, amber, orange, red, purple; each readable on white and on black.
constexpr std::array<const char*, 6> kColours = {"#1b9e4b", "#6fae2f", "#d9a300", "#f07818", "#d62f2f", "#9b4fc4"};

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

double X(double lon) { return (lon + 180) / 360 * kWidth; }
double Y(double lat) { return (90 - lat) / 180 * kHeight; }

// A path of zero-length strokes: with round caps these are dots, in a tenth of the bytes of circles.
std::string Dot(LatLon place) { return "M" + Number(X(place.lon)) + " " + Number(Y(place.lat)) + "h0"; }

std::string Escaped(const std::string& text) {
  std::string escaped;
  for (const char c : Printable(text, 200)) {
    if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '&') {
      escaped += "&amp;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string Segment(double x1, double y1, double x2, double y2) {
  return "M" + Number(x1) + " " + Number(y1) + "L" + Number(x2) + " " + Number(y2);
}

// From truth to prediction the short way round; over the date line it leaves the map on one side and enters on the
// other.
std::string ErrorLine(LatLon truth, LatLon prediction) {
  double shift = 0;
  if (prediction.lon - truth.lon > 180) shift = -kWidth;
  if (prediction.lon - truth.lon < -180) shift = kWidth;
  const double x1 = X(truth.lon), y1 = Y(truth.lat), x2 = X(prediction.lon), y2 = Y(prediction.lat);
  std::string path = Segment(x1, y1, x2 + shift, y2);
  if (shift != 0) path += Segment(x1 - shift, y1, x2, y2);
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

}  // namespace

std::string PredictionsMapSvg(const Evaluation& evaluation, const std::vector<LatLon>& gallery,
                              const MapOptions& options) {
  const auto& thresholds = evaluation.options.thresholds_km;
  const std::size_t classes = thresholds.size() + 1;
  const auto colour = [&](std::size_t i) {
    return kColours[i * (kColours.size() - 1) / std::max<std::size_t>(1, classes - 1)];
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

  // Lines of thousands of photos would hide everything else.
  const std::string opacity = evaluation.photos.size() > 500 ? ".2" : ".45";
  const double height = kTop + kHeight + kLegend;
  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + Number(kWidth) + " " + Number(height) +
                    "\" font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">\n";
  svg += "<title>" + Escaped(options.title) +
         "</title>\n<style>\n"
         ".page{fill:#fff}.sea{fill:#eef3f7}.grid{stroke:#d3dde5;stroke-width:.6;fill:none}.text{fill:#222}\n"
         ".gallery{stroke:#9aa7b1;stroke-width:1.8}.truth{stroke:#111;stroke-width:2.6}\n"
         "path{stroke-linecap:round;fill:none}.line{stroke-width:.8;stroke-opacity:" +
         opacity +
         "}.dot{stroke-width:4}\n"
         "@media (prefers-color-scheme:dark){.page{fill:#14181c}.sea{fill:#1c242b}.grid{stroke:#303b45}"
         ".text{fill:#e6e6e6}.gallery{stroke:#62707b}.truth{stroke:#fff}}\n";
  for (std::size_t i = 0; i < classes; ++i) svg += ".c" + std::to_string(i) + "{stroke:" + colour(i) + "}\n";
  svg += "</style>\n<clipPath id=\"map\"><rect width=\"1000\" height=\"500\"/></clipPath>\n";
  svg += "<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n";
  svg += "<text class=\"text\" x=\"8\" y=\"22\" font-size=\"16\">" + Escaped(options.title) + "</text>\n";
  svg += "<g clip-path=\"url(#map)\" transform=\"translate(0 " + Number(kTop) + ")\">\n";
  svg += "<rect class=\"sea\" width=\"1000\" height=\"500\"/>\n";
  std::string grid;
  for (int lon = -150; lon <= 150; lon += 30) grid += Segment(X(lon), 0, X(lon), kHeight);
  for (int lat = -60; lat <= 60; lat += 30) grid += Segment(0, Y(lat), kWidth, Y(lat));
  svg += Path("grid", grid) + Path("gallery", GalleryDots(gallery, options.max_gallery_points));
  // The worst first, so that good answers stay visible on top.
  for (std::size_t i = classes; i-- > 0;) svg += Path("line c" + std::to_string(i), lines[i]);
  for (std::size_t i = classes; i-- > 0;) svg += Path("dot c" + std::to_string(i), dots[i]);
  svg += Path("truth", truths) + "</g>\n";

  double x = 12;
  const double y = kTop + kHeight + 20;
  const auto legend = [&](const std::string& css_class, const std::string& label) {
    svg += "<path class=\"" + css_class + "\" d=\"M" + Number(x) + " " + Number(y - 4.5) +
           "h0\"/><text class=\"text\" x=\"" + Number(x + 8) + "\" y=\"" + Number(y) + "\">" + Escaped(label) +
           "</text>\n";
    x += 24 + 6.8 * static_cast<double>(label.size());
  };
  if (!gallery.empty()) legend("gallery", "gallery");
  legend("truth", "truth");
  for (std::size_t i = 0; i < classes; ++i) {
    std::string bound = "< " + FormatDouble(thresholds[0]) + " km";
    if (i > 0)
      bound = FormatDouble(thresholds[i - 1]) + " - " + FormatDouble(thresholds[std::min(i, classes - 2)]) + " km";
    if (i == thresholds.size()) bound = "> " + FormatDouble(thresholds.back()) + " km";
    legend("dot c" + std::to_string(i), bound + ": " + std::to_string(counts[i]));
  }
  if (unanswered > 0) legend("grid", "no answer: " + std::to_string(unanswered));
  return svg + "</svg>\n";
}

}  // namespace dualgeo
