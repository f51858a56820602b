#include "gallery/cell_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Faces 0 and 1, and the four children of each in reverse order.
Partition Coarse() {
  std::vector<PartitionCell> cells;
  for (int face = 0; face < 2; ++face) cells.push_back({face, {S2Cell::Face(face)}, 1, S2Cell::Face(face).Center()});
  return Partition(cells);
}

Partition Fine() {
  std::vector<PartitionCell> cells;
  for (int i = 0; i < 8; ++i) {
    const S2Cell cell = S2Cell::Face(1 - i / 4).Child(3 - i % 4);
    cells.push_back({i, {cell}, 1, cell.Center()});
  }
  return Partition(cells);
}

Matrix Row(const std::vector<float>& values) {
  Matrix row(1, std::ssize(values));
  row.values = values;
  return row;
}

TEST(CellFinder, TheLastPartitionAlone) {
  const CellFinder finder({Coarse(), Fine()}, "last");
  const auto lists = finder.Find({"a"}, {Row({1, 0}), Row({0, .1F, .2F, .4F, 0, 0, .3F, 0})}, 3);
  ASSERT_EQ(lists.size(), 1U);
  ASSERT_EQ(lists[0].candidates.size(), 3U);
  const Candidate& first = lists[0].candidates[0];
  EXPECT_EQ(first.rank, 1);
  EXPECT_EQ(first.gallery_id, S2Cell::Face(1).Child(0).Token());
  EXPECT_EQ(first.location, S2Cell::Face(1).Child(0).Center());
  EXPECT_NEAR(*first.score, .4, 1e-7);
  EXPECT_NEAR(*lists[0].candidates[2].score, .2, 1e-7);
}

// ISNs' f*: a less probable cell wins when its ancestor is much more probable.
TEST(CellFinder, TheProductOverTheHierarchy) {
  const CellFinder finder({Coarse(), Fine()}, "product");
  const auto lists = finder.Find({"a"}, {Row({.9F, .1F}), Row({.4F, 0, 0, 0, 0, 0, 0, .3F})}, 2);
  EXPECT_EQ(lists[0].candidates[0].gallery_id, S2Cell::Face(0).Child(0).Token());
  EXPECT_NEAR(*lists[0].candidates[0].score, .27, 1e-7);
  EXPECT_NEAR(*lists[0].candidates[1].score, .04, 1e-7);
}

TEST(CellFinder, ScoresThatAreNoNumbersAreNamed) {
  const CellFinder finder({Coarse()}, "last");
  Matrix scores(3, 2);
  scores.values = {.5F, .5F, .1F, std::nanf(""), std::nanf(""), .2F};
  EXPECT_THAT(
      [&] {
        finder.Find({"a.jpg", "b.jpg", "c.jpg"}, {scores}, 1);
      },
      ThrowsMessage<InputError>("the scores of 2 of 3 photos are not numbers, the first 'b.jpg': are the "
                                "classifier's weights damaged?"));
}

// CPlaNet: a combination that photos are in, and their mean.
TEST(CellFinder, TheSumOfACombination) {
  const LatLon a = S2Cell::Face(0).Child(0).Center(), b = S2Cell::Face(1).Child(3).Center();
  const CellFinder finder({Coarse(), Fine()}, "sum", {a, a, b});
  const auto lists = finder.Find({"a"}, {Row({.2F, .8F}), Row({.5F, 0, 0, 0, 0, 0, 0, .5F})}, 5);
  ASSERT_EQ(lists[0].candidates.size(), 2U);
  EXPECT_EQ(lists[0].candidates[0].gallery_id, S2Cell::Face(1).Token() + "+" + S2Cell::Face(1).Child(3).Token());
  EXPECT_NEAR(*lists[0].candidates[0].score, .65, 1e-7);
  EXPECT_NEAR(*lists[0].candidates[1].score, .35, 1e-7);
  EXPECT_NEAR(lists[0].candidates[1].location.lat, a.lat, 1e-9);
}

// The facts' own numbers: coarse A and B; a1 and a2 in A, b1 in B. b1 is the most probable fine cell, and a1 wins.
TEST(CellFinder, TheProductsHandExample) {
  std::vector<PartitionCell> coarse, fine;
  for (int face = 0; face < 2; ++face) coarse.push_back({face, {S2Cell::Face(face)}, 1, S2Cell::Face(face).Center()});
  for (const S2Cell cell : {S2Cell::Face(0).Child(0), S2Cell::Face(0).Child(1), S2Cell::Face(1).Child(0)}) {
    fine.push_back({std::ssize(fine), {cell}, 1, cell.Center()});
  }
  const CellFinder finder({Partition(coarse), Partition(fine)}, "product");
  const auto list = finder.Find({"q"}, {Row({.6F, .4F}), Row({.35F, .25F, .4F})}, 3).at(0);
  EXPECT_EQ(list.candidates[0].gallery_id, fine[0].area[0].Token());
  EXPECT_NEAR(*list.candidates[0].score, .21, 1e-7);
  EXPECT_EQ(list.candidates[1].gallery_id, fine[2].area[0].Token());
  EXPECT_NEAR(*list.candidates[1].score, .16, 1e-7);
  EXPECT_NEAR(*list.candidates[2].score, .15, 1e-7);
}

// CPlaNet's: sets {1 2 | 3} and {1 | 2 3}, scores (.7, .3) and (.2, .8). The sums .9, 1.5, 1.1; here their halves.
TEST(CellFinder, TheSumsHandExample) {
  const S2Cell one = S2Cell::Face(0), two = S2Cell::Face(1), three = S2Cell::Face(2);
  const Partition first({{0, {one, two}, 2, one.Center()}, {1, {three}, 1, three.Center()}});
  const Partition second({{0, {one}, 1, one.Center()}, {1, {two, three}, 2, two.Center()}});
  const std::vector<LatLon> photos = {one.Center(), two.Center(), three.Center()};
  const CellFinder finder({first, second}, "sum", photos);
  const auto list = finder.Find({"q"}, {Row({.7F, .3F}), Row({.2F, .8F})}, 3).at(0);
  ASSERT_EQ(list.candidates.size(), 3U);
  EXPECT_NEAR(2 * *list.candidates[0].score, 1.5, 1e-6);
  EXPECT_NEAR(list.candidates[0].location.lon, photos[1].lon, 1e-9);
  EXPECT_NEAR(2 * *list.candidates[1].score, 1.1, 1e-6);
  EXPECT_NEAR(2 * *list.candidates[2].score, .9, 1e-6);
}

TEST(CellFinder, SaysWhichPlaceStandsForACell) {
  const S2Cell cell = S2Cell::Face(0).Child(0), other = S2Cell::Face(1);
  const LatLon mean{cell.Center().lat + 1, cell.Center().lon};
  const Partition partition({{0, {cell}, 3, mean}, {1, {other}, 0, other.Center()}});
  const std::vector<LatLon> photos = {{mean.lat + 2, mean.lon}, {mean.lat - 1, mean.lon}, {mean.lat + 3, mean.lon}};
  const auto best = [&](const std::string& rule, const std::string& answer, std::size_t rank = 0) {
    return CellFinder({partition}, rule, photos, answer).Find({"q"}, {Row({.9F, .1F})}, 2).at(0).candidates.at(rank);
  };
  EXPECT_EQ(best("last", "mean").location, mean);
  EXPECT_EQ(best("last", "mean").rule, CellAnswer::kMean);
  EXPECT_EQ(best("last", "centre").location, cell.Center());
  EXPECT_EQ(best("product", "centre").rule, CellAnswer::kCentre);
  EXPECT_EQ(best("last", "member").location, photos[1]);
  EXPECT_EQ(best("product", "member").rule, CellAnswer::kMember);
  EXPECT_EQ(best("last", "member", 1).location, other.Center()) << "no photo is in it";
  EXPECT_EQ(best("last", "member", 1).rule, CellAnswer::kMean);
  EXPECT_EQ(best("sum", "member").rule, CellAnswer::kMember);
  EXPECT_THROW(best("sum", "centre"), std::invalid_argument);
}

TEST(CellFinder, TheCentreOfAUnionWeighsAreas) {
  const S2Cell face = S2Cell::Face(0);
  // All four quarters: the middle of the face. One and a sixteenth of another: near the first.
  EXPECT_NEAR(AreaCentre({0, {face.Child(0), face.Child(1), face.Child(2), face.Child(3)}, 1, {}}).lat, 0, 1e-9);
  EXPECT_NEAR(AreaCentre({0, {face.Child(0), face.Child(1), face.Child(2), face.Child(3)}, 1, {}}).lon, 0, 1e-9);
  const LatLon large = face.Child(0).Center(), small = face.Child(2).Child(2).Child(2).Center();
  const LatLon both = AreaCentre({0, {face.Child(0), face.Child(2).Child(2).Child(2)}, 1, {}});
  EXPECT_LT(GreatCircleKm(both, large), 0.15 * GreatCircleKm(small, large));
  EXPECT_GT(GreatCircleKm(both, large), 0.02 * GreatCircleKm(small, large));
}

TEST(CellFinder, EqualScoresKeepThePartitionsOrderAndMistakesAreSaid) {
  const CellFinder finder({Fine()}, "last");
  const auto lists = finder.Find({"a"}, {Row({.1F, .1F, .1F, .1F, .1F, .1F, .1F, .1F})}, 100);
  ASSERT_EQ(lists[0].candidates.size(), 8U);
  EXPECT_EQ(lists[0].candidates[0].gallery_id, S2Cell::Face(1).Child(3).Token());
  EXPECT_EQ(lists[0].candidates[7].gallery_id, S2Cell::Face(0).Child(0).Token());
  EXPECT_THAT(
      [&] {
        finder.Find({"a"}, {Row({1, 0})}, 1);
      },
      ThrowsMessage<InputError>(HasSubstr("partition 1 has 8 cells")));
  EXPECT_THAT(
      [] {
        CellFinder({Coarse(), Fine()}, "sum", {{0, 180}});
      },
      ThrowsMessage<InputError>(HasSubstr("no training photo is in a cell of each partition")));
  EXPECT_THAT(
      [] {
        CellFinder({Fine(), Coarse()}, "product");
      },
      ThrowsMessage<InputError>(HasSubstr("no cell lies in a cell of each other partition")));
}

}  // namespace
}  // namespace dualgeo
