#include "dualgeo/gallery/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include "dualgeo/io/torch.h"

#include <limits>

#include "dualgeo/gallery/descriptor.h"
#include "dualgeo/io/safetensors.h"
#include "dualgeo/util/error.h"
#include "tests/gallery/gallery_fixture.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

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
