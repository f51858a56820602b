#include "eval/author_folds.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

PhotoTable Table(const std::vector<std::string>& authors) {
  PhotoTable table;
  for (std::size_t i = 0; i < authors.size(); ++i) {
    PhotoRow row;
    row.id = std::to_string(i);
    row.author = authors[i];
    table.rows.push_back(row);
  }
  return table;
}

TEST(AuthorFolds, KeepAPhotographerTogether) {
  std::vector<std::string> authors;
  for (int i = 0; i < 500; ++i) authors.push_back("a" + std::to_string(i * i % 37));
  const auto table = Table(authors);
  const auto folds = AuthorFolds(table, 5, 0);
  std::map<std::string, std::set<int>> of;
  std::map<int, int> size;
  for (std::size_t i = 0; i < authors.size(); ++i) {
    of[authors[i]].insert(folds[i]);
    ++size[folds[i]];
  }
  for (const auto& [author, its] : of) EXPECT_EQ(its.size(), 1U) << author;
  EXPECT_EQ(size.size(), 5U);
  for (const auto& [fold, count] : size) EXPECT_NEAR(count, 100, 30) << fold;
  EXPECT_EQ(AuthorFolds(table, 5, 0), folds);
  EXPECT_NE(AuthorFolds(table, 5, 1), folds);
}

TEST(AuthorFolds, PhotosWithoutAuthorAreTheirOwn) {
  const auto folds = AuthorFolds(Table({"", "", "", ""}), 4, 0);
  EXPECT_EQ(std::set<int>(folds.begin(), folds.end()).size(), 4U);
}

TEST(AuthorFolds, TooFewPhotographersIsAnError) {
  EXPECT_THROW(AuthorFolds(Table({"a", "a", "a"}), 2, 0), InputError);
  EXPECT_THROW(AuthorFolds(Table({"a", "b"}), 1, 0), InputError);
}

}  // namespace
}  // namespace dualgeo
