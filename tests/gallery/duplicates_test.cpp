#include "gallery/duplicates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "tests/gallery/gallery_fixture.h"

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

FeatureSet Hashed(std::int64_t count, std::uint64_t seed, const std::string& prefix) {
  FeatureSet set = RandomFeatures(count, 20, seed, prefix);
  for (const auto& id : set.ids) set.photo_sha256.push_back(Sha256Bytes(id));
  return set;
}

TEST(Duplicates, IdenticalPhotosAreKnownByTheirHashes) {
  FeatureSet gallery = Hashed(30, 1, "g"), queries = Hashed(10, 2, "q");
  EXPECT_THAT(IdenticalPhotos(gallery), IsEmpty());
  EXPECT_THAT(IdenticalPhotos(queries, gallery), IsEmpty());
  EXPECT_EQ(TellPairs({}, gallery, gallery, "alike"), "");
  // "photo unavailable" under three ids, one of which is asked for.
  gallery.photo_sha256[9] = gallery.photo_sha256[20] = gallery.photo_sha256[4];
  queries.photo_sha256[7] = gallery.photo_sha256[4];
  const auto within = IdenticalPhotos(gallery);
  EXPECT_THAT(within, ElementsAre(PhotoPair{4, 9}, PhotoPair{4, 20}));
  EXPECT_EQ(TellPairs(within, gallery, gallery, "one file"),
            "3 of 30 photos are one file: g4.jpg and g9.jpg; g4.jpg and g20.jpg");
  const auto between = IdenticalPhotos(queries, gallery);
  EXPECT_THAT(between, ElementsAre(PhotoPair{7, 4}));
  EXPECT_EQ(TellPairs(between, queries, gallery, "in the gallery"),
            "1 of 10 photos are in the gallery: q7.jpg and g4.jpg");
  gallery.photo_sha256.clear();
  EXPECT_THAT(IdenticalPhotos(queries, gallery), IsEmpty());
}

TEST(Duplicates, NearDuplicatesAreAboveACosine) {
  Matrix photos = RandomMatrix(600, 20, 3);
  const Matrix others = RandomMatrix(40, 20, 4);
  const auto expected = [](const Matrix& a, const Matrix& b, double above, bool one) {
    std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
    for (std::int64_t i = 0; i < a.rows; ++i) {
      for (std::int64_t j = one ? i + 1 : 0; j < b.rows; ++j) {
        if (Inner(a.Row(i), b.Row(j)) > above) pairs.emplace_back(i, j);
      }
    }
    return pairs;
  };
  const auto rows = [](const std::vector<PhotoPair>& pairs) {
    std::vector<std::pair<std::int64_t, std::int64_t>> result;
    for (const auto& pair : pairs) result.emplace_back(pair.photo, pair.other);
    return result;
  };
  const auto near = expected(photos, others, 0.5, false), within = expected(photos, photos, 0.6, true);
  ASSERT_GT(near.size(), 10U);
  ASSERT_GT(within.size(), 10U);
  EXPECT_EQ(rows(SimilarPhotos(photos, others, 0.5)), near);
  EXPECT_EQ(rows(SimilarPhotos(photos, 0.6)), within);
  // Whatever their lengths.
  for (float& value : photos.Row(3)) value *= 7;
  EXPECT_EQ(rows(SimilarPhotos(photos, 0.6)), within);
  EXPECT_THROW(SimilarPhotos(photos, RandomMatrix(5, 8, 1), 0.5), InputError);
}

}  // namespace
}  // namespace dualgeo
