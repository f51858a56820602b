#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/random.h"
#include "geo/center.h"
#include "refine/reranker.h"
#include "tests/refine/lists.h"

namespace dualgeo {
namespace {

using ::testing::ElementsAre;

RerankOptions MeanShift() {
  RerankOptions options;
  options.method = "mean_shift";
  options.top_k = 120;
  return options;
}

CandidateList Shifted(const std::vector<LatLon>& places, const RerankOptions& options = MeanShift()) {
  return Rerank(options, {ListOf(places)}, 1).at(0);
}

TEST(MeanShift, AnswersWithTheModeOfMostMembers) {
  // One alone, four about (10.5, 10.5), five about Prague, in turns.
  const std::vector<LatLon> south = {{10, 10}, {10, 11}, {11, 10}, {11, 11}};
  const std::vector<LatLon> north = {{50, 14}, {50.2, 14}, {50, 14.3}, {49.8, 14}, {50, 13.7}};
  const auto list =
      Shifted({{-40, 100}, south[0], north[0], south[1], north[1], south[2], north[2], south[3], north[3], north[4]});
  EXPECT_THAT(IdsOf(list), ElementsAre("3", "5", "7", "9", "10", "2", "4", "6", "8", "1"));
  EXPECT_EQ(list.candidates[0].cluster, 0);
  EXPECT_EQ(list.candidates[0].rerank_score, 5);
  EXPECT_EQ(list.candidates[5].cluster, 1);
  EXPECT_EQ(list.candidates[5].rerank_score, 4);
  EXPECT_EQ(list.candidates[9].cluster, -1);
  EXPECT_EQ(list.candidates[9].rerank_score, 0);
  EXPECT_LT(GreatCircleKm(list.estimate->location, SphericalMean(north)), 1e-6);
}

TEST(MeanShift, ALongChainIsNoMode) {
  // Seven places in a row, 150 km apart: the window holds three of them, and each rests where it is.
  std::vector<LatLon> chain;
  for (int i = 0; i < 7; ++i) chain.push_back({0, 1.35 * i});
  const auto list = Shifted(chain);
  EXPECT_EQ(list.candidates[0].gallery_id, "1");
  EXPECT_EQ(list.estimate->location, (LatLon{0, 0}));
  // At 60 km the ends move inwards: the window holds at most seven.
  std::vector<LatLon> close;
  for (int i = 0; i < 7; ++i) close.push_back({0, 0.54 * i});
  const auto one = Shifted(close);
  EXPECT_EQ(one.candidates[0].rerank_score, 7);
  EXPECT_LT(GreatCircleKm(one.estimate->location, {0, 1.62}), 1e-6);
}

TEST(MeanShift, SmallModesAreDroppedAndTheFirstCandidateIsTheAnswer) {
  const std::vector<LatLon> places = {{-40, 100}, {50, 14}, {50.1, 14}, {50, 14.1}};
  const auto three = Shifted(places);
  EXPECT_THAT(IdsOf(three), ElementsAre("1", "2", "3", "4"));
  EXPECT_EQ(three.estimate->location, places[0]);
  EXPECT_EQ(three.candidates[1].cluster, -1);
  RerankOptions options = MeanShift();
  options.min_members = 3;
  const auto kept = Shifted(places, options);
  EXPECT_THAT(IdsOf(kept), ElementsAre("2", "3", "4", "1"));
  EXPECT_LT(GreatCircleKm(kept.estimate->location, SphericalMean(std::vector(places.begin() + 1, places.end()))), 1e-6);
}

TEST(MeanShift, OfAsManyMembersTheModeOfTheBetterRankWins) {
  RerankOptions options = MeanShift();
  options.min_members = 2;
  const auto list = Shifted({{0, 50}, {20, 20}, {-20, -20}, {-20, -20.1}, {20, 20.1}}, options);
  EXPECT_THAT(IdsOf(list), ElementsAre("2", "5", "3", "4", "1"));
}

TEST(MeanShift, DateLineAndPoleAreNothingSpecial) {
  const auto line = Shifted({{30, 0}, {-17, 179.5}, {-17, -179.5}, {-17.2, 179.8}, {-17.1, -179.9}});
  EXPECT_LT(GreatCircleKm(line.estimate->location, {-17.08, 179.98}), 10);
  const auto pole = Shifted({{30, 0}, {89.5, 0}, {89.5, 90}, {89.5, 180}, {89.5, -90}});
  EXPECT_LT(GreatCircleKm(pole.estimate->location, {90, 0}), 1e-3);
}

// About the axis (1, 1, 1), by a third of a turn: x to y, y to z, z to x.
LatLon Turned(LatLon place) {
  const UnitVector v = ToUnitVector(place);
  return ToLatLon({v.z, v.x, v.y});
}

TEST(MeanShift, TurnsWithTheEarth) {
  Random random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<LatLon> places, turned;
    for (int i = 0; i < 40; ++i) {
      const double near = i % 3;
      places.push_back({20 + 10 * near + 0.7 * random.Normal(), 100 + near + 0.7 * random.Normal()});
      turned.push_back(Turned(places.back()));
    }
    const auto a = Shifted(places), b = Shifted(turned);
    EXPECT_EQ(IdsOf(a), IdsOf(b));
    EXPECT_LT(GreatCircleKm(Turned(a.estimate->location), b.estimate->location), 1e-6);
  }
}

}  // namespace
}  // namespace dualgeo
