#include "map_paths.h"

#include <cmath>

#include "geo/land.h"

namespace dualgeo {
namespace {

std::string TenthsText(long n) {
  std::string text = n < 0 ? "-" : "";
  n = std::labs(n);
  if (n >= 10 || n == 0) text += std::to_string(n / 10);
  if (n % 10 != 0) text += "." + std::to_string(n % 10);
  return text;
}

std::string LandPaths(const std::string& css_class, bool borders) {
  const Land& land = LandOf(LandDetail::kSmall);
  std::string outlines, lines;
  for (const auto& ring : land.rings) outlines += MapLine(ring) + "z";
  for (const auto& border : land.borders) lines += MapLine(border);
  std::string svg = "<path class=\"" + css_class + "\" d=\"" + outlines + "\"/>\n";
  if (borders) svg += "<path class=\"border\" d=\"" + lines + "\"/>\n";
  return svg;
}

}  // namespace

std::string MapLine(const std::vector<LatLon>& points) {
  std::string path;
  long x = 0, y = 0;
  const char* before = "M";
  for (std::size_t i = 0; i < points.size(); ++i) {
    const long to_x = std::lround(10 * MapX(points[i].lon)), to_y = std::lround(10 * MapY(points[i].lat));
    if (i > 0 && to_x == x && to_y == y) continue;
    const std::string dy = TenthsText(to_y - y);
    path +=
        std::string(before[0] == ' ' && to_x < x ? "" : before) + TenthsText(to_x - x) + (dy[0] == '-' ? "" : " ") + dy;
    before = before[0] == 'M' ? "l" : " ";
    x = to_x;
    y = to_y;
  }
  return path;
}

const std::string& LandSvg() {
  static const std::string kSvg = LandPaths("land", true);
  return kSvg;
}

const std::string& CoastSvg() {
  static const std::string kSvg = LandPaths("coast", false);
  return kSvg;
}

std::string LandCss(bool dark) {
  // Not below .map: in another map's <use> the land has no ancestors. Said twice, to be stronger than .map path.
  const std::string land = "path.land.land", coast = "path.coast.coast", border = "path.border.border";
  if (dark) {
    return ".sea{fill:#182027}" + land + "{fill:#27313a;stroke:#5b6a77}" + border + "{stroke:#43505b}" + coast +
           "{stroke:#dfe6ec}.grid{stroke:#2a353f}";
  }
  return ".sea{fill:#e8f0f6}" + land + "{fill:#fffdf8;stroke:#8fa3b3;stroke-width:.6;fill-rule:evenodd}" + border +
         "{stroke:#c9d3da;stroke-width:.5;fill:none}" + coast + "{stroke:#26323b;stroke-width:.5;fill:none}" +
         ".grid{stroke:#d3dde5;stroke-width:.6;fill:none}";
}

}  // namespace dualgeo
