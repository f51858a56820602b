// index_classical.cpp: scaled and summed distances, by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "dualgeo/gallery/index.h"
#include "dualgeo/gallery/search.h"
#include "dualgeo/util/error.h"
#include "model/classical_blocks.h"
#include "tests/gallery/gallery_fixture.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::size_t BeginOf(const std::string& name) {
  std::size_t begin = 0;
  for (const auto& block : kClassicalBlocks) {
    if (block.name == name) return begin;
    begin += static_cast<std::size_t>(block.size);
  }
  throw Error("no block " + name);
}

// Three photos that differ in three blocks, by each kind of distance.
Matrix ThreePhotos() {
  Matrix photos(3, ClassicalSize());
  const auto tiny = BeginOf("tiny_image"), color = BeginOf("color_histogram"), layout = BeginOf("layout");
  const float tinies[] = {0, 1, 3};                        // squares: 1, 9, 4
  const float colors[][2] = {{1, 0}, {0.5, 0.5}, {0, 1}};  // chi-squared: 1/3, 1, 1/3
  const float layouts[] = {1, 1, 0};                       // absolute: 0, 1, 1
  for (std::int64_t i = 0; i < 3; ++i) {
    photos.Row(i)[tiny] = tinies[i];
    photos.Row(i)[color] = colors[i][0];
    photos.Row(i)[color + 5] = colors[i][1];
    photos.Row(i)[layout + 9] = layouts[i];
  }
  return photos;
}

double Spread(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / 3;
  for (const double value : values) squares += (value - mean) * (value - mean) / 3;
  return std::sqrt(squares);
}

TEST(ClassicalIndex, ScalesEachBlockToEqualSpreadAndSums) {
  const Matrix photos = ThreePhotos();
  const auto index = VectorIndex::Build(photos, "classical", "inner_product");
  EXPECT_EQ(index.metric(), "classical");
  EXPECT_TRUE(index.exact());
  const double tiny = 1 / Spread({1, 9, 4}), color = 1 / Spread({1 / 3.0, 1, 1 / 3.0}), layout = 1 / Spread({0, 1, 1});
  const auto found = index.Search(photos, 3);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0][0].row, 0);
  EXPECT_EQ(found[0][0].score, 0);
  EXPECT_EQ(found[0][1].row, 1);
  EXPECT_NEAR(found[0][1].score, -(tiny * 1 + color / 3 + layout * 0), 1e-6);
  EXPECT_EQ(found[0][2].row, 2);
  EXPECT_NEAR(found[0][2].score, -(tiny * 9 + color * 1 + layout * 1), 1e-6);

  const TemporaryFolder folder;
  index.Write(folder / "index");
  const auto loaded = VectorIndex::Load(folder / "index");
  EXPECT_EQ(loaded.metric(), "classical");
  EXPECT_EQ(loaded.Search(photos, 2)[2][1].score, index.Search(photos, 2)[2][1].score);
  const std::string bytes = ReadFile(folder / "index");
  folder.Write("cut", bytes.substr(0, bytes.size() - 1));
  EXPECT_THAT([&] { VectorIndex::Load(folder / "cut"); }, ThrowsMessage<InputError>(HasSubstr("cut: damaged")));
}

TEST(ClassicalIndex, EqualPhotosComeInOrderAndMistakesAreSaid) {
  Matrix same(2, ClassicalSize());
  const auto found = VectorIndex::Build(same, "classical", "l2").Search(same, 2);
  EXPECT_EQ(found[0][0].row, 0);
  EXPECT_EQ(found[0][1].row, 1);
  EXPECT_EQ(found[1][0].row, 0);
  EXPECT_THAT([] { VectorIndex::Build(RandomMatrix(4, 8, 1), "classical", "l2"); },
              ThrowsMessage<InputError>(HasSubstr("3021 values")));
  GalleryOptions options;
  options.index = "classical";
  EXPECT_THAT([&] { options.Validate(); }, ThrowsMessage<InputError>(HasSubstr("gallery.index: classical")));
  options.features = {"classical"};
  options.Validate();
  options.index = "flat";
  EXPECT_THAT([&] { options.Validate(); }, ThrowsMessage<InputError>(HasSubstr("gallery.index: flat")));
}

TEST(ClassicalIndex, AGalleryOfItKnowsNoOpposites) {
  const TemporaryFolder folder;
  FeatureSet set;
  set.ids = {"g0.jpg", "g1.jpg", "g2.jpg"};
  set.features["classical"] = ThreePhotos();
  GalleryOptions options;
  options.features = {"classical"};
  options.index = "classical";
  const auto info = BuildImageGallery(set, TableOf(set), options, folder / "gallery");
  EXPECT_EQ(info.metric, "classical");
  auto gallery = LoadGallery(folder / "gallery");
  SearchOptions search;
  search.top_k = 2;
  const auto lists = Search(gallery, set, TableOf(set), search);
  EXPECT_EQ(lists[0].candidates[0].gallery_id, "g1.jpg");  // not itself
  search.negatives = 1;
  EXPECT_THAT([&] { Search(gallery, set, TableOf(set), search); },
              ThrowsMessage<InputError>(HasSubstr("knows distances")));
}

}  // namespace
}  // namespace dualgeo
