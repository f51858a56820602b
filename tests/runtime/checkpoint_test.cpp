#include "runtime/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "io/safetensors.h"
#include "io/set_aside.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_set.h"
#include "train/training_folder.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;

TEST(CheckpointTest, IsReplacedAsAWhole) {
  const TemporaryFolder folder;
  const fs::path last = folder / "last";
  EXPECT_TRUE(FindCheckpoint(last).empty());
  WriteCheckpoint(last, *FilledLayer(1), {{"step", torch::tensor(std::int64_t{1}, torch::kInt64)}}, "a: 1\n");
  EXPECT_EQ(FilledWith(last), 1);
  WriteCheckpoint(last, *FilledLayer(2), {{"step", torch::tensor(std::int64_t{2}, torch::kInt64)}}, "a: 2\n");
  EXPECT_EQ(FilledWith(last), 2);
  EXPECT_EQ(ReadTrainerState(last).at("step").item<std::int64_t>(), 2);
  EXPECT_EQ(Bytes(last / "config.yaml"), "a: 2\n");
  // Nothing else is left.
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(last), {}), 3);
}

TEST(CheckpointTest, TheStateBetweenTwoRenamesIsFoundAndPutRight) {
  const TemporaryFolder folder;
  WriteCheckpoint(folder / "last", *FilledLayer(1), {}, "");
  fs::rename(folder / "last", folder / "last.previous");
  WriteCheckpoint(folder / ".last.tmp", *FilledLayer(2), {}, "");
  EXPECT_EQ(FindCheckpoint(folder / "last"), folder / "last.previous");
  EXPECT_EQ(FilledWith(folder / "last"), 1);
  CleanCheckpoints(folder.path());
  EXPECT_EQ(FindCheckpoint(folder / "last"), folder / "last");
  EXPECT_EQ(FilledWith(folder / "last"), 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(CheckpointTest, AnotherModelsIsRefusedByKeys) {
  const TemporaryFolder folder;
  WriteCheckpoint(folder / "last", *FilledLayer(1), {}, "");
  torch::nn::Linear larger(4, 2);
  const std::string message = MessageOf<InputError>([&] { LoadCheckpointWeights(*larger, folder / "last"); });
  EXPECT_NE(message.find("weight"), std::string::npos) << message;
  EXPECT_NE(message.find("model.safetensors"), std::string::npos) << message;
  EXPECT_THROW(LoadCheckpointWeights(*larger, folder / "absent"), InputError);
}

// The state dict of the released code: its fusion's names, and its ResNet twice.
TEST(CheckpointTest, TheReleasedStateDictIsTheWholeModel) {
  const TemporaryFolder folder;
  const ModelOptions options = TinyModel();
  DualGeoModel model(options, LossOptions(), 5);
  std::map<std::string, torch::Tensor> released;
  for (const auto& [name, tensor] : StateDict(*model)) released[name] = tensor;
  ASSERT_EQ(released.count("cross_attn_fusion.q_proj_rgb.weight"), 1U);
  released["semantic_encoder.resnet.conv1.weight"] = released.at("semantic_encoder.features.0.weight");
  WriteSafetensors(folder / "released.safetensors", {released.begin(), released.end()});
  const DualGeoModel loaded = LoadModel(folder / "released.safetensors", options, LossOptions(), torch::kCPU);
  const auto expected = StateDict(*model);
  const auto state = StateDict(*loaded);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(torch::equal(state[i].second, expected[i].second)) << expected[i].first;
  }

  released.erase("cross_attn_fusion.norm_seg.bias");
  released["adapter.weight"] = torch::ones({1});
  WriteSafetensors(folder / "released.safetensors", {released.begin(), released.end()});
  const std::string message =
      MessageOf<InputError>([&] { LoadModel(folder / "released.safetensors", options, LossOptions(), torch::kCPU); });
  EXPECT_NE(message.find("cross_attn_fusion.norm_seg.bias is missing; adapter.weight is unexpected"), std::string::npos)
      << message;
}

// trainer.pt, a pickle, of a run of two epochs by version 0.1.0.
TEST(CheckpointTest, StatesOfEarlierVersionsAreRead) {
  const TemporaryFolder folder;
  fs::copy_file(fs::path(DUALGEO_SOURCE_DIR) / "tests/data/weights/trainer_0_1.pt", folder / "trainer.pt");
  const TrainerState state = ReadTrainerState(folder.path());
  EXPECT_EQ(state.at("step").item<std::int64_t>(), 16);
  const Settings settings = ParseSettings(TensorText(state.at("settings")), "here");
  EXPECT_EQ(settings.at("train.lr"), "0.001");
  EXPECT_EQ(state.at("optimizer/exp_avg/logit_scale_rgb").scalar_type(), torch::kFloat32);
  WriteCheckpoint(folder / "last", *FilledLayer(1), state, "");
  const TrainerState again = ReadTrainerState(folder / "last");
  ASSERT_EQ(again.size(), state.size());
  for (const auto& [name, tensor] : state) EXPECT_TRUE(torch::equal(again.at(name), tensor)) << name;
}

TEST(CheckpointTest, AFullDiskLeavesTheOldOne) {
  const TemporaryFolder folder;
  WriteCheckpoint(folder / "last", *FilledLayer(1), {}, "a: 1\n");
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t limit : {100, 500, 2000, 20000}) {
    const rlimit small{limit, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    torch::nn::Linear large(100, 100);
    const std::string message = MessageOf<Error>([&] {
      WriteCheckpoint(folder / "last", *large, {{"x", torch::zeros({9000})}}, "a: 2\n");
    });
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_NE(message.find("cannot write"), std::string::npos) << limit << ": " << message;
    EXPECT_EQ(FilledWith(folder / "last"), 1);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
  }
  std::signal(SIGXFSZ, handler);
}

}  // namespace
}  // namespace dualgeo
