#include "dualgeo/gallery/gallery_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "dualgeo/gallery/search.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "tests/gallery/gallery_fixture.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class GalleryFile : public ::testing::Test {
 protected:
  GalleryFile() : set_(RandomFeatures(30, 6, 1)), table_(TableOf(set_)) {
    table_.rows[4].author = "O'Neil, \"Ann\"";
    BuildImageGallery(set_, table_, {}, folder_ / "g");
  }

  std::filesystem::path File(const std::string& name) const { return folder_ / "g" / name; }
  void Edit(const std::string& name, const std::string& from, const std::string& to) const {
    auto text = ReadFile(File(name));
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    std::ofstream(File(name), std::ios::binary) << text;
  }
  // Makes gallery.json agree with an edited file, as someone who means harm would.
  void SignAgain() const {
    auto json = nlohmann::json::parse(ReadFile(File("gallery.json")));
    json["index_sha256"] = Sha256File(File("index.faiss"));
    json["items_sha256"] = Sha256File(File("items.csv"));
    std::ofstream(File("gallery.json")) << json.dump();
  }
  void Refuses(const std::string& a, const std::string& b) const {
    EXPECT_THAT([&] { LoadGallery(folder_ / "g"); }, ThrowsMessage<InputError>(AllOf(HasSubstr(a), HasSubstr(b))));
  }

  TemporaryFolder folder_;
  FeatureSet set_;
  PhotoTable table_;
};

TEST_F(GalleryFile, ComesBackWhole) {
  const auto gallery = LoadGallery(folder_ / "g");
  EXPECT_EQ(gallery.info.kind, "images");
  EXPECT_EQ(gallery.info.features, (std::vector<std::string>{"fused_image", "image"}));
  EXPECT_EQ(gallery.info.dimension, 12);
  EXPECT_EQ(gallery.info.count, 30);
  EXPECT_EQ(gallery.info.metric, "inner_product");
  EXPECT_EQ(gallery.info.index, "flat");
  EXPECT_EQ(gallery.info.model, "model-a");
  EXPECT_EQ(gallery.index.size(), 30);
  ASSERT_EQ(gallery.items.size(), 30U);
  EXPECT_EQ(gallery.items[4].author, "O'Neil, \"Ann\"");
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(gallery.items[i].id, set_.ids[i]);
    EXPECT_EQ(gallery.items[i].location, *table_.rows[i].location);
  }
}

TEST_F(GalleryFile, TheSameFeaturesGiveTheSameBytes) {
  BuildImageGallery(set_, table_, {}, folder_ / "h");
  for (const char* name : {"index.faiss", "items.csv", "gallery.json"}) {
    EXPECT_EQ(ReadFile(File(name)), ReadFile(folder_ / "h" / name)) << name;
  }
}

TEST_F(GalleryFile, TruncatedIndex) {
  std::filesystem::resize_file(File("index.faiss"), std::filesystem::file_size(File("index.faiss")) - 7);
  Refuses("index.faiss", "sha256 differs");
  SignAgain();
  Refuses("index.faiss", "damaged");
}

TEST_F(GalleryFile, OneFlippedBit) {
  auto bytes = ReadFile(File("index.faiss"));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  std::ofstream(File("index.faiss"), std::ios::binary) << bytes;
  Refuses("index.faiss", "sha256 differs");
}

TEST_F(GalleryFile, EditedItems) {
  Edit("items.csv", "g3.jpg", "x3.jpg");
  Refuses("items.csv", "sha256 differs");
}

TEST_F(GalleryFile, ItemsThatDoNotFitTheIndex) {
  Edit("items.csv", "29,g29.jpg", "30,g29.jpg");
  SignAgain();
  Refuses("items.csv:31", "row is 30, expected 29");
  auto text = ReadFile(File("items.csv"));
  text.resize(text.rfind("30,g29.jpg"));
  std::ofstream(File("items.csv"), std::ios::binary) << text;
  SignAgain();
  Refuses("items.csv has 29 rows", "gallery.json says count 30");
}

TEST_F(GalleryFile, ItemsWithAnImpossiblePlace) {
  Edit("items.csv", "0,g0.jpg,-60", "0,g0.jpg,-160");
  SignAgain();
  Refuses("items.csv:2", "not a latitude");
}

TEST_F(GalleryFile, JsonThatDisagrees) {
  Edit("gallery.json", "\"count\": 30", "\"count\": 31");
  Refuses("items.csv has 30 rows", "gallery.json says count 31");
  Edit("gallery.json", "\"count\": 31", "\"count\": 30");
  Edit("gallery.json", "\"dimension\": 12", "\"dimension\": 13");
  Refuses("index.faiss has dimension 12", "gallery.json says dimension 13");
  Edit("gallery.json", "\"dimension\": 13", "\"dimension\": 12");
  Edit("gallery.json", "\"inner_product\"", "\"l2\"");
  Refuses("index.faiss has metric inner_product", "gallery.json says metric l2");
}

TEST_F(GalleryFile, BrokenJson) {
  Edit("gallery.json", "\"count\": 30", "\"count\": -30");
  Refuses("gallery.json: key count is -30", "whole number");
  Edit("gallery.json", "\"count\": -30", "\"count\": \"30\"");
  Refuses("gallery.json: key count", "whole number");
  Edit("gallery.json", "\"count\": \"30\",", "");
  Refuses("gallery.json", "key count is missing");
  Edit("gallery.json", "{", "");
  Refuses("gallery.json", "not a JSON object");
}

TEST_F(GalleryFile, IndexOfAnotherGallery) {
  BuildImageGallery(RandomFeatures(29, 6, 2), table_, {}, folder_ / "h");
  std::filesystem::copy_file(folder_ / "h" / "index.faiss", File("index.faiss"),
                             std::filesystem::copy_options::overwrite_existing);
  Refuses("index.faiss", "sha256 differs");
  SignAgain();
  Refuses("index.faiss has count 29", "gallery.json says count 30");
}

TEST_F(GalleryFile, MissingFiles) {
  for (const char* name : {"items.csv", "index.faiss", "gallery.json"}) {
    std::filesystem::remove(File(name));
    EXPECT_THAT([&] { LoadGallery(folder_ / "g"); }, ThrowsMessage<InputError>(HasSubstr(name)));
    if (std::string(name) == "items.csv") Refuses("items.csv", "");
  }
  EXPECT_THAT([&] { LoadGallery(folder_ / "none"); }, ThrowsMessage<InputError>(HasSubstr("no such gallery")));
}

// ---- hashes: once, and again where a file changed ----

std::filesystem::file_time_type TimeOf(const std::filesystem::path& file) {
  return std::filesystem::last_write_time(file);
}

TEST_F(GalleryFile, IsNotHashedAgainWhileSizesAndTimesAreTheSame) {
  const auto time = TimeOf(File("index.faiss"));
  auto bytes = ReadFile(File("index.faiss"));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  std::ofstream(File("index.faiss"), std::ios::binary) << bytes;
  Refuses("index.faiss", "sha256 differs");
  std::filesystem::last_write_time(File("index.faiss"), time);
  EXPECT_NO_THROW(LoadGallery(folder_ / "g")) << "trusted";
  EXPECT_THAT([&] { CheckGallery(folder_ / "g"); }, ThrowsMessage<InputError>(HasSubstr("sha256 differs")));
  std::filesystem::remove(File("checked.json"));
  Refuses("index.faiss", "sha256 differs");
}

TEST_F(GalleryFile, ACopyWithItsTimesIsKnownAndOneWithoutIsHashedOnce) {
  const std::string original = ReadFile(File("checked.json"));
  std::filesystem::copy(folder_ / "g", folder_ / "copy");
  const auto kept = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  std::filesystem::last_write_time(folder_ / "copy/index.faiss", kept);
  std::filesystem::last_write_time(folder_ / "copy/items.csv", kept);
  LoadGallery(folder_ / "copy");
  const std::string renewed = ReadFile(folder_ / "copy/checked.json");
  EXPECT_NE(renewed, original);
  const auto written = TimeOf(folder_ / "copy/checked.json");
  LoadGallery(folder_ / "copy");
  EXPECT_EQ(TimeOf(folder_ / "copy/checked.json"), written);
  // What changed a moment ago is not remembered.
  std::filesystem::last_write_time(folder_ / "copy/items.csv", std::filesystem::file_time_type::clock::now());
  LoadGallery(folder_ / "copy");
  EXPECT_EQ(ReadFile(folder_ / "copy/checked.json"), renewed);
  // Neither is what another gallery.json says.
  Edit("gallery.json", "\"index_sha256\": \"", "\"index_sha256\": \"0");
  Refuses("index.faiss", "sha256 differs");
}

TEST_F(GalleryFile, ADamagedRecordIsAsNone) {
  for (const char* text : {"", "[]", "{\"index.faiss\": 3}", "not json"}) {
    std::ofstream(File("checked.json")) << text;
    EXPECT_NO_THROW(LoadGallery(folder_ / "g")) << text;
  }
  EXPECT_THAT(ReadFile(File("checked.json")), HasSubstr("modified_ns"));
}

TEST_F(GalleryFile, CheckReadsEveryValue) {
  EXPECT_EQ(CheckGallery(folder_ / "g").info.count, 30);
  auto bytes = ReadFile(File("index.faiss"));
  const float nan = std::nanf("");
  std::memcpy(bytes.data() + bytes.size() - 4, &nan, 4);
  std::ofstream(File("index.faiss"), std::ios::binary) << bytes;
  SignAgain();
  EXPECT_THAT([&] { CheckGallery(folder_ / "g"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("index.faiss: vector 29"), HasSubstr("not finite"))));
}

TEST_F(GalleryFile, ABuildThatFailsLeavesTheOldOne) {
  GalleryOptions options;
  options.index = "IVF500,Flat";
  EXPECT_THROW(BuildImageGallery(set_, table_, options, folder_ / "g"), InputError);
  EXPECT_EQ(LoadGallery(folder_ / "g").info.index, "flat");
  int entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_.path())) ++entries;
  EXPECT_EQ(entries, 1) << "nothing temporary is left";
}

TEST_F(GalleryFile, PhotosNeedARowAndAPlace) {
  auto table = table_;
  table.rows[7].location.reset();
  EXPECT_THAT([&] { BuildImageGallery(set_, table, {}, folder_ / "x"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("photos.csv:9"), HasSubstr("g7.jpg"))));
  table.rows.erase(table.rows.begin() + 7);
  EXPECT_THAT([&] { BuildImageGallery(set_, table, {}, folder_ / "x"); },
              ThrowsMessage<InputError>(HasSubstr("'g7.jpg', which is not in photos.csv")));
  GalleryOptions options;
  options.features = {"segmentation"};
  EXPECT_THROW(BuildImageGallery(set_, table_, options, folder_ / "x"), InputError);
  options.features = {"image", "image"};
  EXPECT_THAT([&] { options.Validate(); }, ThrowsMessage<InputError>(HasSubstr("twice")));
  options.features = {};
  EXPECT_THROW(options.Validate(), InputError);
}

TEST_F(GalleryFile, QueriesMustBeOfTheSameModelAndSize) {
  const auto info = ReadGalleryInfo(folder_ / "g");
  auto queries = RandomFeatures(3, 6, 7);
  EXPECT_EQ(QueryDescriptors(info, queries).columns, 12);
  queries.model = "model-b";
  EXPECT_THAT([&] { QueryDescriptors(info, queries); }, ThrowsMessage<InputError>(HasSubstr("another model")));
  queries.model = "";  // features made elsewhere
  EXPECT_EQ(QueryDescriptors(info, queries).rows, 3);
  EXPECT_THAT([&] { QueryDescriptors(info, RandomFeatures(3, 5, 7)); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("10 dimensions"), HasSubstr("12"))));
}

// Img2Loc's: a long vector beats a near one.
TEST(RawGallery, ComparesVectorsOfAnyLength) {
  const TemporaryFolder folder;
  FeatureSet set = RandomFeatures(3, 2, 1);
  set.features["image"].values = {0.6F, 0.8F, 1, 0, 0, -1};
  const PhotoTable table = TableOf(set);
  GalleryOptions options;
  options.features = {"image"};
  options.normalize = false;
  EXPECT_THAT([&] { BuildImageGallery(set, table, options, folder / "g"); },
              ThrowsMessage<InputError>(HasSubstr("no feature image_raw")));
  set.features["image_raw"] = Matrix(3, 2);
  set.features["image_raw"].values = {3, 4, 1, 0, 0, -2};
  BuildImageGallery(set, table, options, folder / "g");
  auto gallery = LoadGallery(folder / "g");
  EXPECT_FALSE(gallery.info.normalize);
  FeatureSet query;
  query.ids = {"q"};
  query.features["image"] = query.features["image_raw"] = Matrix(1, 2);
  query.features["image_raw"].values = {1, 0.25F};
  query.features["image"].values = {0.970143F, 0.242536F};
  SearchOptions search;
  search.top_k = search.negatives = 2;
  const auto list = Search(gallery, query, search).front().candidates;
  ASSERT_EQ(list.size(), 4U);
  EXPECT_EQ(list[0].gallery_id, set.ids[0]);  // 3 + 1; its cosine is 0.78, the second's 0.97
  EXPECT_DOUBLE_EQ(*list[0].score, 4);
  EXPECT_EQ(list[1].gallery_id, set.ids[1]);
  EXPECT_DOUBLE_EQ(*list[1].score, 1);
  EXPECT_EQ(list[2].gallery_id, set.ids[2]);
  EXPECT_DOUBLE_EQ(*list[2].score, -0.5);
  search.exclude_similarity_above = 0.9;
  EXPECT_THAT([&] { Search(gallery, query, search); }, ThrowsMessage<InputError>(HasSubstr("not normalised")));
  query.features.erase("image_raw");
  EXPECT_THAT([&] { QueryDescriptors(gallery.info, query); },
              ThrowsMessage<InputError>(HasSubstr("no feature image_raw")));
  // Older galleries, and all others, say nothing of it.
  options.normalize = true;
  BuildImageGallery(set, table, options, folder / "h");
  EXPECT_THAT(ReadFile(folder / "h/gallery.json"), testing::Not(HasSubstr("normalize")));
  auto normal = LoadGallery(folder / "h");
  EXPECT_TRUE(normal.info.normalize);
  EXPECT_EQ(Search(normal, query, SearchOptions()).front().candidates.front().gallery_id, set.ids[1]);
}

TEST(RawGallery, OfUnitVectorsOrAnotherMetricIsRefused) {
  GalleryOptions options;
  options.normalize = false;
  EXPECT_NO_THROW(options.Validate());
  options.features = {"image", "projected_image"};
  EXPECT_THAT([&] { options.Validate(); }, ThrowsMessage<InputError>(HasSubstr("projected_image")));
  options.features = {"image"};
  options.metric = "l2";
  EXPECT_THAT([&] { options.Validate(); }, ThrowsMessage<InputError>(HasSubstr("inner_product, not l2")));
}

TEST(GpsGallery, HoldsPoints) {
  const TemporaryFolder folder;
  FeatureSet set;
  set.kind = "gps";
  set.ids = {"0", "1", "2"};
  set.locations = {{90, 0}, {-90, 180}, {12.5, -180}};
  set.features["projected_gps"] = RandomMatrix(3, 5, 2);
  GalleryOptions options;
  options.kind = "gps";
  BuildGpsGallery(set, options, folder / "g");
  const auto gallery = LoadGallery(folder / "g");
  EXPECT_EQ(gallery.info.kind, "gps");
  EXPECT_EQ(gallery.info.features, std::vector<std::string>{"projected_gps"});
  EXPECT_EQ(gallery.items[2].location, (LatLon{12.5, -180}));
  FeatureSet photos;
  photos.ids = {"q"};
  photos.features["projected_image"] = RandomMatrix(1, 5, 3);
  EXPECT_EQ(QueryDescriptors(gallery.info, photos).columns, 5);
  EXPECT_THROW(QueryDescriptors(gallery.info, RandomFeatures(1, 5, 3)), InputError);
  EXPECT_THROW(BuildImageGallery(set, {}, {}, folder / "h"), InputError);
}

// Photos 3, 8 and 20 are one file, 5 and 6 another.
class IdenticalPhotosTest : public GalleryFile {
 protected:
  IdenticalPhotosTest() {
    for (std::size_t i = 0; i < set_.ids.size(); ++i) set_.photo_sha256.push_back(Sha256Bytes(std::to_string(i)));
    set_.photo_sha256[8] = set_.photo_sha256[20] = set_.photo_sha256[3];
    set_.photo_sha256[6] = set_.photo_sha256[5];
  }
  void Build(const std::string& duplicates) {
    GalleryOptions options;
    options.duplicates = duplicates;
    info_ = BuildImageGallery(set_, table_, options, folder_ / "g");
  }
  GalleryInfo info_;
};

TEST_F(IdenticalPhotosTest, AreCountedAndKeptOrLeftOut) {
  Build("keep");
  EXPECT_EQ(info_.count, 30);
  EXPECT_EQ(info_.identical_photos, 5);
  EXPECT_EQ(nlohmann::json::parse(ReadFile(File("gallery.json")))["identical_photos"], 5);
  Build("first");
  EXPECT_EQ(info_.count, 27);
  EXPECT_EQ(info_.identical_photos, 5);
  auto gallery = LoadGallery(folder_ / "g");
  EXPECT_EQ(gallery.info.duplicates, "first");
  EXPECT_EQ(gallery.items[5].id, "g5.jpg");
  EXPECT_EQ(gallery.items[6].id, "g7.jpg");
  // Rows of items and vectors still belong together.
  FeatureSet query = RandomFeatures(30, 6, 1);
  const auto found = gallery.index.Search(QueryDescriptors(gallery.info, query), 1);
  EXPECT_EQ(gallery.items[static_cast<std::size_t>(found[21][0].row)].id, "g21.jpg");
  Build("drop");
  EXPECT_EQ(info_.count, 25);
}

TEST_F(IdenticalPhotosTest, NoneOrNotKnownIsNoNumberToWarnOf) {
  for (std::size_t i = 0; i < set_.ids.size(); ++i) set_.photo_sha256[i] = Sha256Bytes(std::to_string(i));
  Build("drop");
  EXPECT_EQ(info_.identical_photos, 0);
  EXPECT_EQ(info_.count, 30);
  set_.photo_sha256.clear();
  Build("keep");
  EXPECT_EQ(info_.identical_photos, std::nullopt);
  EXPECT_EQ(LoadGallery(folder_ / "g").info.identical_photos, std::nullopt);
  EXPECT_THAT([&] { Build("first"); }, ThrowsMessage<InputError>(HasSubstr("embed the photos again")));
}

TEST_F(IdenticalPhotosTest, DroppingAllIsAnError) {
  for (auto& hash : set_.photo_sha256) hash = Sha256Bytes("x");
  EXPECT_THAT([&] { Build("drop"); }, ThrowsMessage<InputError>(HasSubstr("leaves no photo")));
}

}  // namespace
}  // namespace dualgeo
