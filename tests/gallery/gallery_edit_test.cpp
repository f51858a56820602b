#include "dualgeo/gallery/gallery_edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "dualgeo/gallery/search.h"
#include "dualgeo/util/error.h"
#include "tests/gallery/gallery_fixture.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class GalleryEdit : public ::testing::Test {
 protected:
  GalleryEdit() : set_(RandomFeatures(300, 8, 1)), table_(TableOf(set_)) {}

  FeatureSet Slice(const std::vector<std::int64_t>& rows) const {
    FeatureSet slice;
    slice.model = set_.model;
    for (const auto row : rows) slice.ids.push_back(set_.ids[static_cast<std::size_t>(row)]);
    for (const auto& [name, matrix] : set_.features) {
      Matrix& to = slice.features[name] = Matrix(slice.size(), matrix.columns);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        std::ranges::copy(matrix.Row(rows[i]), to.Row(static_cast<std::int64_t>(i)).begin());
      }
    }
    return slice;
  }
  FeatureSet Slice(std::int64_t begin, std::int64_t end) const {
    std::vector<std::int64_t> rows;
    for (; begin < end; ++begin) rows.push_back(begin);
    return Slice(rows);
  }
  void Build(const std::string& name, const FeatureSet& set, const std::string& index = "flat",
             const std::string& metric = "inner_product") {
    GalleryOptions options;
    options.index = index;
    options.metric = metric;
    BuildImageGallery(set, TableOfIds(set), options, folder_ / name);
  }
  PhotoTable TableOfIds(const FeatureSet& set) const {
    PhotoTable table;
    table.path = "photos.csv";
    for (const auto& id : set.ids) {
      for (const auto& row : table_.rows) {
        if (row.id == id) table.rows.push_back(row);
      }
    }
    return table;
  }
  void SameFiles(const std::string& a, const std::string& b) const {
    for (const char* name : {"index.faiss", "items.csv", "gallery.json"}) {
      EXPECT_EQ(ReadFile(folder_ / a / name), ReadFile(folder_ / b / name)) << name;
    }
  }
  // Each item of `name` finds itself, or (codes) something as near.
  void FindsEach(const std::string& name, const std::string& index) {
    Gallery gallery = LoadGallery(folder_ / name);
    SearchOptions search;
    search.top_k = 3;
    search.exclude_same_id = false;
    if (index.find("IVF") != std::string::npos) search.index_parameters = "nprobe=4";
    std::vector<std::int64_t> rows;
    for (const auto& item : gallery.items) rows.push_back(std::stoi(item.id.substr(1)));
    const FeatureSet queries = Slice(rows);
    int first = 0;
    const auto lists = Search(gallery, queries, search);
    for (const auto& list : lists) {
      first += list.candidates.at(0).gallery_id == list.query_id;
      EXPECT_EQ(list.candidates.at(0).location,
                table_.rows[std::stoul(list.candidates[0].gallery_id.substr(1))].location);
    }
    EXPECT_GE(first, static_cast<int>(0.7 * static_cast<double>(lists.size()))) << index;
  }

  TemporaryFolder folder_;
  FeatureSet set_;
  PhotoTable table_;
};

TEST_F(GalleryEdit, AFlatGalleryIsThatOfABuildAtOnce) {
  Build("whole", set_);
  Build("a", Slice(0, 100));
  Build("b", Slice(100, 120));
  Build("c", Slice(120, 300));
  AddToGallery(folder_ / "a", Slice(100, 300), table_, "keep", folder_ / "added");
  SameFiles("whole", "added");
  MergeGalleries({folder_ / "a", folder_ / "b", folder_ / "c"}, folder_ / "merged");
  SameFiles("whole", "merged");
  std::vector<std::string> ids(set_.ids.begin() + 100, set_.ids.end());
  RemoveFromGallery(folder_ / "whole", ids, folder_ / "removed");
  SameFiles("a", "removed");
  std::vector<std::int64_t> odd;
  ids.clear();
  for (std::int64_t i = 0; i < 300; ++i) {
    if (i % 2 == 1) odd.push_back(i);
    if (i % 2 == 0) ids.push_back(set_.ids[static_cast<std::size_t>(i)]);
  }
  Build("odd", Slice(odd));
  RemoveFromGallery(folder_ / "whole", ids, folder_ / "removed");
  SameFiles("odd", "removed");
  EXPECT_EQ(CheckGallery(folder_ / "removed").info.count, 150);
}

TEST_F(GalleryEdit, GraphsGrowAndDoNothingElse) {
  for (const char* index : {"HNSW8", "HNSW8_SQ8"}) {
    Build("a", Slice(0, 200), index);
    AddToGallery(folder_ / "a", Slice(200, 300), table_, "keep", folder_ / "added");
    EXPECT_EQ(CheckGallery(folder_ / "added").info.count, 300);
    FindsEach("added", index);
  }
  Build("b", Slice(200, 300), "HNSW8_SQ8");
  EXPECT_THAT([&] { RemoveFromGallery(folder_ / "a", {"g3.jpg"}, folder_ / "x"); },
              ThrowsMessage<InputError>(HasSubstr("is a graph")));
  EXPECT_THAT(
      [&] {
        MergeGalleries({folder_ / "a", folder_ / "b"}, folder_ / "x");
      },
      ThrowsMessage<InputError>(HasSubstr("is a graph")));
  Build("n", Slice(0, 200), "NSG8,Flat");
  EXPECT_THAT([&] { AddToGallery(folder_ / "n", Slice(200, 300), table_, "keep", folder_ / "x"); },
              ThrowsMessage<InputError>(HasSubstr("NSG graph takes no further")));
  EXPECT_FALSE(fs::exists(folder_ / "x"));
}

TEST_F(GalleryEdit, ListsAndCodesKeepWhatTheyWereTrainedOn) {
  for (const char* index : {"IVF4,Flat", "SQ8", "IVF4,SQ8", "PCA12,IVF4,Flat", "IVF4,PQ8x4np,RFlat"}) {
    Build("a", Slice(0, 200), index);
    AddToGallery(folder_ / "a", Slice(200, 300), table_, "keep", folder_ / "added");
    EXPECT_EQ(CheckGallery(folder_ / "added").info.count, 300);
    FindsEach("added", index);
    // What was taken away and put back again is trained alike.
    std::vector<std::string> first(set_.ids.begin(), set_.ids.begin() + 120);
    std::vector<std::string> last(set_.ids.begin() + 120, set_.ids.end());
    RemoveFromGallery(folder_ / "added", last, folder_ / "first");
    RemoveFromGallery(folder_ / "added", first, folder_ / "last");
    EXPECT_EQ(CheckGallery(folder_ / "first").info.count, 120);
    FindsEach("first", index);
    FindsEach("last", index);
    MergeGalleries({folder_ / "first", folder_ / "last"}, folder_ / "merged");
    SameFiles("added", "merged");
    Build("other", Slice(200, 300), index);
    EXPECT_THAT(
        [&] {
          MergeGalleries({folder_ / "a", folder_ / "other"}, folder_ / "x");
        },
        ThrowsMessage<InputError>(HasSubstr("was trained on other vectors")));
  }
}

TEST_F(GalleryEdit, NamesTheDifference) {
  Build("a", Slice(0, 100));
  const auto refuses = [&](const std::string& other, const std::string& what) {
    EXPECT_THAT(
        [&] {
          MergeGalleries({folder_ / "a", folder_ / other}, folder_ / "x");
        },
        ThrowsMessage<InputError>(HasSubstr(what)));
  };
  Build("l2", Slice(100, 200), "flat", "l2");
  refuses("l2", "its metric is l2, not inner_product");
  Build("sq", Slice(100, 200), "SQ8");
  refuses("sq", "its index is SQ8, not flat");
  Build("twice", Slice(99, 200));
  refuses("twice", "holds photo 'g99.jpg' already");
  FeatureSet other = Slice(100, 200);
  other.model = "model-b";
  Build("model", other);
  refuses("model", "its model is model-b, not model-a");
  EXPECT_THAT([&] { AddToGallery(folder_ / "a", other, table_, "keep", folder_ / "x"); },
              ThrowsMessage<InputError>(HasSubstr("another model (model-a) than these features (model-b)")));
  EXPECT_THAT([&] { AddToGallery(folder_ / "a", Slice(50, 120), table_, "keep", folder_ / "x"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("'g50.jpg' already"), HasSubstr("50 such"))));
  EXPECT_THAT(
      [&] {
        RemoveFromGallery(folder_ / "a", {"g1.jpg", "g200.jpg", "nobody"}, folder_ / "x");
      },
      ThrowsMessage<InputError>(AllOf(HasSubstr("no 'g200.jpg'"), HasSubstr("2 of the 3"))));
  EXPECT_THAT([&] { RemoveFromGallery(folder_ / "a", Slice(0, 100).ids, folder_ / "x"); },
              ThrowsMessage<InputError>(HasSubstr("nothing would be left")));
  EXPECT_THAT([&] { MergeGalleries({folder_ / "a"}, folder_ / "x"); }, ThrowsMessage<InputError>(HasSubstr("two")));
  EXPECT_FALSE(fs::exists(folder_ / "x"));
}

}  // namespace
}  // namespace dualgeo
