#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/shared_data.h"
#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Data(const std::string& name) {
  return (std::filesystem::path(DUALGEO_SOURCE_DIR) / "tests/data" / name).string();
}

TEST(WeightsTool, InspectListsNamesShapesAndTypes) {
  const RunResult result = RunBinary({"weights", "inspect", Data("weights/zip_checkpoint.pth")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("format     PyTorch zip archive"), HasSubstr("taken from \"model_state_dict\""),
                    HasSubstr("metadata   epoch = 3"), HasSubstr("F32   [2, 3]                 fc.weight"),
                    HasSubstr("I64   []                     bn.num_batches_tracked")));
}

TEST(WeightsTool, InspectTellsTheFamilyAsJson) {
  const auto json = [](const std::string& path) {
    const RunResult result = RunBinary({"weights", "inspect", path, "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  };
  const auto clip = json(Data("model/clip_tiny_weights_openai.safetensors"));
  EXPECT_EQ(clip["family"], "CLIP (OpenAI)");
  EXPECT_EQ(clip["format"], "safetensors");
  EXPECT_EQ(json(Data("model/segformer_tiny_weights.safetensors"))["family"], "SegFormer (Hugging Face)");
  EXPECT_EQ(json(Data("model/gps_encoder_mercator_weights.safetensors"))["family"], "GeoCLIP");
  const auto other = json(Data("weights/legacy_nested.pth"));
  EXPECT_TRUE(other["family"].is_null());
  EXPECT_EQ(other["tensors"][0], nlohmann::json({{"name", "encoder.layers.0"}, {"dtype", "F32"}, {"shape", {2}}}));
}

TEST(WeightsTool, InspectKnowsTheRealGeoClipFiles) {
  SHARED_PATH_OR_SKIP(folder, "data/weights");
  EXPECT_THAT(RunBinary({"weights", "inspect", (folder / "geoclip_image_encoder_mlp_weights.pth").string()}).out,
              HasSubstr("GeoCLIP's image projection"));
  EXPECT_THAT(RunBinary({"weights", "inspect", (folder / "geoclip_logit_scale_weights.pth").string()}).out,
              HasSubstr("GeoCLIP's logit scale"));
}

TEST(WeightsTool, ConvertKeepsEveryTensor) {
  const TemporaryFolder folder;
  const std::string in = Data("weights/legacy_views.pth");
  const std::string out = (folder / "x.safetensors").string();
  const RunResult result = RunBinary({"weights", "convert", in, out});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  auto before = nlohmann::json::parse(RunBinary({"weights", "inspect", "--json", in}).out)["tensors"];
  auto after = nlohmann::json::parse(RunBinary({"weights", "inspect", "--json", out}).out);
  EXPECT_EQ(after["metadata"]["format"], "pt");
  std::sort(before.begin(), before.end());
  std::sort(after["tensors"].begin(), after["tensors"].end());
  EXPECT_EQ(before, after["tensors"]);
}

TEST(WeightsTool, BadInputIsOneLineAndLeavesNothing) {
  const TemporaryFolder folder;
  const std::string out = (folder / "out.safetensors").string();
  const std::string lfs = folder.Write("lfs.pth", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
  const std::pair<std::string, std::string> cases[] = {
      {lfs, "git-LFS pointer, not weights"},
      {folder.Write("page.pth", "<html><body>404</body></html>"), "a web page"},
      {Data("weights/calls_system_zip.pth"), "\"posix.system\""},
      {Data("weights/bomb.pth"), "zip bomb"},
      {(folder / "absent.pth").string(), "no such file"}};
  bool convert = false;
  for (const auto& [in, message] : cases) {
    convert = !convert;
    const RunResult result =
        convert ? RunBinary({"weights", "convert", in, out}) : RunBinary({"weights", "inspect", in});
    EXPECT_EQ(result.exit_code, 2) << in;
    EXPECT_THAT(result.err, AllOf(HasSubstr(message), HasSubstr(in)));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_FALSE(std::filesystem::exists(out));
  }
}

TEST(WeightsTool, BadUsage) {
  const TemporaryFolder folder;
  EXPECT_EQ(RunBinary({"weights"}).exit_code, 2);
  EXPECT_EQ(RunBinary({"weights", "convert", Data("weights/zip_types.pth"), (folder / "x.pth").string()}).exit_code, 2);
  EXPECT_EQ(RunBinary({"weights", "convert", Data("weights/zip_types.pth"), "/proc/x.safetensors"}).exit_code, 1);
}

}  // namespace
}  // namespace dualgeo
