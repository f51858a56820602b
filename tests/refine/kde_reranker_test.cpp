#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "refine/reranker.h"
#include "tests/refine/lists.h"

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

RerankOptions Kde(const std::string& weight = "auto") {
  RerankOptions options;
  options.method = "kde";
  options.weight = weight;
  options.top_k = 100;
  return options;
}

// [L]kNN's code.
RerankOptions AsReleased() {
  RerankOptions options = Kde();
  options.grid_deg = 1;
  options.no_wrap = options.clamp = options.squared_distance = true;
  options.snap_km = 100;
  return options;
}

LatLon AnswerOf(const RerankOptions& options, const CandidateList& list) {
  return Rerank(options, {list}, 1).at(0).estimate->location;
}

// A list about a few centres, with falling scores.
CandidateList RandomNeighbours(Random& random, int count, double spread) {
  std::vector<LatLon> centres, places;
  std::vector<double> scores;
  for (int i = 0; i < 4; ++i) centres.push_back({random.Uniform(-70, 70), random.Uniform(-180, 180)});
  for (int i = 0; i < count; ++i) {
    const LatLon centre = centres[static_cast<std::size_t>(random.Uniform(0, 4))];
    places.push_back(Normalized({centre.lat + spread * random.Normal(), centre.lon + spread * random.Normal()}));
    scores.push_back(0.8 - 0.002 * i);
  }
  return ListOf(places, scores);
}

TEST(Weights, DistanceIsMadeOfTheScore) {
  const auto list = ListOf({{0, 0}, {0, 1}, {0, 2}}, {.9, .8, .6});  // d^2: .2, .4, .8
  RerankOptions options = Kde();
  auto weights = CandidateWeights(options, "distance", list.candidates);
  EXPECT_NEAR(weights[0], 1, 1e-12);
  EXPECT_NEAR(weights[1], std::pow(std::sqrt(.2 / .4), 10), 1e-12);
  EXPECT_NEAR(weights[2], std::pow(std::sqrt(.2 / .8), 10), 1e-12);
  options.squared_distance = true;
  weights = CandidateWeights(options, "distance", list.candidates);
  EXPECT_NEAR(weights[1], std::pow(.2 / .4, 10), 1e-15);
  options.distance_power = 0;
  EXPECT_THAT(CandidateWeights(options, "distance", list.candidates), ElementsAre(1, 1, 1));
}

TEST(Weights, DistanceOfOtherScores) {
  RerankOptions options = Kde();
  // gallery.metric l2: the score is -d^2.
  options.same_score = 0;
  const auto l2 = ListOf({{0, 0}, {0, 1}}, {-.5, -1});
  EXPECT_NEAR(CandidateWeights(options, "distance", l2.candidates)[1], std::pow(2, -5), 1e-12);
  // The same photo: a distance of nothing, or what rounding makes of it.
  options.same_score = 1;
  const auto same = ListOf({{0, 0}, {0, 1}, {0, 2}}, {1 + 1e-7, 1, .5});
  const auto weights = CandidateWeights(options, "distance", same.candidates);
  EXPECT_THAT(std::vector(weights.begin(), weights.begin() + 2), ElementsAre(1, 1));
  EXPECT_LT(weights[2], 1e-20);
  const auto sum = ListOf({{0, 0}}, {1.7});
  EXPECT_THAT([&] { CandidateWeights(options, "distance", sum.candidates); },
              ThrowsMessage<InputError>(HasSubstr("score 1.7, above rerank.same_score 1")));
  // Without scores, ranks.
  const auto none = ListOf({{0, 0}, {0, 1}});
  EXPECT_EQ(CandidateWeights(options, "distance", none.candidates), CandidateWeights(options, "rank", none.candidates));
}

TEST(Kde, TheMaximumLiesBetweenTwoEquals) {
  EXPECT_LT(GreatCircleKm(AnswerOf(Kde("equal"), ListOf({{0, 9}, {0, 11}})), {0, 10}), 0.01);
  EXPECT_LT(GreatCircleKm(AnswerOf(Kde("equal"), ListOf({{-5, 179}, {-5, -179}})), {-5.001, 180}), 1);
  EXPECT_LT(GreatCircleKm(AnswerOf(Kde("equal"), ListOf({{88, 0}, {88, 120}, {88, -120}})), {90, 0}), 0.01);
  // Too far apart for one hill: the better rank's.
  const LatLon far = AnswerOf(Kde("equal"), ListOf({{0, 10}, {0, 40}}));
  EXPECT_LT(GreatCircleKm(far, {0, 10}), 0.01);
}

TEST(Kde, NearnessInFeatureSpaceOutweighsNumbers) {
  // d^2 .2 against three times .4: 1 > 3 / 32.
  const std::vector<LatLon> places = {{0, 0}, {40, 40}, {40, 40}, {40, 40}};
  EXPECT_EQ(AnswerOf(Kde(), ListOf(places, {.9, .8, .8, .8})), places[0]);
  EXPECT_EQ(AnswerOf(Kde("equal"), ListOf(places, {.9, .8, .8, .8})), places[1]);
}

TEST(Kde, NowhereIsTheDensityGreater) {
  Random random(3);
  for (int round = 0; round < 20; ++round) {
    const auto list = RandomNeighbours(random, 60, 6);
    const RerankOptions options = Kde(round % 2 == 0 ? "distance" : "equal");
    const auto weights = CandidateWeights(options, "distance", list.candidates);
    const auto density = [&](LatLon at) {
      double sum = 0;
      for (std::size_t i = 0; i < weights.size(); ++i) {
        const double angle = GreatCircleKm(at, list.candidates[i].location) / kEarthRadiusKm / kRadiansPerDegree;
        sum += weights[i] * std::exp(-0.5 * angle * angle / 16);
      }
      return sum;
    };
    double greatest = 0;
    for (double lat = -89.5; lat < 90; lat += 3) {
      for (double lon = -179.5; lon < 180; lon += 3) greatest = std::max(greatest, density({lat, lon}));
    }
    const LatLon answer = AnswerOf(options, list);
    EXPECT_GE(density(answer), greatest);
    for (const LatLon step : {LatLon{.01, 0}, {-.01, 0}, {0, .01}, {0, -.01}}) {
      EXPECT_GE(density(answer), density(Normalized({answer.lat + step.lat, answer.lon + step.lon})));
    }
  }
}

TEST(Kde, TurnsWithTheEarth) {
  Random random(5);
  const auto turned = [](LatLon place) {
    const UnitVector v = ToUnitVector(place);
    return ToLatLon({v.z, v.x, v.y});
  };
  for (int round = 0; round < 50; ++round) {
    const auto list = RandomNeighbours(random, 40, 5);
    auto other = list;
    for (auto& candidate : other.candidates) candidate.location = turned(candidate.location);
    for (const double snap : {0.0, 100.0}) {
      RerankOptions options = Kde();
      options.snap_km = snap;
      EXPECT_LT(GreatCircleKm(turned(AnswerOf(options, list)), AnswerOf(options, other)), 0.01);
    }
  }
}

TEST(Kde, SnapsToTheMostSimilarWithinReach) {
  RerankOptions options = Kde("equal");
  // The maximum is about (0, 0); the candidates are 55, 33 and 33 km from it, and one far away.
  const auto list = ListOf({{40, 40}, {0, .5}, {0, -.3}, {0, -.3}}, {.9, .8, .7, .6});
  EXPECT_GT(GreatCircleKm(AnswerOf(options, list), {0, .5}), 50);
  options.snap_km = 100;
  const auto snapped = Rerank(options, {list}, 1).at(0);
  EXPECT_EQ(snapped.estimate->location, (LatLon{0, .5}));
  EXPECT_EQ(snapped.candidates[0].gallery_id, "2");
  EXPECT_EQ(snapped.candidates[3].gallery_id, "1");
  options.snap_km = 40;
  EXPECT_EQ(AnswerOf(options, list), (LatLon{0, -.3}));
  // None within reach: the maximum itself.
  options.snap_km = 5;
  options.sigma_deg = 10;
  const auto apart = ListOf({{0, -4}, {0, 4}});
  EXPECT_LT(GreatCircleKm(AnswerOf(options, apart), {0, 0}), 0.1);
}

TEST(KdeGrid, AnswersWithTheCornerOfTheFineCell) {
  RerankOptions options = AsReleased();
  options.snap_km = 0;
  const LatLon answer = AnswerOf(options, ListOf({{48.85, 2.35}}, {.9}));
  EXPECT_NEAR(answer.lat, 48.9, 1e-9);
  EXPECT_NEAR(answer.lon, 2.4, 1e-9);
  // A place on an edge is of the cell below it.
  const LatLon edge = AnswerOf(options, ListOf({{-33.9, 151.2}}, {.9}));
  EXPECT_NEAR(edge.lat, -33.9, 1e-9);
  EXPECT_NEAR(edge.lon, 151.2, 1e-9);
  options.snap_km = 100;
  EXPECT_EQ(AnswerOf(options, ListOf({{48.85, 2.35}}, {.9})), (LatLon{48.85, 2.35}));
}

TEST(KdeGrid, TheDateLineDividesTheReleasedMapAlone) {
  // Five elsewhere; four on one side of the line and three on the other, all alike.
  std::vector<LatLon> places(5, {10, 60});
  places.insert(places.end(), 4, {0, 177.2});
  places.insert(places.end(), 3, {0, -177.2});
  const auto list = ListOf(places);
  RerankOptions options = Kde("equal");
  options.grid_deg = 1;
  EXPECT_LT(GreatCircleKm(AnswerOf(options, list), {0, 179.4}), 60);
  options.no_wrap = true;
  EXPECT_NEAR(AnswerOf(options, list).lon, 60, 0.11);
}

TEST(KdeGrid, ClampMovesTheWindowAndMayMissThePole) {
  RerankOptions options = AsReleased();
  options.snap_km = 0;
  EXPECT_NEAR(AnswerOf(options, ListOf({{80.05, 170.05}}, {.9})).lat, 80.1, 1e-9);
  EXPECT_NEAR(AnswerOf(options, ListOf({{80.05, 170.05}}, {.9})).lon, 170.1, 1e-9);
  // The window ends at 89 degrees: what is left is the clamped cell of the first grid.
  EXPECT_NEAR(AnswerOf(options, ListOf({{89.55, 10.05}}, {.9})).lat, 69, 1e-9);
  options.clamp = false;
  EXPECT_NEAR(AnswerOf(options, ListOf({{89.55, 10.05}}, {.9})).lat, 89.6, 1e-9);
  EXPECT_NEAR(AnswerOf(options, ListOf({{89.95, 10.05}}, {.9})).lat, 90, 1e-9);
  EXPECT_TRUE(IsValid(AnswerOf(options, ListOf({{-90, -180}}, {.9}))));
}

// The released rule once more, by whole maps and padding in place of shares.
struct WholeMap {
  int rows, columns;
  bool wrap;
  std::vector<double> values = std::vector<double>(static_cast<std::size_t>(rows * columns), 0);

  double& At(int row, int column) { return values[static_cast<std::size_t>(row * columns + column)]; }
  WholeMap Blurred(double sigma) {
    const int reach = static_cast<int>(std::ceil(2 * sigma));
    WholeMap out{rows, columns, wrap};
    std::vector<double> kernel;
    for (int d = 0; d <= 2 * reach * reach; ++d) kernel.push_back(std::exp(-0.5 * d / sigma / sigma));
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < columns; ++c) {
        for (int dr = -reach; dr <= reach; ++dr) {
          for (int dc = -reach; dc <= reach; ++dc) {
            const int column = wrap ? (c + dc + 2 * columns) % columns : std::clamp(c + dc, 0, columns - 1);
            out.At(r, c) +=
                kernel[static_cast<std::size_t>(dr * dr + dc * dc)] * At(std::clamp(r + dr, 0, rows - 1), column);
          }
        }
      }
    }
    return out;
  }
  // Of values that differ by rounding alone, the westernmost and southernmost.
  std::pair<int, int> Maximum() {
    const double greatest = *std::ranges::max_element(values);
    for (int c = 0; c < columns; ++c) {
      for (int r = 0; r < rows; ++r) {
        if (At(r, c) >= greatest * (1 - 1e-9)) return {r, c};
      }
    }
    return {};
  }
};

LatLon BySlowMaps(const CandidateList& list, const std::vector<double>& weights, bool released) {
  // 5 and 1 degrees, sigma 10, window 20.
  WholeMap map{36, 72, !released};
  const auto cell = [&](double degrees, int per_half, int whole) {
    const int at = static_cast<int>(std::ceil(degrees * (per_half / 90.0))) + whole / 2 - 1;
    return at < 0 ? (whole == 2 * per_half ? 0 : released ? 0 : whole - 1) : at;
  };
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const LatLon at = list.candidates[i].location;
    map.At(cell(at.lat, 18, 36), cell(at.lon, 18, 72)) += weights[i];
  }
  auto [row, column] = map.Blurred(2).Maximum();
  if (released) {
    row = std::clamp(row, 4, 36 - 6);
    column = std::clamp(column, 4, 72 - 6);
  }
  const int south = std::max(0, (row + 1) * 5 - 1 - 20), north = std::min(179, (row + 1) * 5 - 1 + 20);
  const int west = (column + 1) * 5 - 1 - 20;
  WholeMap window{north - south + 1, 41, false};
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const LatLon at = list.candidates[i].location;
    const int r = cell(at.lat, 90, 180) - south;
    int c = cell(at.lon, 90, 360) - west;
    if (!released) c = (c % 360 + 360) % 360;
    if (r >= 0 && r < window.rows && c >= 0 && c < 41) window.At(r, c) += weights[i];
  }
  const auto best = window.Blurred(10).Maximum();
  return Normalized({south + best.first + 1 - 90.0, west + best.second + 1 - 180.0});
}

TEST(KdeGrid, IsTheBlurOfTheWholeMap) {
  Random random(11);
  for (int round = 0; round < 12; ++round) {
    const auto list = RandomNeighbours(random, 30, 8);
    for (const bool released : {false, true}) {
      RerankOptions options = Kde();
      options.grid_deg = 5;
      options.refine_deg = 1;
      options.sigma_deg = 10;
      options.no_wrap = options.clamp = released;
      const auto weights = CandidateWeights(options, "distance", list.candidates);
      const LatLon slow = BySlowMaps(list, weights, released), fast = AnswerOf(options, list);
      EXPECT_NEAR(fast.lat, slow.lat, 1e-9) << round << released;
      EXPECT_NEAR(fast.lon, slow.lon, 1e-9) << round << released;
    }
  }
}

TEST(KdeGrid, GridsThatDoNotFitAreRefused) {
  const auto refused = [](double grid, double fine, double window, const std::string& why) {
    RerankOptions options = Kde();
    options.grid_deg = grid;
    options.refine_deg = fine;
    options.window_deg = window;
    EXPECT_THAT([&] { MakeReranker(options); }, ThrowsMessage<InputError>(HasSubstr(why)));
  };
  refused(7, .1, 21, "grid_deg: 7 does not divide 180");
  refused(1, .3, 20, "refine_deg: 0.3 does not divide grid_deg 1");
  refused(1, .1, 20.5, "window_deg: 20.5 is not a multiple of grid_deg 1");
}

}  // namespace
}  // namespace dualgeo
