#include "train/train_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "dualgeo/util/error.h"
#include "runtime/views.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_set.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// The places of photos from their mean colours, by least squares; step `broken` has a loss that is no number.
class PlaceTask : public TrainTask {
 public:
  explicit PlaceTask(int broken) : broken_(broken), layer_(3, 2) {}
  torch::nn::Module& module() override { return *layer_; }
  void Initialise() override {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : layer_->parameters()) parameter.fill_(0.25);
  }
  TrainingLoss Loss(const Batch& batch) override {
    const auto error = layer_(batch.pixels.mean({2, 3})) - batch.latlon.to(torch::kFloat32) / 90;
    const double factor = ++steps_ == broken_ ? std::numeric_limits<double>::quiet_NaN() : 1;
    const auto loss = error.square().mean() * factor;
    return {loss, {{"squares", loss}}};
  }
  std::vector<NamedTensors> Outputs(const Batch&) override { return {}; }
  TrainingLoss LossOf(const std::vector<NamedTensors>&, const BatchPhotos&) override { return {}; }
  std::map<std::string, double> Validate(const std::function<std::optional<Batch>()>& next) override {
    double sum = 0;
    while (const auto batch = next()) sum += Loss(*batch).total.item<double>();
    return {{"loss", sum}};
  }
  std::string criterion() const override { return "loss"; }
  bool higher_is_better() const override { return false; }

 private:
  int broken_;
  int steps_ = 0;
  torch::nn::Linear layer_;
};

class TrainLoopTest : public ::testing::Test {
 protected:
  TrainLoopTest() { WriteTinySet(set_, 36); }

  // clip: below every gradient's norm, so that each step is clipped.
  void Train(const std::string& run, bool late, bool as_bytes = false, int broken = 0, double clip = 1e-3) {
    const TrainJob job = TinyJob(set_, folder_ / run);
    ViewOptions view = SegmenterViews(TinySegmenter(), /*with_masks=*/false, 0);
    view.as_bytes = as_bytes;
    const TrainingSets sets = OpenTrainingSets(job.data, view, view, 3);
    TrainOptions options = TinyTraining(3);
    options.clip_grad_norm = clip;
    options.checkpoint_every_steps = 0;
    const fs::path log = job.run_dir / "train.jsonl";
    TrainingFolder folder(job.run_dir / "checkpoint", log, Existing::kRefuse, {});
    PlaceTask task(broken);
    const TrainLoop loop{.name = "train",
                         .job = job,
                         .sets = sets,
                         .options = options,
                         .device = torch::kCPU,
                         .log = log,
                         .numbers_late = late};
    RunTrainLoop(task, loop, folder);
  }
  std::string Weights(const std::string& run) const {
    return Bytes(folder_ / run / "checkpoint" / "last" / "model.safetensors");
  }
  std::vector<nlohmann::json> Log(const std::string& run) const {
    std::vector<nlohmann::json> lines;
    for (const auto& line : Lines(folder_ / run / "train.jsonl")) {
      lines.push_back(nlohmann::json::parse(line));
      lines.back().erase("photos_per_second");
    }
    return lines;
  }

  TemporaryFolder folder_;
  fs::path set_ = folder_ / "set";
};

TEST_F(TrainLoopTest, NumbersReadLateAreTheSame) {
  Train("each step", false);
  Train("late", true);
  EXPECT_EQ(Weights("each step"), Weights("late"));
  EXPECT_EQ(Log("each step"), Log("late"));
  EXPECT_EQ(Log("late").size(), 15 + 3);
  EXPECT_GT(Log("late").front()["grad_norm"].get<double>(), 1e-3);
  EXPECT_EQ(Log("late").front()["squares"], Log("late").front()["loss"]);
  Train("not clipped", true, false, 0, 0);
  EXPECT_NE(Weights("not clipped"), Weights("late"));
}

TEST_F(TrainLoopTest, NumbersReadLateNameTheStepAndKeepNothingBroken) {
  for (const bool late : {false, true}) {
    const std::string run = late ? "late" : "each step";
    // Step 8 is the third of the second epoch, before which a pass over the validation photos is one "step" more.
    const std::string message = MessageOf<Error>([&] { Train(run, late, false, 9); });
    EXPECT_THAT(message, HasSubstr("train: the loss is nan at step 8")) << run;
    EXPECT_THAT(message, HasSubstr("(the last checkpoint is of step 5)")) << run;
    EXPECT_EQ(ReadTrainerState(folder_ / run / "checkpoint" / "last").at("step").item<std::int64_t>(), 5) << run;
    EXPECT_EQ(Log(run).back()["step"], 7) << run;
  }
}

TEST_F(TrainLoopTest, PhotosMayComeAsBytes) {
  Train("numbers", false);
  Train("bytes", true, true);
  const auto numbers = Log("numbers"), bytes = Log("bytes");
  ASSERT_EQ(numbers.size(), bytes.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!numbers[i].contains("grad_norm")) continue;
    EXPECT_NEAR(numbers[i]["loss"].get<double>(), bytes[i]["loss"].get<double>(), 1e-6) << i;
    EXPECT_NEAR(numbers[i]["grad_norm"].get<double>(), bytes[i]["grad_norm"].get<double>(), 1e-5) << i;
  }
}

}  // namespace
}  // namespace dualgeo
