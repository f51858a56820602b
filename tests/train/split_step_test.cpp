// Batches in chunks (train.chunk_size): the same step as with whole ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dualgeo/geo/partition.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "src/train/split_step.h"
#include "tests/support/small_clip_vocabulary.h"
#include "tests/train/tiny_set.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

struct SplitCase {
  std::string name;
  ModelOptions model;
  LossOptions loss;
};

class SplitStepTest : public ::testing::Test {
 protected:
  SplitStepTest() {
    WriteTinySet(set_, 18);
    // Scenes and heights, one of them unknown.
    std::string table = "IMG_ID,LAT,LON,SCENE,HEIGHT,city\n";
    for (int i = 0; i < 18; ++i) {
      table += "p" + std::to_string(i) + ".png," + std::to_string(-60 + 6 * i) + "," + std::to_string(-170 + 19 * i) +
               "," +
               (i == 5       ? ""
                : i % 2 == 0 ? "indoor"
                             : "urban") +
               "," + std::to_string(10 * i * i) + "," + (i == 7 ? "" : "city" + std::to_string(i)) + "\n";
    }
    WriteFileAtomically(set_ / "photos.csv", table);
    std::vector<PartitionCell> cells;
    for (int face = 0; face < 5; ++face) {
      cells.push_back({std::ssize(cells), {S2Cell::Face(face)}, 1, S2Cell::Face(face).Center()});
    }
    Partition(cells).Write(set_ / "cells.csv");
  }

  // Nothing random, and no layer that sees the whole batch.
  std::vector<SplitCase> Cases() const {
    ModelOptions base = TinyModel();
    base.fusion.dropout = 0;
    base.segmentation_encoder.type = "mit";
    ModelOptions image = base;
    image.views = "image";
    std::vector<SplitCase> cases = {{"dual view", base, {}}};
    LossOptions queue;
    queue.direction = "image_to_gps";
    queue.queue = 36;
    queue.queue_start = "near_zero";
    cases.push_back({"one direction with a queue", image, queue});
    queue.direction = "both";
    cases.push_back({"both directions with a queue", base, queue});
    ModelOptions text = image;
    text.heads = {"contrastive_text"};
    text.text_encoder.preset = "vit-tiny";
    text.text_encoder.width = 16;
    text.text_encoder.layers = 1;
    text.text_encoder.heads = 2;
    text.text_encoder.vocabulary_size = 528;
    text.text_encoder.freeze = false;
    text.text_encoder.vocabulary = WriteSmallClipVocabulary(folder_).string();
    text.contrastive_text.captions = {"In {city}."};
    cases.push_back({"contrastive_text", text, {}});
    ModelOptions cells = base;
    cells.heads = {"cells"};
    cells.cells.partitions = {(set_ / "cells.csv").string()};
    cases.push_back({"cells", cells, {}});
    ModelOptions attributes = image;
    attributes.heads = {"attributes", "contrastive_gps"};
    attributes.attributes["scene"].column = "SCENE";
    attributes.attributes["height"].column = "HEIGHT";
    attributes.attributes["height"].type = "value";
    attributes.attributes["height"].scale = "symlog";
    cases.push_back({"attributes beside contrastive_gps", attributes, {}});
    return cases;
  }

  // One step of descent at rate 1: the weights move by the gradient.
  TensorMap Step(const SplitCase& one, int chunk, const std::string& run, int epochs = 1) const {
    TrainJob job = TinyJob(set_, folder_ / run);
    job.data.validation.fraction = 0;
    TrainOptions train;
    train.epochs = epochs;
    train.batch_size = 18;
    train.chunk_size = chunk;
    train.optimizer = "sgd";
    train.momentum = 0;
    train.weight_decay = 0;
    train.lr = 1;
    train.schedule.type = "constant";
    return ReadWeights(TrainModel(job, one.model, one.loss, train).last / "model.safetensors");
  }

  nlohmann::json LastLine(const std::string& run) const {
    return nlohmann::json::parse(Lines(folder_ / run / "train.jsonl").back());
  }

  TemporaryFolder folder_;
  std::filesystem::path set_ = folder_ / "set";
};

TEST_F(SplitStepTest, HasTheGradientsOfTheWholeBatch) {
  for (const SplitCase& one : Cases()) {
    const TensorMap before = Step(one, 0, one.name + " before", 0);
    const TensorMap whole = Step(one, 0, one.name + " whole");
    const std::string run = one.name + " in chunks";
    SCOPED_TRACE(run);
    const TensorMap split = Step(one, 4, run);
    ASSERT_EQ(split.size(), whole.size());
    double moved = 0;
    for (const auto& [name, weights] : whole) {
      if (!weights.is_floating_point()) {
        EXPECT_TRUE(torch::equal(split.at(name), weights)) << name;
        continue;
      }
      const auto difference = (split.at(name) - weights).nan_to_num().abs().max().item<double>();
      const bool queue = name.starts_with("gps_queue");
      const double gradient = queue ? 0 : (weights - before.at(name)).abs().max().item<double>();
      EXPECT_LT(difference, 1e-5 * std::max(1.0, gradient)) << name;
      moved = std::max(moved, gradient);
    }
    EXPECT_GT(moved, 1e-2);
    for (const char* key : {"loss", "grad_norm"}) {
      const double expected = LastLine(one.name + " whole")[key].get<double>();
      EXPECT_NEAR(LastLine(run)[key].get<double>(), expected, 1e-6 * std::max(1.0, expected)) << key;
    }
  }
}

TEST_F(SplitStepTest, ALargeChunkIsTheWholeBatchByteForByte) {
  const SplitCase one = Cases().front();
  Step(one, 0, "whole");
  Step(one, 18, "chunk");
  EXPECT_EQ(Bytes(folder_ / "whole/checkpoint/last/model.safetensors"),
            Bytes(folder_ / "chunk/checkpoint/last/model.safetensors"));
}

// A layer with dropout, and a loss in which every photo meets every other.
class DropoutTask : public TrainTask {
 public:
  DropoutTask() : layer_(4, 3) {}
  torch::nn::Module& module() override { return *layer_; }
  TrainingLoss Loss(const Batch&) override { return {}; }
  std::vector<NamedTensors> Outputs(const Batch& piece) override {
    return {{{"y", torch::dropout(layer_(piece.pixels), 0.5, true)}}};
  }
  TrainingLoss LossOf(const std::vector<NamedTensors>& outputs, const BatchPhotos& photos) override {
    EXPECT_EQ(photos.indices, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6}));
    const auto y = Find(outputs[0], "y");
    return {torch::logsumexp(y.matmul(y.t()), 1).sum(), {}};
  }
  std::map<std::string, double> Validate(const std::function<std::optional<Batch>()>&) override { return {}; }
  std::string criterion() const override { return "loss"; }
  bool higher_is_better() const override { return false; }

 private:
  torch::nn::Linear layer_;
};

TEST(SplitStep, DrawsTheSameInBothPasses) {
  torch::manual_seed(1);
  DropoutTask task;
  const auto x = torch::randn({7, 4});
  std::vector<SplitStep::Piece> pieces;
  std::vector<torch::Tensor> whole;
  for (std::int64_t begin = 0; begin < 7; begin += 3) {
    const std::int64_t end = std::min<std::int64_t>(begin + 3, 7);
    Batch batch;
    batch.pixels = x.slice(0, begin, end);
    batch.latlon = torch::zeros({end - begin, 2}, torch::kFloat64);
    for (std::int64_t i = begin; i < end; ++i) batch.indices.push_back(i);
    const auto seed = static_cast<std::uint64_t>(10 + begin);
    torch::manual_seed(seed);
    whole.push_back(task.Outputs(batch)[0][0].second);
    pieces.push_back({std::move(batch), seed});
  }
  const auto y = torch::cat(whole);
  const auto loss = torch::logsumexp(y.matmul(y.t()), 1).sum();
  loss.backward();
  std::vector<torch::Tensor> gradients;
  for (auto& parameter : task.module().parameters()) {
    gradients.push_back(parameter.grad().clone());
    parameter.mutable_grad().zero_();
  }
  SplitStep step(task, AllProcesses(), std::move(pieces), 5);
  const auto split = step.Loss();
  EXPECT_EQ(split.total.item<float>(), loss.item<float>());
  step.Backward(split.total);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    EXPECT_TRUE(torch::allclose(task.module().parameters()[i].grad(), gradients[i], 1e-5, 1e-6));
    EXPECT_GT(gradients[i].abs().max().item<float>(), 0.1);
  }
}

TEST_F(SplitStepTest, RefusesWhereItWouldNotBeExact) {
  const auto said = [&](const SplitCase& one) {
    return MessageOf<InputError>([&] { Step(one, 6, "refused " + one.name); });
  };
  SplitCase one = Cases().front();
  one.model.segmentation_encoder.type = "resnet18";
  one.name = "batch norm";
  EXPECT_THAT(said(one), HasSubstr("train.chunk_size: 6: the network has batch normalisation, and the statistics of a "
                                   "chunk are not those of the batch"));
  one = Cases().front();
  one.model.fusion.scope = "batch";
  EXPECT_EQ(said(one),
            "train.chunk_size: 6: with model.fusion.scope batch a photo's vector depends on the others of its batch");
}

TEST_F(SplitStepTest, FrozenBatchNormKeepsItsStatistics) {
  SplitCase one = Cases().front();
  one.model.segmentation_encoder.type = "resnet18";
  const auto step = [&](int chunk, const std::string& run) {
    TrainJob job = TinyJob(set_, folder_ / run);
    job.data.validation.fraction = 0;
    TrainOptions train = TinyTraining(1);
    train.batch_size = 18;
    train.chunk_size = chunk;
    train.batch_norm = "frozen";
    return ReadWeights(TrainModel(job, one.model, one.loss, train).last / "model.safetensors");
  };
  const TensorMap whole = step(0, "whole"), split = step(6, "split");
  const std::string mean = "semantic_encoder.features.1.running_mean";
  EXPECT_EQ(whole.at(mean).abs().max().item<float>(), 0);
  for (const auto& [name, weights] : whole) {
    if (!weights.is_floating_point()) continue;
    EXPECT_LT((split.at(name) - weights).abs().max().item<double>(), 1e-3) << name;  // AdamW: up to its rate
  }
}

}  // namespace
}  // namespace dualgeo
