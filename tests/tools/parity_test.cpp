// The binary on weight files of the published layouts gives the numbers of PyTorch, from the photo file on.
#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "model/instruction_set.h"
#include "tests/model/support.h"
#include "tests/support/environment_scope.h"
#include "tests/support/shared_data.h"
#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

fs::path Data(const std::string& below) { return fs::path(DUALGEO_SOURCE_DIR) / "tests/data" / below; }

class Parity : public ::testing::Test {
 protected:
  Parity() { folder_.Write("photos.csv", "IMG_ID\nnoise.png\nnoise_90x31_bicubic.png\nnoise_30x47_bilinear.png\n"); }

  // One of the project's configs with other sizes; the rest are --set.
  RunResult Run(std::vector<std::string> command, const std::vector<std::string>& settings) {
    command.insert(command.end(), {"--config", (fs::path(DUALGEO_SOURCE_DIR) / "configs" / config_).string()});
    for (const auto& setting : settings) command.insert(command.end(), {"--set", setting});
    return RunBinary(command, folder_.path());
  }
  RunResult EmbedPhotos(const std::vector<std::string>& settings, const std::string& checkpoint = "none",
                        const std::string& masks = "") {
    std::vector<std::string> command = {"embed",        "photos", "--photos",      "photos.csv",   "--images",
                                        Data("photos"), "--out",  "f.safetensors", "--checkpoint", checkpoint};
    if (!masks.empty()) command.insert(command.end(), {"--masks", masks});
    return Run(command, settings);
  }
  RunResult Segment() {
    return Run({"segment", "--photos", "photos.csv", "--images", Data("photos"), "--out", "masks", "--logits",
                "l.safetensors"},
               {"model.segmenter.hidden_sizes=[8, 16, 24, 32]", "model.segmenter.depths=[1, 2, 1, 2]",
                "model.segmenter.heads=[1, 2, 3, 4]", "model.segmenter.sr_ratios=[8, 4, 2, 1]",
                "model.segmenter.decoder_dim=32", "model.segmenter.num_labels=11", "model.segmenter.image_size=96",
                "model.segmenter.weights=" + Golden("segformer_tiny_weights").string()});
  }
  torch::Tensor Output(const std::string& file, const std::string& name) {
    return SafetensorsFile(folder_ / file).Get(name);
  }
  static torch::Tensor Expected(const std::string& name) { return SafetensorsFile(Golden("end_to_end")).Get(name); }
  static torch::Tensor Unit(const torch::Tensor& rows) {
    return torch::nn::functional::normalize(rows, torch::nn::functional::NormalizeFuncOptions().dim(1));
  }

  TemporaryFolder folder_;
  std::string config_ = "dualgeo.yaml";
};

const std::vector<std::string> kTinyClip = {"model.views=image",
                                            "model.fusion.type=none",
                                            "model.embed_dim=20",
                                            "model.image_encoder.width=48",
                                            "model.image_encoder.layers=2",
                                            "model.image_encoder.heads=6",
                                            "model.image_encoder.patch=14",
                                            "model.image_encoder.image_size=56",
                                            "model.image_encoder.projection_dim=20",
                                            "gallery.features=[image]"};

std::vector<std::string> With(std::vector<std::string> settings, const std::vector<std::string>& more) {
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

// A CLIP loaded here is CLIP: pooled, projected, normalised.
TEST_F(Parity, EmbedPhotosGivesClipsFeatures) {
  for (const char* file : {"clip_tiny_weights", "clip_tiny_weights_openai"}) {
    SCOPED_TRACE(file);
    const auto run = EmbedPhotos(With(kTinyClip, {"model.image_encoder.weights=" + Golden(file).string()}));
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_LT(RelativeError(Output("f.safetensors", "image"), Unit(Expected("clip"))), 2e-6);
    EXPECT_TRUE(torch::equal(Output("f.safetensors", "fused_image"), Output("f.safetensors", "image")));
  }
}

TEST_F(Parity, ClipMayHaveTheExactGelu) {
  const auto run =
      EmbedPhotos(With(kTinyClip, {"model.image_encoder.activation=gelu",
                                   "model.image_encoder.weights=" + Golden("clip_tiny_weights").string()}));
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_LT(RelativeError(Output("f.safetensors", "image"), Unit(Expected("clip_gelu"))), 2e-6);
  EXPECT_GT(RelativeError(Unit(Expected("clip")), Unit(Expected("clip_gelu"))), 2e-5);
}

TEST_F(Parity, ClipAtAnotherImageSizeResizesItsPositions) {
  for (const std::string size : {"84", "42"}) {
    SCOPED_TRACE(size);
    const auto run =
        EmbedPhotos(With(kTinyClip, {"model.image_encoder.image_size=" + size,
                                     "model.image_encoder.weights=" + Golden("clip_tiny_weights").string()}));
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.err, HasSubstr("position embeddings resized from 4 x 4"));
    EXPECT_LT(RelativeError(Output("f.safetensors", "image"), Unit(Expected("clip_" + size))), 2e-6);
  }
}

TEST_F(Parity, SegmentGivesSegFormersLogits) {
  const auto run = Segment();
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_LT(RelativeError(Output("l.safetensors", "logits"), Expected("logits")), 2e-6);
}

// Whatever the processor: the kernels of each instruction set that this one has.
class ParityOnEach : public Parity, public ::testing::WithParamInterface<InstructionSet> {
 protected:
  EnvironmentScope forced_{"DUALGEO_CPU", NameOf(GetParam())};
};
INSTANTIATE_TEST_SUITE_P(InstructionSet, ParityOnEach, ::testing::ValuesIn(InstructionSetsHere()),
                         [](const auto& test) { return NameOf(test.param); });

TEST_P(ParityOnEach, FeaturesAndLogits) {
  const auto embed =
      EmbedPhotos(With(kTinyClip, {"model.image_encoder.weights=" + Golden("clip_tiny_weights").string()}));
  ASSERT_EQ(embed.exit_code, 0) << embed.err;
  EXPECT_LT(RelativeError(Output("f.safetensors", "image"), Unit(Expected("clip"))), 2e-6);
  const auto segment = Segment();
  ASSERT_EQ(segment.exit_code, 0) << segment.err;
  EXPECT_LT(RelativeError(Output("l.safetensors", "logits"), Expected("logits")), 2e-6);
}

TEST_F(Parity, AWrongInstructionSetIsOneLine) {
  const EnvironmentScope wrong("DUALGEO_CPU", "avx1024");
  const auto run = EmbedPhotos(kTinyClip);
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("DUALGEO_CPU: avx1024: no instruction set of this processor; allowed here: "));
}

const std::vector<std::string> kTinyDualGeo = {"model.embed_dim=8",
                                               "model.image_encoder.width=16",
                                               "model.image_encoder.layers=1",
                                               "model.image_encoder.heads=2",
                                               "model.image_encoder.patch=14",
                                               "model.image_encoder.image_size=28",
                                               "model.image_encoder.projection_dim=8",
                                               "model.segmenter.num_labels=11",
                                               "model.segmentation_encoder.image_size=64",
                                               "model.segmentation_encoder.base_width=4",
                                               "model.fusion.heads=2",
                                               "model.gps_encoder.rff_size=4",
                                               "model.gps_encoder.hidden=8",
                                               "model.gps_encoder.embed_dim=6"};

// The released code's checkpoint and behaviour; our own model.
class ParityOfDualGeo : public Parity, public ::testing::WithParamInterface<bool> {
 protected:
  ParityOfDualGeo() {
    if (GetParam()) config_ = "released-code.yaml";
  }
  std::string name() const { return GetParam() ? "released" : "dualgeo"; }
  std::string checkpoint() const {
    return Data(GetParam() ? "model/released_tiny.pth" : "model/dualgeo_tiny.safetensors").string();
  }
};

TEST_P(ParityOfDualGeo, EmbedPhotos) {
  const auto run = EmbedPhotos(kTinyDualGeo, checkpoint(), Data("photos/masks").string());
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.err.find("depend on the photos embedded beside it") != std::string::npos, GetParam()) << run.err;
  for (const std::string part :
       {"image", "segmentation", "fused_image", "fused_segmentation", "projected_image", "projected_segmentation"}) {
    EXPECT_LT(RelativeError(Output("f.safetensors", part), Expected(name() + "_" + part)), 5e-6) << part;
  }
}

TEST_P(ParityOfDualGeo, EmbedGps) {
  folder_.Write("c.csv",
                "LAT,LON\n52.52000045776367,13.399999618530273\n-33.900001525878906,151.1999969482422\n90,0\n"
                "-90,20\n0,180\n0,-180\n");
  const auto run = Run(
      {"embed", "gps", "--coordinates", "c.csv", "--out", "g.safetensors", "--checkpoint", checkpoint()}, kTinyDualGeo);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_LT(MaxDifference(Output("g.safetensors", "latlon"), Expected("latlon")), 1e-12);
  EXPECT_LT(MaxDifference(Output("g.safetensors", "gps"), Expected(name() + "_gps")), 5e-6);
  EXPECT_LT(MaxDifference(Output("g.safetensors", "projected_gps"), Expected(name() + "_projected_gps")), 5e-6);
}

INSTANTIATE_TEST_SUITE_P(Models, ParityOfDualGeo, ::testing::Values(true, false),
                         [](const auto& test) { return test.param ? "released" : "dualgeo"; });

}  // namespace
}  // namespace dualgeo
