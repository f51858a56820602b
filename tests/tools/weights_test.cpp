#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/shared_data.h"
#include "tests/tools/run_binary.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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

// A safetensors file of these names, each four zeros.
std::string Safetensors(const std::vector<std::string>& names) {
  nlohmann::json header;
  for (std::size_t i = 0; i < names.size(); ++i) {
    header[names[i]] = {{"dtype", "F32"}, {"shape", {4}}, {"data_offsets", {16 * i, 16 * (i + 1)}}};
  }
  const std::string text = header.dump();
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>((text.size() >> (8 * i)) & 255U);
  return file + text + std::string(16 * names.size(), '\0');
}

TEST(WeightsTool, BothStylesOfTransformersAreKnown) {
  const RunResult result =
      RunBinary({"weights", "inspect", Data("model/segformer_tiny_weights_transformers5.safetensors")});
  EXPECT_THAT(result.out, HasSubstr("names of   SegFormer (Hugging Face, transformers 5)\n"));
}

TEST(WeightsTool, InspectSaysWhatStandsBeforeTheNamesAndWhatIsNear) {
  const TemporaryFolder folder;
  const std::string net = folder.Write(
      "net.safetensors", Safetensors({"net.conv1.weight", "net.layer1.0.conv1.weight", "criterion.weight"}));
  EXPECT_THAT(RunBinary({"weights", "inspect", net}).out,
              HasSubstr("names of   ResNet (torchvision), below \"net.\"\n"));
  const auto json = nlohmann::json::parse(RunBinary({"weights", "inspect", net, "--json"}).out);
  EXPECT_EQ(json["family"], "ResNet (torchvision)");
  EXPECT_EQ(json["prefixes"], nlohmann::json::array({"net."}));
  const std::string near =
      folder.Write("near.safetensors", Safetensors({"bn1.weight", "layer1.0.conv1.weight", "fc.weight"}));
  EXPECT_THAT(RunBinary({"weights", "inspect", near}).out,
              AllOf(HasSubstr("names of   no style known here\n"),
                    HasSubstr("note       nearest is ResNet (torchvision), which has \"conv1.weight\"\n")));
}

// The label is the project's own, and the message of a command that cannot take it says so in a line, without a list.
TEST(WeightsTool, WeightsOfOtherProjectsAreNamedForWhatTheyAre) {
  struct Case {
    const char* family;
    std::vector<std::string> says;
    std::vector<std::string> names;
  };
  const Case cases[] = {
      {"OpenCLIP with a timm tower",
       {"OpenCLIP with a timm tower", "no such encoder"},
       {"visual.trunk.cls_token", "visual.trunk.blocks.0.attn.qkv.weight", "visual.head.proj.weight", "logit_scale"}},
      {"SigLIP (Hugging Face)",
       {"SigLIP", "no class token", "no such encoder"},
       {"vision_model.embeddings.patch_embedding.weight", "vision_model.embeddings.patch_embedding.bias",
        "vision_model.encoder.layers.0.self_attn.q_proj.weight", "vision_model.head.probe", "logit_bias"}},
      {"DINOv2 (Meta)",
       {"DINOv2", "no such encoder"},
       {"cls_token", "mask_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight"}}};
  const TemporaryFolder folder;
  folder.Write("photos.csv", "IMG_ID\nnoise.png\n");
  for (const auto& one : cases) {
    const std::string file = folder.Write("w.safetensors", Safetensors(one.names));
    EXPECT_EQ(nlohmann::json::parse(RunBinary({"weights", "inspect", file, "--json"}).out)["family"], one.family);
    const RunResult result = RunBinary({"embed",        "photos",
                                        "--photos",     (folder / "photos.csv").string(),
                                        "--images",     Data("photos"),
                                        "--checkpoint", "none",
                                        "--set",        "model.views=image",
                                        "--set",        "model.embed_dim=32",
                                        "--set",        "model.image_encoder.preset=vit-tiny",
                                        "--set",        "model.image_encoder.layers=1",
                                        "--set",        "gallery.features=[image]",
                                        "--set",        "model.image_encoder.weights=" + file,
                                        "--out",        (folder / "f.safetensors").string()});
    EXPECT_EQ(result.exit_code, 2) << result.err;
    for (const auto& words : one.says) EXPECT_THAT(result.err, HasSubstr(words));
    EXPECT_THAT(result.err, Not(HasSubstr("missing")));
    EXPECT_FALSE(std::filesystem::exists(folder / "f.safetensors"));
  }
}

TEST(WeightsTool, AnEncoderAloneIsNoSegmenter) {
  const TemporaryFolder folder;
  folder.Write("photos.csv", "IMG_ID\nnoise.png\n");
  const std::string file =
      folder.Write("mit.safetensors",
                   Safetensors({"patch_embed1.proj.weight", "block1.0.attn.q.weight", "block1.0.attn.kv.weight"}));
  EXPECT_THAT(RunBinary({"weights", "inspect", file}).out,
              HasSubstr("names of   SegFormer (NVlabs, mmseg), the encoder"));
  const RunResult result = RunBinary({"segment", "--photos", (folder / "photos.csv").string(), "--images",
                                      Data("photos"), "--checkpoint", file, "--out", (folder / "masks").string()});
  EXPECT_EQ(result.exit_code, 2) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("SegFormer (NVlabs, mmseg), the encoder alone"), HasSubstr("Hugging Face"),
                                Not(HasSubstr("missing"))));
}

// As `run`, `train` and `locate` have it: another segmenter would make other masks than theirs.
TEST(WeightsTool, SegmentTakesTheWeightsOfTheConfigBeforeTheRunsOwn) {
  const TemporaryFolder folder;
  folder.Write("photos.csv", "IMG_ID\nnoise.png\n");
  folder.Write("run/segmenter/best/model.safetensors", "of another network");
  std::vector<std::string> command = {"segment",      "--photos", "photos.csv", "--images",
                                      Data("photos"), "--out",    "masks"};
  for (const char* setting :
       {"run_dir=run", "model.segmenter.hidden_sizes=[8, 16, 24, 32]", "model.segmenter.depths=[1, 2, 1, 2]",
        "model.segmenter.heads=[1, 2, 3, 4]", "model.segmenter.sr_ratios=[8, 4, 2, 1]",
        "model.segmenter.decoder_dim=32", "model.segmenter.num_labels=11", "model.segmenter.image_size=96"}) {
    command.insert(command.end(), {"--set", setting});
  }
  const RunResult of_run = RunBinary(command, folder.path());
  EXPECT_EQ(of_run.exit_code, 2);
  EXPECT_THAT(of_run.err, HasSubstr("run/segmenter/best"));
  command.insert(command.end(),
                 {"--set", "model.segmenter.weights=" + Data("model/segformer_tiny_weights.safetensors")});
  const RunResult of_config = RunBinary(command, folder.path());
  EXPECT_EQ(of_config.exit_code, 0) << of_config.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "masks/noise.png"));
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

TEST(WeightsTool, AShardIsNoOutput) {
  TemporaryFolder folder;
  const std::string shard = Safetensors({"a", "b"});
  folder.Write("model-00001-of-00001.safetensors", shard);
  folder.Write("model.safetensors.index.json",
               R"({"weight_map": {"a": "model-00001-of-00001.safetensors", "b": "model-00001-of-00001.safetensors"}})");
  const RunResult result = RunBinary(
      {"weights", "convert", "model.safetensors.index.json", "model-00001-of-00001.safetensors"}, folder.path());
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("an output must not be an input"));
  EXPECT_EQ(ReadFile(folder / "model-00001-of-00001.safetensors"), shard);
  EXPECT_EQ(
      RunBinary({"weights", "convert", "model.safetensors.index.json", "one.safetensors"}, folder.path()).exit_code, 0);
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
