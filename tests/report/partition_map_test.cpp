#include "report/partition_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <string>
#include <utility>
#include <vector>

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

// The corners of each outline, in map units.
std::vector<std::vector<std::pair<double, double>>> OutlinesOf(const std::string& svg) {
  std::vector<std::vector<std::pair<double, double>>> outlines;
  double x = 0, y = 0;
  const std::string cells =
      svg.substr(svg.find("<g class=\"cells\">"), svg.find("class=\"coast\"") - svg.find("<g class=\"cells\">"));
  static const std::regex step("([Ml])(-?[0-9.]+) (-?[0-9.]+)");
  for (std::sregex_iterator match(cells.begin(), cells.end(), step), end; match != end; ++match) {
    const bool begins = (*match)[1] == "M";
    if (begins) outlines.emplace_back();
    x = std::stod((*match)[2]) + (begins ? 0 : x);
    y = std::stod((*match)[3]) + (begins ? 0 : y);
    outlines.back().emplace_back(x, y);
  }
  return outlines;
}

PartitionCell CellOfToken(std::int64_t label, const char* token) {
  return {label, {S2Cell::FromToken(token).value()}, 10};
}

bool Holds(const std::vector<std::pair<double, double>>& outline, double x, double y) {
  bool inside = false;
  for (std::size_t i = 0; i < outline.size(); ++i) {
    const auto &a = outline[i], &b = outline[(i + 1) % outline.size()];
    if ((a.second > y) == (b.second > y)) continue;
    if (x < a.first + (y - a.second) / (b.second - a.second) * (b.first - a.first)) inside = !inside;
  }
  return inside;
}

TEST(PartitionMap, SixFacesFillIt) {
  std::vector<PartitionCell> faces;
  for (int face = 0; face < 6; ++face) faces.push_back({face, {S2Cell::Face(face)}, 1});
  const auto outlines = OutlinesOf(PartitionMapSvg(Partition(faces), "faces"));
  // Those around the poles and across the date line are drawn on both sides, and half of that is cut off.
  EXPECT_EQ(outlines.size(), 9U);
  for (double x = 1.3; x < 1000; x += 7) {
    for (double y = 1.3; y < 500; y += 7) {
      EXPECT_EQ(std::ranges::count_if(outlines, [&](const auto& outline) { return Holds(outline, x, y); }), 1)
          << x << " " << y;
    }
  }
}

TEST(PartitionMap, CellsAtPolesAndDateLineStayOnIt) {
  // 51: around the north pole; b1: the south pole; 61 and 7d: at the date line on either side.
  const Partition partition(
      {CellOfToken(0, "51"), CellOfToken(1, "b1"), CellOfToken(2, "7d"), CellOfToken(3, "47e63")});
  for (const auto& outline : OutlinesOf(PartitionMapSvg(partition, "edge"))) {
    for (const auto& [x, y] : outline) {
      EXPECT_GE(x, -0.02);
      EXPECT_LE(x, 1000.02);
      EXPECT_GE(y, -0.02);
      EXPECT_LE(y, 500.02);
    }
  }
}

TEST(PartitionMap, SaysWhatItShows) {
  const std::string svg = PartitionMapSvg(Partition({CellOfToken(0, "47e63"), CellOfToken(1, "89c25")}), "a<b.csv");
  EXPECT_THAT(svg, HasSubstr("a&lt;b.csv"));
  EXPECT_THAT(svg, HasSubstr("2 cells, level 8, 20 photos"));
  EXPECT_EQ(OutlinesOf(svg).size(), 2U);
}

}  // namespace
}  // namespace dualgeo
