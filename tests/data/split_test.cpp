#include "data/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "tests/support/shared_data.h"

namespace dualgeo {
namespace {

PhotoTable Table(int rows, int authors) {
  PhotoTable table{"photos.csv", {}};
  for (int i = 0; i < rows; ++i) {
    PhotoRow row;
    row.id = std::to_string(i) + ".jpg";
    if (i % 3 != 0) row.author = "author " + std::to_string(i % authors);
    table.rows.push_back(row);
  }
  return table;
}

std::set<std::string> Ids(const PhotoTable& table) {
  std::set<std::string> ids;
  for (const auto& row : table.rows) ids.insert(row.id);
  return ids;
}

void ExpectNoSharedAuthor(const PhotoSplit& split) {
  std::set<std::string> authors;
  for (const auto& row : split.train.rows) authors.insert(row.author);
  for (const auto& row : split.validation.rows) {
    EXPECT_TRUE(row.author.empty() || authors.count(row.author) == 0) << row.author;
  }
}

TEST(Split, NoAuthorOnBothSides) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const PhotoTable table = Table(200, 17);
    const PhotoSplit split = SplitByAuthor(table, 0.2, seed);
    ExpectNoSharedAuthor(split);
    EXPECT_EQ(split.train.rows.size() + split.validation.rows.size(), 200U);
    EXPECT_GE(split.validation.rows.size(), 30U);
    EXPECT_LE(split.validation.rows.size(), 40U);
    EXPECT_EQ(split.train.path, table.path);
  }
}

TEST(Split, FurtherColumnsStay) {
  PhotoTable table = Table(20, 5);
  table.columns = {"SCENE"};
  for (auto& row : table.rows) row.values = {"scene of " + row.id};
  const PhotoSplit split = SplitByAuthor(table, 0.3, 1);
  for (const PhotoTable* part : {&split.train, &split.validation}) {
    EXPECT_EQ(part->columns, table.columns);
    ASSERT_FALSE(part->rows.empty());
    for (const auto& row : part->rows) EXPECT_EQ(row.values, std::vector<std::string>{"scene of " + row.id});
  }
}

TEST(Split, DependsOnSeedAndNamesAlone) {
  PhotoTable table = Table(200, 17);
  const auto first = Ids(SplitByAuthor(table, 0.2, 1).validation);
  EXPECT_EQ(first, Ids(SplitByAuthor(table, 0.2, 1).validation));
  EXPECT_NE(first, Ids(SplitByAuthor(table, 0.2, 2).validation));
  Random(9).Shuffle(table.rows);
  EXPECT_EQ(first, Ids(SplitByAuthor(table, 0.2, 1).validation));
}

TEST(Split, Edges) {
  EXPECT_TRUE(SplitByAuthor(Table(10, 3), 0, 1).validation.rows.empty());
  EXPECT_EQ(SplitByAuthor(Table(10, 3), 0.001, 1).validation.rows.size(), 1U);
  PhotoTable one{"mine.csv", {}};
  for (int i = 0; i < 5; ++i) one.rows.push_back({std::to_string(i), std::nullopt, "me", 0});
  try {
    SplitByAuthor(one, 0.5, 1);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("mine.csv: 5 photos by 1 author"));
  }
  // Two authors with more photos than the share: the smaller one is held out.
  PhotoTable two = one;
  for (int i = 5; i < 8; ++i) two.rows.push_back({std::to_string(i), std::nullopt, "you", 0});
  EXPECT_EQ(SplitByAuthor(two, 0.1, 1).validation.rows.size(), 3U);
  EXPECT_THROW(SplitByAuthor(two, 1.0, 1), InputError);
}

TEST(Split, RealPhotos) {
  SHARED_PATH_OR_SKIP(path, "data/photos/photos.csv");
  const PhotoTable table = ReadPhotoTable(path);
  const PhotoSplit split = SplitByAuthor(table, 0.1, 0);
  ExpectNoSharedAuthor(split);
  EXPECT_EQ(split.train.rows.size() + split.validation.rows.size(), 351U);
  EXPECT_GE(split.validation.rows.size(), 20U);
  EXPECT_LE(split.validation.rows.size(), 35U);
}

}  // namespace
}  // namespace dualgeo
