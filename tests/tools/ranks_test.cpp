// Several processes on this machine, by scripts/launch-local.sh: what they make is what one makes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "dualgeo/gallery/features.h"
#include "dualgeo/model/weights.h"
#include "tests/support/environment_scope.h"
#include "tests/tools/run_binary.h"
#include "tests/train/tiny_set.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class RanksTest : public ::testing::Test {
 protected:
  RanksTest() {
    WriteTinySet(folder_ / "set", 30);
    folder_.Write("c.yaml", R"(run_dir: run
device: cpu
threads: 1
seed: 3
data:
  train: {csv: set/photos.csv, images: set/images, masks: set/masks}
  benchmarks: {tiny: {csv: set/photos.csv, images: set/images, masks: set/masks}}
  validation: {fraction: 0.2}
  loader: {workers: 1}
model:
  embed_dim: 16
  image_encoder: {preset: vit-tiny, freeze: false, width: 16, layers: 1, heads: 2, patch: 16, image_size: 32}
  segmenter: {num_labels: 4, image_size: 32, hidden_sizes: [8, 8, 16, 16], depths: [1, 1, 1, 1], heads: [1, 1, 2, 2], sr_ratios: [8, 4, 2, 1], decoder_dim: 16}
  segmentation_encoder: {image_size: 32, base_width: 4}
  fusion: {heads: 2, dropout: 0}
  gps_encoder: {sigmas: [1, 4], rff_size: 8, hidden: 16, embed_dim: 16}
train: {epochs: 2, batch_size: 12, optimizer: sgd, lr: 0.01, weight_decay: 0, batch_norm: frozen}
embed: {batch_size: 4}
)");
  }

  // ranks 0: one process, without the launcher.
  RunResult Launch(int ranks, std::vector<std::string> arguments) const {
    if (ranks == 0) return RunBinary(arguments, folder_.path());
    arguments.insert(arguments.begin(), {launcher_, std::to_string(ranks), DUALGEO_BINARY});
    return RunProgram("/bin/bash", arguments, folder_.path());
  }
  // Each rank by a shell command.
  RunResult LaunchShell(int ranks, const std::string& command) const {
    return RunProgram("/bin/bash", {launcher_, std::to_string(ranks), "bash", "-c", command}, folder_.path());
  }

  RunResult Train(int ranks, const std::string& run, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"train", "--config", "c.yaml", "--set", "run_dir=" + run});
    return Launch(ranks, std::move(more));
  }

  std::vector<nlohmann::json> Log(const std::string& run) const {
    std::vector<nlohmann::json> lines;
    for (const auto& line : Lines(folder_ / run / "train.jsonl")) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  void ExpectSameTraining(const std::string& run, const std::string& other) const {
    const auto a = Log(run), b = Log(other);
    ASSERT_EQ(a.size(), b.size());
    ASSERT_GT(a.size(), 3U);
    for (std::size_t i = 0; i < a.size(); ++i) {
      // Of the first step, whose weights are the same; then float32's rounding grows with every step.
      const double tolerance = i == 0 ? 1e-6 : 1e-5;
      const auto expect_near = [&](const std::string& key, double value, double expected) {
        EXPECT_NEAR(value, expected, tolerance * std::max(1.0, expected)) << "line " << i << ": " << key;
      };
      for (const auto& [key, value] : a[i].items()) {
        if (key == "photos_per_second") continue;
        if (key == "validation") {
          expect_near(key, value["loss"], b[i][key]["loss"]);
        } else {
          expect_near(key, value, b[i].at(key));
        }
      }
    }
    const auto weights = ReadWeights(folder_ / run / "checkpoint/last/model.safetensors");
    for (const auto& [name, tensor] : ReadWeights(folder_ / other / "checkpoint/last/model.safetensors")) {
      const auto difference = (tensor.to(torch::kFloat64) - weights.at(name).to(torch::kFloat64)).nan_to_num();
      EXPECT_LT(difference.abs().max().item<double>(), 1e-5) << name;
    }
  }

  std::string ReadText(const std::string& name) const { return ReadFile(folder_ / name); }

  TemporaryFolder folder_;
  std::string launcher_ = std::string(DUALGEO_SOURCE_DIR) + "/scripts/launch-local.sh";
};

using SlowRanksTest = RanksTest;

// DualGeo's own loss.
TEST_F(RanksTest, TrainAsOneProcess) {
  ASSERT_EQ(Train(0, "one").exit_code, 0);
  const auto two = Train(2, "two");
  ASSERT_EQ(two.exit_code, 0) << two.err;
  ExpectSameTraining("two", "one");
  EXPECT_EQ(two.out.find("steps"), two.out.rfind("steps"));  // rank 0 alone prints
}

// Two sums of gradients are the same in any order, so that not even rounding differs.
TEST_F(RanksTest, TwoWhosePartIsAChunkTrainToTheSameBytes) {
  const std::vector<std::string> chunks = {"--set", "train.chunk_size=6", "--set", "train.optimizer=adamw"};
  ASSERT_EQ(Train(0, "one", chunks).exit_code, 0);
  const auto two = Train(2, "two", chunks);
  ASSERT_EQ(two.exit_code, 0) << two.err;
  EXPECT_EQ(ReadText("one/checkpoint/last/model.safetensors"), ReadText("two/checkpoint/last/model.safetensors"));
}

TEST_F(SlowRanksTest, FourTrainAsOneAndAnyNumberResumes) {
  ASSERT_EQ(Train(0, "one").exit_code, 0);
  auto result = Train(4, "four");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ExpectSameTraining("four", "one");
  ASSERT_EQ(Train(3, "resumed", {"--set", "train.epochs=1"}).exit_code, 0);
  result = Train(2, "resumed", {"--resume"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("resumed after step 2 of 4"));
  ExpectSameTraining("resumed", "one");
}

// GeoCLIP's loss: one direction, past coordinates, which all ranks remember alike.
TEST_F(SlowRanksTest, QueuesAreFilledAlike) {
  const std::vector<std::string> queue = {"--set", "model.views=image", "--set", "loss.direction=image_to_gps",
                                          "--set", "loss.queue=24",     "--set", "loss.queue_start=near_zero"};
  ASSERT_EQ(Train(0, "one", queue).exit_code, 0);
  const auto result = Train(2, "two", queue);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ExpectSameTraining("two", "one");
}

// Rank 0 makes them and the others wait for it; those of the photos to validate with are its own.
TEST_F(SlowRanksTest, ShareAFrozenEncodersFeatures) {
  const std::vector<std::string> frozen = {"--set", "train.cache_frozen_features=true", "--set",
                                           "model.image_encoder.freeze=true"};
  ASSERT_EQ(Train(0, "one", frozen).exit_code, 0);
  const auto result = Train(2, "two", frozen);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ExpectSameTraining("two", "one");
}

// What is random is drawn by chunks: with these, N ranks draw as one process does.
TEST_F(SlowRanksTest, ChunksDrawAlikeWithDropout) {
  const std::vector<std::string> chunks = {"--set", "train.chunk_size=3",      "--set", "model.fusion.dropout=0.3",
                                           "--set", "train.batch_norm=frozen", "--set", "loss.gps_noise_m=1000"};
  ASSERT_EQ(Train(0, "one", chunks).exit_code, 0);
  const auto result = Train(2, "two", chunks);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ExpectSameTraining("two", "one");
}

// The statistics are those of the whole batch. (Layers of batch normalisation multiply the last digits, so that single
// weights' gradients are compared with the largest of their tensor.)
TEST_F(SlowRanksTest, BatchNormalisationIsOverAllProcesses) {
  const auto train = [&](int ranks, const std::string& run, const std::string& epochs) {
    const auto result = Train(ranks, run,
                              {"--set", "train.batch_norm=synchronised", "--set", "train.lr=1", "--set",
                               "train.batch_size=24", "--set", "train.epochs=" + epochs});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return ReadWeights(folder_ / run / "checkpoint/last/model.safetensors");
  };
  const auto before = train(0, "before", "0"), one = train(0, "one", "1"), two = train(2, "two", "1");
  for (const auto& [key, tolerance] : {std::pair{"loss", 1e-6}, std::pair{"grad_norm", 1e-5}}) {
    const double expected = Log("one").front()[key];
    EXPECT_NEAR(Log("two").front()[key].get<double>(), expected, tolerance * expected) << key;
  }
  for (const auto& [name, tensor] : one) {
    if (!tensor.is_floating_point()) {
      EXPECT_TRUE(torch::equal(tensor, two.at(name))) << name;
      continue;
    }
    const double gradient = (tensor - before.at(name)).abs().max().item<double>();
    EXPECT_LT((tensor - two.at(name)).abs().max().item<double>(), 1e-6 + 1e-4 * gradient) << name;
  }
}

TEST_F(SlowRanksTest, TheSegmenterTrainsAsOneProcess) {
  const auto train = [&](int ranks, const std::string& run) {
    return Launch(ranks, {"train-segmenter", "--config", "c.yaml", "--set", "run_dir=" + run, "--set",
                          "train_segmenter.epochs=1", "--set", "train_segmenter.batch_size=8", "--set",
                          "model.segmenter.dropout=0", "--set", "model.segmenter.drop_path=0"});
  };
  ASSERT_EQ(train(0, "one").exit_code, 0);
  const auto result = train(2, "two");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto one = Lines(folder_ / "one/train_segmenter.jsonl"), two = Lines(folder_ / "two/train_segmenter.jsonl");
  ASSERT_EQ(one.size(), two.size());
  const auto loss = [](const std::string& line) { return nlohmann::json::parse(line)["loss"].get<double>(); };
  EXPECT_NEAR(loss(one.front()), loss(two.front()), 2e-6);
}

// Files byte for byte.
TEST_F(SlowRanksTest, ShareOtherWork) {
  ASSERT_EQ(Train(0, "run", {"--set", "train.epochs=0"}).exit_code, 0);
  const std::vector<std::string> photos = {"--config",       "c.yaml",   "--photos",
                                           "set/photos.csv", "--images", "set/images"};
  const auto with = [&](std::vector<std::string> begin, std::vector<std::string> end) {
    begin.insert(begin.end(), photos.begin(), photos.end());
    begin.insert(begin.end(), end.begin(), end.end());
    return begin;
  };
  ASSERT_EQ(Launch(0, {"train-segmenter", "--config", "c.yaml", "--set", "train_segmenter.epochs=0"}).exit_code, 0);
  for (const int ranks : {0, 4}) {
    const std::string n = std::to_string(ranks);
    auto result = Launch(ranks, with({"segment"}, {"--out", "masks" + n, "--batch-size", "4"}));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("30 masks in masks" + n));
    result = Launch(ranks, with({"embed", "photos"}, {"--masks", "set/masks", "--out", "f" + n + ".safetensors"}));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    result = Launch(ranks, with({"gallery", "build"}, {"--masks", "set/masks", "--out", "g" + n}));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    result = Launch(ranks, with({"search"}, {"--masks", "set/masks", "--gallery", "g" + n, "--out", "l" + n + ".csv"}));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    if (ranks == 0) continue;
    EXPECT_EQ(ReadText("f" + n + ".safetensors"), ReadText("f0.safetensors"));
    for (const char* file : {"/items.csv", "/index.faiss"})
      EXPECT_EQ(ReadText("g" + n + file), ReadText(std::string("g0") + file));
    EXPECT_EQ(ReadText("l" + n + ".csv"), ReadText("l0.csv"));
    for (int i = 0; i < 30; ++i) {
      const std::string mask = "/p" + std::to_string(i) + ".png";
      EXPECT_EQ(ReadText("masks" + n + mask), ReadText("masks0" + mask));
    }
  }
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    EXPECT_THAT(entry.path().filename().string(), Not(HasSubstr("rank"))) << "is left over";
  }
}

TEST_F(SlowRanksTest, WalkARun) {
  const auto run = [&](int ranks, const std::string& folder) {
    return Launch(ranks, {"run", "--config", "c.yaml", "--set", "run_dir=" + folder, "--set", "train.epochs=0", "--set",
                          "run.steps=[train, gallery, search, rerank, predict, evaluate]"});
  };
  const auto one = run(0, "one");
  ASSERT_EQ(one.exit_code, 0) << one.err;
  const auto two = run(2, "two");
  ASSERT_EQ(two.exit_code, 0) << two.err;
  EXPECT_EQ(two.out, one.out);
  for (const char* file : {"/tiny/candidates.csv", "/tiny/predictions.csv", "/tiny/features.safetensors"}) {
    EXPECT_EQ(ReadText(std::string("two") + file), ReadText(std::string("one") + file)) << file;
  }
  EXPECT_THAT(run(2, "two").err, HasSubstr("search-tiny: up to date"));
}

TEST_F(RanksTest, WithOtherOptionsAreRefused) {
  const auto result =
      LaunchShell(2, std::string(DUALGEO_BINARY) + " train --config c.yaml --set train.lr=0.$((RANK + 1))");
  EXPECT_EQ(result.exit_code, 2) << result.err;
  EXPECT_THAT(result.err, HasSubstr("rank 1 was started with another training than rank 0: here train.lr: 0.2, there "
                                    "train.lr: 0.1"));
}

TEST_F(RanksTest, OneThatIsKilledEndsTheOthersWithItsName) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = LaunchShell(
      2, "if [ $RANK = 1 ]; then (until [ -s run/train.jsonl ]; do sleep 0.1; done; kill -9 $$) & fi; exec " +
             std::string(DUALGEO_BINARY) +
             " train --config c.yaml --set train.epochs=100000 --set train.validate_every_epochs=100000");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  EXPECT_NE(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("dualgeo: rank 1 is gone: its connection broke")) << result.err;
}

TEST_F(RanksTest, CommandsOfOneProcessSayWhichAreShared) {
  const EnvironmentScope size("WORLD_SIZE", "2"), rank("RANK", "0"), local("LOCAL_RANK", "0"),
      address("MASTER_ADDR", "127.0.0.1"), port("MASTER_PORT", "29500");
  const auto result = Launch(0, {"config", "--config", "c.yaml"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("works in one process, and the launcher started 2; several share: train"));
}

}  // namespace
}  // namespace dualgeo
