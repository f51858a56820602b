#include "dualgeo/gallery/cell_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

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
