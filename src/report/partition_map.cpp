#include "report/partition_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "geo/cell_outline.h"
#include "html.h"
#include "map_paths.h"

namespace dualgeo {
namespace {

constexpr int kFinestLined = 6;

// Blue, orange, green, red, violet, brown, pink, grey: of about one lightness.
constexpr std::array<const char*, 8> kCellColours = {"#5b8fc9", "#e09a4f", "#6aab6a", "#d0706e",
                                                     "#9a83c4", "#a98467", "#d48bb8", "#8a9aa6"};

// Hundredths of a map unit (1000 x 500), relative to the point before.
std::string PathOf(const std::vector<LatLon>& outline, double shift) {
  std::string path;
  long x = 0, y = 0;
  const auto number = [](long hundredths) {
    std::string text = Decimals(static_cast<double>(hundredths) / 100, 2);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text;
  };
  for (const auto& place : outline) {
    const long to_x = std::lround((place.lon + shift + 180) / 0.0036), to_y = std::lround((90 - place.lat) / 0.0036);
    if (!path.empty() && to_x == x && to_y == y) continue;
    path += (path.empty() ? "M" : "l") + number(to_x - x) + " " + number(to_y - y);
    x = to_x;
    y = to_y;
  }
  return path + "z";
}

std::string CellPath(S2Cell cell) {
  const std::vector<LatLon> outline = CellOutline(cell);
  const auto [west, east] = std::ranges::minmax(outline, {}, &LatLon::lon);
  std::string path;
  for (const double shift : {-360.0, 0.0, 360.0}) {
    if (west.lon + shift < 179.999 && east.lon + shift > -179.999) path += PathOf(outline, shift);
  }
  return path;
}

std::string CellMapCss() {
  // Lines would drown what is small, and divide what is one cell: those get lines of their own colour.
  std::string css = LandCss(false) +
                    ".page{fill:#fff}text{fill:#222}"
                    ".cells{opacity:.85;stroke-width:.4;stroke-linejoin:round}\n";
  for (std::size_t i = 0; i < kCellColours.size(); ++i) {
    const std::string colour = kCellColours[i];
    css += ".k" + std::to_string(i) + "{fill:" + colour + ";stroke:" + colour + "}";
  }
  return css + ".cells .lined{stroke:#eef3f7}\n@media screen and (prefers-color-scheme:dark){" + LandCss(true) +
         ".page{fill:#14181c}text{fill:#e6e6e6}.cells .lined{stroke:#1c242b}}\n";
}

std::size_t CountParts(const Partition& partition) {
  std::size_t parts = 0;
  for (const auto& cell : partition.cells()) parts += cell.area.size();
  return parts;
}

std::string PartitionWords(const Partition& partition) {
  std::int64_t photos = 0;
  for (const auto& cell : partition.cells()) photos += cell.count;
  const std::size_t parts = CountParts(partition);
  const int coarsest = partition.coarsest_level(), finest = partition.finest_level();
  std::string words = std::to_string(partition.cells().size()) + " cells, ";
  if (parts > partition.cells().size()) words += std::to_string(parts) + " S2 cells, ";
  words += coarsest == finest ? "level " : "levels " + std::to_string(coarsest) + " to ";
  return words + std::to_string(finest) + ", " + std::to_string(photos) + " photos";
}

// The paths of each colour.
struct CellPaths {
  std::array<std::string, kCellColours.size()> lined, plain;
};

CellPaths DrawCells(const Partition& partition) {
  std::vector<std::size_t> order(partition.cells().size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return partition.cells()[i].area.front(); });
  CellPaths paths;
  std::unordered_set<std::uint64_t> drawn;
  const int finest = CountParts(partition) > 20000 ? 8 : 9;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const auto& area = partition.cells()[order[rank]].area;
    for (S2Cell part : area) {
      const bool lined = area.size() == 1 && part.level() <= kFinestLined;
      const bool stretched = std::abs(part.Center().lat) > 60;
      if (part.level() > finest && !stretched) part = part.Parent(finest);
      auto& to = lined ? paths.lined : paths.plain;
      if (drawn.insert(part.id()).second) to[rank % kCellColours.size()] += CellPath(part) + "\n";
    }
  }
  return paths;
}

}  // namespace

std::string PartitionMapSvg(const Partition& partition, const std::string& title) {
  const CellPaths paths = DrawCells(partition);
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1000 564\" font-family=\"system-ui, sans-serif\" "
      "font-size=\"13\" role=\"img\">\n<title>" +
      EscapeHtml(title) + "</title>\n<style>\n" + CellMapCss() +
      "</style>\n<rect class=\"page\" width=\"1000\" height=\"564\"/>\n<text x=\"8\" y=\"22\" font-size=\"16\">" +
      EscapeHtml(title) +
      "</text>\n<clipPath id=\"clip\"><rect width=\"1000\" height=\"500\"/></clipPath>\n<g transform=\"translate(0 "
      "34)\" "
      "clip-path=\"url(#clip)\">\n<rect class=\"sea\" width=\"1000\" height=\"500\"/>\n" +
      LandSvg() + "<g class=\"cells\">\n";
  for (std::size_t i = 0; i < kCellColours.size(); ++i) {
    const std::string colour = "k" + std::to_string(i);
    if (!paths.lined[i].empty()) svg += "<path class=\"" + colour + " lined\" d=\"" + paths.lined[i] + "\"/>\n";
    if (!paths.plain[i].empty()) svg += "<path class=\"" + colour + "\" d=\"" + paths.plain[i] + "\"/>\n";
  }
  svg += "</g>\n" + CoastSvg() + "<path class=\"grid\" d=\"";
  for (int x = 1; x < 12; ++x) svg += "M" + Decimals(x * 1000.0 / 12, 1) + " 0v500";
  for (int y = 1; y < 6; ++y) svg += "M0 " + Decimals(y * 500.0 / 6, 1) + "h1000";
  return svg + "\"/>\n</g>\n<text x=\"8\" y=\"554\">" + EscapeHtml(PartitionWords(partition)) + "</text>\n</svg>\n";
}

}  // namespace dualgeo
