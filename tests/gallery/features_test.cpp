#include "dualgeo/gallery/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include "dualgeo/io/torch.h"

#include <limits>

#include "dualgeo/util/error.h"
#include "gallery/descriptor.h"
#include "io/safetensors.h"
#include "tests/gallery/gallery_fixture.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Features, SurviveTheDiskBitForBit) {
  const TemporaryFolder folder;
  auto set = RandomFeatures(5, 3, 1);
  set.ids[2] = "ordner/Größe \"x\", 1.jpg";
  WriteFeatures(folder / "f.safetensors", set);
  const auto back = ReadFeatures(folder / "f.safetensors");
  EXPECT_EQ(back.ids, set.ids);
  EXPECT_EQ(back.model, "model-a");
  EXPECT_EQ(back.kind, "photos");
  EXPECT_EQ(back.Require("image").values, set.Require("image").values);
  EXPECT_EQ(back.Require("fused_image").columns, 3);
}

TEST(Features, OfGpsPointsKeepTheirCoordinates) {
  const TemporaryFolder folder;
  FeatureSet set;
  set.kind = "gps";
  set.ids = {"0", "1"};
  set.locations = {{90, -180}, {0.1, 179.99999999}};
  set.features["gps"] = RandomMatrix(2, 4, 1);
  set.features["projected_gps"] = RandomMatrix(2, 3, 2);
  WriteFeatures(folder / "g.safetensors", set);
  const auto back = ReadFeatures(folder / "g.safetensors");
  EXPECT_EQ(back.kind, "gps");
  EXPECT_EQ(back.locations, set.locations);
  EXPECT_EQ(GpsDescriptors(back).values, set.features["projected_gps"].values);
}

TEST(Features, KeepPhotosHashesAndIdsThatAreNotUtf8) {
  const TemporaryFolder folder;
  auto set = RandomFeatures(3, 2, 1);
  set.ids[1] = "caf\xe9.jpg";  // Latin-1, as old archives have it
  set.photo_sha256 = {Sha256Bytes("a"), Sha256Bytes("b"), Sha256Bytes("a")};
  WriteFeatures(folder / "f.safetensors", set);
  const auto back = ReadFeatures(folder / "f.safetensors");
  EXPECT_EQ(back.ids, set.ids);
  EXPECT_EQ(back.photo_sha256, set.photo_sha256);
  const SafetensorsFile file(folder / "f.safetensors");
  EXPECT_EQ(file.View("photo_sha256").sizes(), (std::vector<std::int64_t>{3, 32}));
  EXPECT_EQ(file.View("id_offsets")[3].item<std::int64_t>(), 20);
  EXPECT_EQ(file.metadata().count("ids"), 0U);
}

TEST(Features, OfEarlierVersionsHaveTheirIdsInTheMetadata) {
  const TemporaryFolder folder;
  WriteSafetensors(folder / "old.safetensors", {{"image", torch::ones({2, 3})}},
                   {{"ids", R"(["a.jpg", "b\u00fc.jpg"])"}, {"kind", "photos"}, {"model", "m"}});
  const auto set = ReadFeatures(folder / "old.safetensors");
  EXPECT_EQ(set.ids, (std::vector<std::string>{"a.jpg", "bü.jpg"}));
  EXPECT_TRUE(set.photo_sha256.empty());
  EXPECT_EQ(set.model, "m");
}

// The paper's training set has 4.7 million photos: as JSON in the header, ids of 20 bytes would pass its limit.
TEST(Features, OfSixMillionPhotosAreReadBack) {
  const TemporaryFolder folder;
  FeatureSet set;
  constexpr std::int64_t kPhotos = 6'000'000;
  set.ids.reserve(kPhotos);
  for (std::int64_t i = 0; i < kPhotos; ++i) set.ids.push_back("00/" + std::to_string(1'000'000'000 + i));
  set.features["image"] = Matrix(kPhotos, 1);
  WriteFeatures(folder / "f.safetensors", set);
  const auto back = ReadFeatures(folder / "f.safetensors");
  EXPECT_EQ(back.size(), kPhotos);
  EXPECT_EQ(back.ids[kPhotos - 1], set.ids[kPhotos - 1]);
}

TEST(Features, JoinedPartsAreTheBytesOfTheWhole) {
  const TemporaryFolder folder;
  for (const std::string kind : {"photos", "gps"}) {
    FeatureSet whole = RandomFeatures(7, 3, 1);
    whole.kind = kind;
    for (int i = 0; i < 7; ++i) {
      if (kind == "gps") whole.locations.push_back({1.5 * i, -0.25 * i});
      if (kind == "photos") whole.photo_sha256.push_back(Sha256Bytes(std::to_string(i)));
    }
    WriteFeatures(folder / "whole", whole);
    std::vector<std::filesystem::path> parts;
    FeatureSet together;
    for (const auto& [begin, end] : std::vector<std::pair<int, int>>{{0, 2}, {2, 3}, {3, 7}}) {
      FeatureSet part;
      part.kind = kind;
      part.model = whole.model;
      part.ids = {whole.ids.begin() + begin, whole.ids.begin() + end};
      if (kind == "gps") part.locations = {whole.locations.begin() + begin, whole.locations.begin() + end};
      if (kind == "photos") part.photo_sha256 = {whole.photo_sha256.begin() + begin, whole.photo_sha256.begin() + end};
      for (const auto& [name, matrix] : whole.features) {
        part.features[name] = Matrix(end - begin, 3);
        std::copy_n(matrix.values.begin() + 3 * begin, 3 * (end - begin), part.features[name].values.begin());
      }
      parts.push_back(folder / ("part" + std::to_string(begin)));
      WriteFeatures(parts.back(), part);
      AppendRows(part, together);
    }
    JoinFeatures(parts, folder / "joined");
    EXPECT_EQ(ReadFile(folder / "joined"), ReadFile(folder / "whole")) << kind;
    WriteFeatures(folder / "together", together);
    EXPECT_EQ(ReadFile(folder / "together"), ReadFile(folder / "whole")) << kind;
  }
  FeatureSet other = RandomFeatures(2, 4, 1);
  WriteFeatures(folder / "other", other);
  EXPECT_THAT(
      [&] {
        JoinFeatures({folder / "part0", folder / "other"}, folder / "joined");
      },
      ThrowsMessage<InputError>(HasSubstr("other")));
}

class BadFeatures : public ::testing::Test {
 protected:
  void Refuses(const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
               const std::map<std::string, std::string>& metadata, const std::string& message) {
    const auto path = folder_ / "bad.safetensors";
    WriteSafetensors(path, tensors, metadata);
    EXPECT_THAT([&] { ReadFeatures(path); },
                ThrowsMessage<InputError>(::testing::AllOf(HasSubstr("bad.safetensors"), HasSubstr(message))));
  }
  TemporaryFolder folder_;
};

TEST_F(BadFeatures, AreRefusedWithAReason) {
  const auto two = torch::ones({2, 3});
  Refuses({{"image", two}}, {}, "ids");
  Refuses({{"image", two}}, {{"ids", "not json"}}, "JSON array");
  Refuses({{"image", two}}, {{"ids", "[1, 2]"}}, "JSON array");
  Refuses({{"image", two}}, {{"ids", R"(["a", "a"])"}}, "twice");
  const auto text = torch::tensor({97, 98, 99}, torch::kUInt8);
  const auto at = [](const std::vector<std::int64_t>& offsets) { return torch::tensor(offsets, torch::kInt64); };
  Refuses({{"image", two}, {"ids", text}}, {}, "id_offsets");
  Refuses({{"image", two}, {"ids", text}, {"id_offsets", at({0, 1, 2})}}, {}, "3 bytes of ids");
  Refuses({{"image", two}, {"ids", text}, {"id_offsets", at({0, 9, 3})}}, {}, "row 0");
  Refuses({{"image", two}, {"ids", text}, {"id_offsets", at({0, 2, 1, 3})}}, {}, "row 1");
  Refuses({{"image", two}, {"ids", text}, {"id_offsets", at({0, 3})}}, {}, "2 rows, but there are 1 ids");
  Refuses({{"image", two}, {"ids", text}, {"id_offsets", at({0, 1, 3}).to(torch::kInt32)}}, {}, "int64");
  Refuses({{"image", two}, {"ids", torch::tensor({97, 97}, torch::kUInt8)}, {"id_offsets", at({0, 1, 2})}}, {},
          "twice");
  Refuses({{"image", two}, {"ids", text}, {"id_offsets", at({0, 1, 3})}, {"photo_sha256", two.to(torch::kUInt8)}}, {},
          "[2, 32]");
  Refuses({{"image", two}}, {{"ids", R"(["a"])"}}, "2 rows, but there are 1 ids");
  Refuses({{"image", two.to(torch::kFloat64)}}, {{"ids", R"(["a", "b"])"}}, "not a float32 matrix");
  Refuses({{"image", torch::ones({2})}}, {{"ids", R"(["a", "b"])"}}, "not a float32 matrix");
  Refuses({{"image", two * std::numeric_limits<float>::quiet_NaN()}}, {{"ids", R"(["a", "b"])"}}, "not finite");
  Refuses({{"other", two}}, {{"ids", R"(["a", "b"])"}}, "none of the features");
  Refuses({{"gps", two}}, {{"ids", R"(["a", "b"])"}, {"kind", "gps"}}, "latlon is missing");
  Refuses({{"gps", two}, {"latlon", torch::full({2, 2}, 91.0, torch::kFloat64)}},
          {{"ids", R"(["a", "b"])"}, {"kind", "gps"}}, "not a latitude");
  Refuses({{"image", two}}, {{"ids", R"(["a", "b"])"}, {"kind", "else"}}, "kind");
}

TEST(Descriptors, AreTheNormalisedFeaturesOneAfterTheOther) {
  FeatureSet set;
  set.ids = {"a"};
  set.features["image"] = Matrix(1, 2);
  set.features["image"].values = {3, 4};
  set.features["fused_image"] = Matrix(1, 2);
  set.features["fused_image"].values = {0, 2};
  EXPECT_EQ(ImageDescriptors(set, {"fused_image", "image"}).values, (std::vector<float>{0, 1, 0.6F, 0.8F}));
  EXPECT_THAT([&] { ImageDescriptors(set, {"segmentation"}); },
              ThrowsMessage<InputError>(HasSubstr("no feature segmentation; there are: fused_image, image")));
}

TEST(Descriptors, WithoutNormalizeAreWhatTheNetworksGive) {
  FeatureSet set;
  set.ids = {"a"};
  set.features["image"] = Matrix(1, 2);
  set.features["image"].values = {0.6F, 0.8F};
  EXPECT_THAT([&] { ImageDescriptors(set, {"image"}, false); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("no feature image_raw"), HasSubstr("gallery.normalize"))));
  set.features["image_raw"] = Matrix(1, 2);
  set.features["image_raw"].values = {3, 4};
  EXPECT_EQ(ImageDescriptors(set, {"image"}, false).values, (std::vector<float>{3, 4}));
  EXPECT_EQ(ImageDescriptors(set, {"image"}).values, (std::vector<float>{0.6F, 0.8F}));
}

// G3's: the photo itself, beside captions, and beside GPS points.
TEST(Descriptors, OfThreeSpacesSumTheirCosines) {
  FeatureSet gallery, query;
  gallery.ids = query.ids = {"a"};
  const auto add = [](FeatureSet& set, const char* name, std::vector<float> values) {
    set.features[name] = Matrix(1, 2);
    set.features[name].values = std::move(values);
  };
  add(gallery, "image", {1, 0});
  add(gallery, "image_text", {0.6F, 0.8F});
  add(gallery, "projected_image", {0, 1});
  add(query, "image", {0.8F, 0.6F});
  add(query, "image_text", {0.6F, 0.8F});
  add(query, "projected_image", {1, 0});
  const std::vector<std::string> names = {"image", "image_text", "projected_image"};
  const Matrix a = ImageDescriptors(gallery, names), b = ImageDescriptors(query, names);
  EXPECT_EQ(a.columns, 6);
  EXPECT_NEAR(Inner(a.Row(0), b.Row(0)), 0.8 + 1 + 0, 1e-6);
}

TEST(Descriptors, OfGpsQueriesAreTheMeanOfTheViews) {
  FeatureSet set;
  set.ids = {"a"};
  set.features["projected_image"] = Matrix(1, 2);
  set.features["projected_image"].values = {1, 0};
  EXPECT_EQ(GpsQueries(set).values, (std::vector<float>{1, 0}));
  set.features["projected_segmentation"] = Matrix(1, 2);
  set.features["projected_segmentation"].values = {0, 1};
  EXPECT_EQ(GpsQueries(set).values, (std::vector<float>{0.5F, 0.5F}));
}

}  // namespace
}  // namespace dualgeo
