#include "report/map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "dualgeo/eval/evaluate.h"
#include "dualgeo/geo/distance.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// How far `place` lies from the great circle through a and b: half of what the detour costs bounds it from above.
double DetourKm(LatLon a, LatLon place, LatLon b) {
  return GreatCircleKm(a, place) + GreatCircleKm(place, b) - GreatCircleKm(a, b);
}

TEST(GreatCircleLines, KeepToTheShortestWay) {
  const LatLon ends[][2] = {{{51.5, -0.1}, {35.7, 139.7}},    // London, Tokyo: over Siberia
                            {{40.6, -73.8}, {-33.9, 18.4}},   // New York, Cape Town: over the equator
                            {{0.5, 10}, {0.5001, 10.0001}}};  // next door
  for (const auto& [a, b] : ends) {
    const auto lines = GreatCircleLines(a, b);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].front(), a);
    EXPECT_NEAR(lines[0].back().lat, b.lat, 1e-9);
    EXPECT_NEAR(lines[0].back().lon, b.lon, 1e-9);
    for (std::size_t i = 0; i + 1 < lines[0].size(); ++i) {
      EXPECT_LT(DetourKm(a, lines[0][i], b), 0.01);
      // Straight on the map between two points: the middle is within about 0.1 degrees of the true line.
      const LatLon middle{(lines[0][i].lat + lines[0][i + 1].lat) / 2, (lines[0][i].lon + lines[0][i + 1].lon) / 2};
      EXPECT_LT(DetourKm(lines[0][i], middle, lines[0][i + 1]), 1);
    }
  }
  // The northernmost point of London - Tokyo lies far north of both.
  double north = 0;
  const auto to_tokyo = GreatCircleLines(ends[0][0], ends[0][1]);
  for (const auto& point : to_tokyo[0]) north = std::max(north, point.lat);
  EXPECT_NEAR(north, 70.906, 0.05);  // Clairaut: acos(|sin(azimuth) cos(latitude)|) of London
  EXPECT_LE(GreatCircleLines(ends[2][0], ends[2][1])[0].size(), 2u);
}

TEST(GreatCircleLines, AreCutAtTheDateLine) {
  for (const auto& [a, b] :
       {std::pair(LatLon{10, 170}, LatLon{20, -170}), std::pair(LatLon{20, -170}, LatLon{10, 170})}) {
    const auto lines = GreatCircleLines(a, b);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(std::abs(lines[0].back().lon), 180);
    EXPECT_EQ(lines[1].front().lon, -lines[0].back().lon);
    EXPECT_EQ(lines[1].front().lat, lines[0].back().lat);
    EXPECT_NEAR(lines[0].back().lat, 15.2, 0.2);
    EXPECT_NEAR(lines[1].back().lon, b.lon, 1e-9);
    for (const auto& line : lines) {
      for (const auto& point : line) EXPECT_LE(std::abs(point.lon), 180);
    }
  }
  // On the line itself there is nothing to cut.
  EXPECT_EQ(GreatCircleLines({0, 179}, {0, 180}).size(), 1u);
  EXPECT_EQ(GreatCircleLines({0, 179}, {0, -180}).size(), 1u);
}

TEST(GreatCircleLines, TakePolesAndAntipodes) {
  const std::pair<LatLon, LatLon> hard[] = {{{90, 0}, {-90, 0}},   {{0, 0}, {0, 180}},   {{10, 20}, {-10, -160}},
                                            {{90, 50}, {10, -70}}, {{80, 0}, {80, 180}}, {{5, 5}, {5, 5}}};
  for (const auto& [a, b] : hard) {
    std::size_t points = 0;
    for (const auto& line : GreatCircleLines(a, b)) {
      points += line.size();
      for (const auto& point : line) {
        EXPECT_TRUE(IsValid(point)) << point.lat << ' ' << point.lon;
      }
    }
    EXPECT_GE(points, 2u);
    EXPECT_LT(points, 2000u);
  }
}

TEST(PageMap, CountsWhatItDraws) {
  Evaluation e;
  for (const double error : {0.5, 1.0, 30.0, 9000.0}) {
    e.photos.push_back({"a", {10, 179}, LatLon{10, -179}, error, Answer::kAnswered, ""});
  }
  e.photos.push_back({"b", {0, 0}, std::nullopt, std::nullopt, Answer::kNoPrediction, ""});
  e.count = 5;
  const PageMap map = PredictionsPageMap(e, {{1, 2}}, "m", {"<i>title</i>"});
  std::vector<int> counts;
  for (const auto& entry : map.legend) counts.push_back(entry.count);
  // truth; < 1, 1 - 25 (1 km is not within 1 km), 25 - 200, 200 - 750, 750 - 2500, beyond; no answer
  EXPECT_EQ(counts, (std::vector<int>{5, 1, 1, 1, 0, 0, 1, 1}));
  EXPECT_THAT(map.svg, AllOf(HasSubstr("id=\"m-land\""), HasSubstr("aria-labelledby=\"m-title m-text\""),
                             HasSubstr("&lt;i&gt;"), HasSubstr("1 with no answer"), Not(HasSubstr("<i>"))));
}

TEST(Map, LiesOverLand) {
  const PageMap map = PredictionsPageMap({}, {}, "m", {"t"});
  const auto begin = map.svg.find("<path class=\"land\" d=\"M");
  ASSERT_NE(begin, std::string::npos);
  EXPECT_GT(map.svg.find('"', begin + 25) - begin, 10'000u);
  EXPECT_THAT(map.svg, HasSubstr("<path class=\"border\""));
  // The land of an earlier map of the page.
  const PageMap next = PredictionsPageMap({}, {}, "n", {"t", 100, "m"});
  EXPECT_THAT(next.svg, AllOf(HasSubstr("<use href=\"#m-land\"/>"), Not(HasSubstr("class=\"land\""))));
}

// Thousands of lines would be a haystack: circles of cells, and the worst by their lines.
TEST(Map, OfManyPhotosShowsCellsAndTheWorst) {
  Evaluation e;
  for (int i = 0; i < 600; ++i) {  // 300 in each of two cells, the second's median is far
    const bool east = i % 2 == 1;
    const double error = east ? 3000.0 + i : 0.1;
    e.photos.push_back({std::to_string(i), {10, east ? 50.0 : 20.0}, LatLon{10, 40}, error, Answer::kAnswered, ""});
  }
  e.count = 600;
  const PageMap map = PredictionsPageMap(e, {}, "m", {"t"});
  const auto count = [&](const std::string& text) {
    int found = 0;
    for (auto at = map.svg.find(text); at != std::string::npos; at = map.svg.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("<circle "), 2);
  EXPECT_THAT(map.svg, AllOf(HasSubstr("<circle class=\"f0\" cx=\"555.6\" cy=\"222.2\" r=\"10.0\"/>"),
                             HasSubstr("<circle class=\"f5\" cx=\"638.9\" cy=\"222.2\" r=\"10.0\"/>"),
                             Not(HasSubstr("class=\"truth\""))));
  // 40 of the 300 lines, all of the same way here.
  EXPECT_EQ(count("M638.9 222.2"), 40);
  EXPECT_EQ(map.legend.size(), 6u);
  EXPECT_EQ(map.legend.front().count, 300);
  EXPECT_THAT(map.caption, HasSubstr("40 worst"));
}

TEST(Map, ShowsEveryAnswerAndCrossesTheDateLine) {
  PhotoTable truth;
  truth.path = "truth.csv";
  truth.rows = {{"a", LatLon{-17, 179}, "", 0}, {"b", LatLon{50, 10}, "", 0}, {"c", LatLon{0, 0}, "", 0}};
  EvaluateOptions options;
  options.bootstrap = 0;
  options.distance = "great_circle";
  const Evaluation e =
      Evaluate(truth, {{"a", LatLon{-17, -179}, "m", std::nullopt, ""}, {"b", LatLon{50, 10.1}, "m", std::nullopt, ""}},
               options);
  const std::string svg = PredictionsMapSvg(e, {{10, 10}, {10, 10}, {20, 20}}, {"a < b & c"});
  EXPECT_THAT(svg, AllOf(HasSubstr("a &lt; b &amp; c"), HasSubstr("no answer: 1"), HasSubstr("prefers-color-scheme")));
  // 179 east to 179 west: 2.8 units to the edge, on either side of the map.
  EXPECT_THAT(svg, HasSubstr("M997.2 297.2l2.8 0M0 297.2l2.8 0"));
  EXPECT_THAT(svg, HasSubstr("class=\"gallery\" d=\"M527.8 222.2h0M555.6 194.4h0\""));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace dualgeo
