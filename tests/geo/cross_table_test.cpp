#include "geo/cross_table.h"

#include <gtest/gtest.h>

#include "tests/support/shared_data.h"

namespace dualgeo {
namespace {

S2Cell OfToken(const char* token) { return S2Cell::FromToken(token).value(); }

// {1 2 | 3} and {1 | 2 3} make the fine classes 1, 2, 3.
TEST(CrossTable, IntersectionsAreTheCombinationsWithPhotos) {
  const S2Cell one = OfToken("47e63"), two = OfToken("47e65"), three = OfToken("89c25");
  std::vector<Partition> sets;
  sets.emplace_back(std::vector<PartitionCell>{{0, {one, two}, 3}, {1, {three}, 1}});
  sets.emplace_back(std::vector<PartitionCell>{{0, {one}, 2}, {1, {two, three}, 2}});
  const std::vector<LatLon> photos = {one.Center(), one.Center(), two.Center(), three.Center(), {0, 0}};
  const auto crossed = Intersect(sets, photos);
  ASSERT_EQ(crossed.size(), 3U);
  EXPECT_EQ(crossed[0].cells, (std::vector<std::size_t>{0, 0}));
  EXPECT_EQ(crossed[0].count, 2);
  EXPECT_EQ(crossed[0].mean, one.Center());
  EXPECT_EQ(crossed[1].cells, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(crossed[2].cells, (std::vector<std::size_t>{1, 1}));
}

TEST(CrossTable, ParentsHoldAllOfACell) {
  const Partition coarse({{0, {OfToken("47f")}, 1}, {1, {OfToken("89c"), OfToken("47d")}, 1}});
  const Partition fine({{0, {OfToken("47e63")}, 1},
                        {1, {OfToken("47d1"), OfToken("89c25")}, 1},
                        {2, {OfToken("47e61"), OfToken("47d3")}, 1},
                        {3, {OfToken("11")}, 1},
                        {4, {OfToken("47c")}, 1}});
  const auto parents = ParentsIn(coarse, fine);
  EXPECT_EQ(parents[0], 0U);
  EXPECT_EQ(parents[1], 1U);
  EXPECT_FALSE(parents[2]);  // partly in both
  EXPECT_FALSE(parents[3]);
  EXPECT_FALSE(parents[4]);
}

TEST(CrossTable, HierarchyOfTheIsnCells) {
  SHARED_PATH_OR_SKIP(folder, "data/cells");
  const Partition coarse = Partition::Read(folder / "cells_coarse.csv");
  const Partition middle = Partition::Read(folder / "cells_middle.csv");
  const Partition fine = Partition::Read(folder / "cells_fine.csv");
  for (const auto* above : {&coarse, &middle}) {
    const auto parents = ParentsIn(*above, fine);
    std::size_t orphans = 0;
    for (std::size_t i = 0; i < parents.size(); ++i) {
      // The cell around its mean is the same; those left out of the tables have none in both.
      const auto by_mean = above->Find(fine.cells()[i].mean);
      ASSERT_EQ(parents[i].has_value(), by_mean.has_value());
      if (parents[i]) {
        EXPECT_EQ(*parents[i], by_mean->cell);
      } else {
        ++orphans;
      }
    }
    EXPECT_LT(orphans, 20U);
    RecordProperty(above == &coarse ? "orphans_coarse" : "orphans_middle", static_cast<int>(orphans));
  }
}

}  // namespace
}  // namespace dualgeo
