// The whole pipeline through the binary, on a world and a model as small as they get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <thread>

#include "io/safetensors.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SlowRunCommand : public ::testing::Test {
 protected:
  SlowRunCommand() {
    config_ = folder_.Write("tiny.yaml", "extends: " DUALGEO_SOURCE_DIR
                                         "/configs/small.yaml\n"
                                         "name: tiny\n"
                                         "run_dir: run\n"
                                         "run: {steps: [world, train_segmenter, segment, train, gallery, fit_rerank, "
                                         "search, rerank, predict, evaluate, untrained, report]}\n"
                                         "search: {gps_scores: true}\n"
                                         "world: {out: world, places: 3, views: 4, size: 64}\n"
                                         "data:\n"
                                         "  train: {csv: world/train.csv, images: world/images, masks: world/masks}\n"
                                         "  validation: {fraction: 0.2}\n"
                                         "  benchmarks: {query: {csv: world/query.csv, images: world/images}}\n"
                                         "model: {segmenter: {image_size: 64}}\n"
                                         "train_segmenter: {epochs: 1, batch_size: 4}\n"
                                         "train: {epochs: 2, batch_size: 8}\n"
                                         "evaluate: {bootstrap: 100}\n");
  }

  RunResult Run(const std::vector<std::string>& extra = {}) {
    std::vector<std::string> arguments = {"run", "--config", config_.string()};
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    return RunBinary(arguments, folder_.path());
  }

  TemporaryFolder folder_;
  fs::path config_;
};

TEST_F(SlowRunCommand, MakesEveryFileOnceAndLocatesAPhoto) {
  const auto first = Run();
  ASSERT_EQ(first.exit_code, 0) << first.err;
  // Each step says which it is and how long it took; the last lines, what to open and to ask.
  EXPECT_THAT(first.err, AllOf(HasSubstr("(step 1 of 23)"), HasSubstr("train: done in "),
                               HasSubstr("report.html in a browser"), HasSubstr("dualgeo locate PHOTO --run ")));
  EXPECT_THAT(first.out, AllOf(HasSubstr("query"), HasSubstr("rank 1"), HasSubstr("untrained"), HasSubstr("synthetic"),
                               HasSubstr("sign flips over the same 4 photographers")));
  for (const char* file : {"config.yaml",
                           "run.json",
                           "segmenter/best/model.safetensors",
                           "checkpoint/best/model.safetensors",
                           "checkpoint/last/trainer.safetensors",
                           "train.jsonl",
                           "gallery/index.faiss",
                           "gallery/items.csv",
                           "gallery/gallery.json",
                           "features/train.safetensors",
                           "rerank.yaml",
                           "query/features.safetensors",
                           "query/candidates.csv",
                           "query/reranked.csv",
                           "query/predictions.csv",
                           "query/metrics.json",
                           "query/errors.csv",
                           "query/map.svg",
                           "untrained/query/metrics.json",
                           "report.html"}) {
    EXPECT_TRUE(fs::exists(folder_ / "run" / file)) << file;
  }
  EXPECT_THAT(ReadFile(folder_ / "run/query/candidates.csv"), HasSubstr(",gps_score\n"));
  EXPECT_THAT(ReadFile(folder_ / "run/rerank.yaml"), HasSubstr("validation photos"));
  const auto metrics = nlohmann::json::parse(ReadFile(folder_ / "run/query/metrics.json"));
  EXPECT_EQ(metrics["benchmark"], "query");
  EXPECT_EQ(metrics["count"], metrics["answered"]);
  EXPECT_TRUE(metrics["accuracy"].contains("2500"));

  // Nothing has changed: nothing is done, and the same is printed.
  const auto second = Run();
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_EQ(second.out, first.out);
  EXPECT_THAT(second.err,
              AllOf(HasSubstr("train: up to date"), HasSubstr("evaluate-query: up to date"), Not(HasSubstr("epoch"))));

  // Another re-ranking leaves what lies before it alone.
  const auto third = Run({"--set", "rerank.method=dbscan"});
  EXPECT_EQ(third.exit_code, 0) << third.err;
  EXPECT_THAT(third.err,
              AllOf(HasSubstr("search-query: up to date"), Not(HasSubstr("info: rerank-query: up to date"))));

  // A changed input is noticed.
  fs::remove(folder_ / "run/query/candidates.csv");
  const auto fourth = Run({"--set", "rerank.method=dbscan"});
  EXPECT_THAT(fourth.err, AllOf(HasSubstr("gallery: up to date"), Not(HasSubstr("info: search-query: up to date"))));

  const auto photos = ReadFile(folder_ / "world/query.csv");
  const auto line = photos.substr(photos.find('\n') + 1);
  const auto photo = folder_ / "world/images" / line.substr(0, line.find(','));
  const auto located = RunBinary({"locate", photo.string(), "--run", (folder_ / "run").string()}, folder_.path());
  EXPECT_EQ(located.exit_code, 0) << located.err;
  EXPECT_THAT(located.out, AllOf(HasSubstr("  5. "), HasSubstr("openstreetmap.org"), HasSubstr("one half within"),
                                 HasSubstr("90 % in ")));

  const auto text = folder_.Write("not-a-photo.jpg", "hello");
  const auto refused = RunBinary({"locate", text.string(), "--run", (folder_ / "run").string()}, folder_.path());
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("not-a-photo.jpg"));
}

// As the quickstart's does: what the model begins with is the segmenter's encoder. Another segmenter is another model.
TEST_F(SlowRunCommand, TheImageEncoderStartsFromTheSegmenter) {
  const auto run = [&](const std::string& epochs) {
    return Run({"--set", "run.steps=[world, train_segmenter, segment, train, untrained]", "--set",
                "model.image_encoder.type=mit", "--set", "model.image_encoder.preset=tiny", "--set",
                "model.image_encoder.weights=segmenter", "--set", "train_segmenter.epochs=" + epochs});
  };
  ASSERT_EQ(run("1").exit_code, 0);
  const SafetensorsFile segmenter(folder_ / "run/segmenter/best/model.safetensors");
  const SafetensorsFile model(folder_ / "run/untrained/checkpoint/best/model.safetensors");
  int compared = 0;
  for (const std::string& name : segmenter.names()) {
    if (!name.starts_with("segformer.encoder.")) continue;
    EXPECT_TRUE(torch::equal(model.Get("vision_model_rgb." + name), segmenter.Get(name))) << name;
    ++compared;
  }
  EXPECT_GT(compared, 50);
  EXPECT_THAT(run("1").err, HasSubstr("info: train: up to date"));
  EXPECT_THAT(run("2").err, AllOf(HasSubstr("train: done in"), Not(HasSubstr("info: train: up to date"))));
}

// One photo under several names: in the gallery, and asked about.
TEST_F(SlowRunCommand, SaysThatAPhotoIsThereTwice) {
  ASSERT_EQ(Run({"--set", "run.steps=[world, train_segmenter, segment]"}).exit_code, 0);
  const auto photo = [&](const char* table, int row) {
    const std::string text = ReadFile(folder_ / "world" / table);
    std::size_t at = text.find('\n') + 1;
    for (int i = 0; i < row; ++i) at = text.find('\n', at) + 1;
    return folder_ / "world/images" / text.substr(at, text.find(',', at) - at);
  };
  const auto copy = fs::copy_options::overwrite_existing;
  fs::copy_file(photo("train.csv", 0), photo("train.csv", 1), copy);
  fs::copy_file(photo("train.csv", 0), photo("query.csv", 0), copy);
  const auto run = Run({"--set", "run.steps=[train_segmenter, segment, train, gallery, search]"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("photos are byte-identical to another one, in 1 group"),
                             HasSubstr("byte for byte photos of the gallery under another name")));
}

TEST_F(SlowRunCommand, TheSameSeedGivesTheSameBytes) {
  ASSERT_EQ(Run({"--set", "run_dir=a"}).exit_code, 0);
  ASSERT_EQ(Run({"--set", "run_dir=b"}).exit_code, 0);
  for (const char* file : {"checkpoint/last/model.safetensors", "segmenter/last/model.safetensors",
                           "query/candidates.csv", "query/predictions.csv"}) {
    EXPECT_EQ(ReadFile(folder_ / "a" / file), ReadFile(folder_ / "b" / file)) << file;
  }
}

TEST_F(SlowRunCommand, StopsOnControlCAndGoesOn) {
  const pid_t child = fork();
  if (child == 0) {
    if (chdir(folder_.path().c_str()) != 0 || freopen("/dev/null", "w", stderr) == nullptr) _exit(126);
    execl(DUALGEO_BINARY, DUALGEO_BINARY, "run", "--config", config_.c_str(), "--set", "train.epochs=500", nullptr);
    _exit(127);
  }
  // Into the training of the model, then Ctrl-C.
  for (int i = 0; i < 600 && !fs::exists(folder_ / "run/train.jsonl"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  ASSERT_TRUE(fs::exists(folder_ / "run/train.jsonl"));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  kill(child, SIGINT);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_TRUE(fs::exists(folder_ / "run/checkpoint/last/model.safetensors"));
  EXPECT_FALSE(fs::exists(folder_ / "run/gallery"));

  const auto next = Run();
  EXPECT_EQ(next.exit_code, 0) << next.err;
  EXPECT_THAT(next.err, HasSubstr("segment-train: up to date"));
}

// Killed while a model is made anew with other settings: the config of the old one speaks of nothing that is there.
TEST_F(SlowRunCommand, AKilledNewTrainingLeavesNoConfigOfTheOldOne) {
  ASSERT_EQ(Run({"--set", "run.steps=[world, train_segmenter, segment, train, gallery]"}).exit_code, 0);
  const std::string old_config = ReadFile(folder_ / "run/config.yaml");
  fs::remove(folder_ / "run/train.jsonl");
  const pid_t child = fork();
  if (child == 0) {
    if (chdir(folder_.path().c_str()) != 0 || freopen("/dev/null", "w", stderr) == nullptr) _exit(126);
    execl(DUALGEO_BINARY, DUALGEO_BINARY, "run", "--config", config_.c_str(), "--set", "train.epochs=500", "--set",
          "train.batch_size=4", "--set", "run.steps=[world, train_segmenter, segment, train, gallery]", nullptr);
    _exit(127);
  }
  for (int i = 0; i < 600 && !fs::exists(folder_ / "run/train.jsonl"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(fs::exists(folder_ / "run/train.jsonl"));
  EXPECT_FALSE(fs::exists(folder_ / "run/config.yaml"));
  const auto locate = RunBinary({"locate", "--run", "run", "world/images"}, folder_.path());
  EXPECT_EQ(locate.exit_code, 2);
  EXPECT_THAT(locate.err, HasSubstr("not a finished run"));
  // The same settings as at first: they make a run of its own again, whose config is the one of before.
  ASSERT_EQ(Run({"--set", "run.steps=[world, train_segmenter, segment, train, gallery]"}).exit_code, 0);
  EXPECT_EQ(ReadFile(folder_ / "run/config.yaml"), old_config);
  EXPECT_FALSE(fs::exists(folder_ / "run/steps/config.yaml.before"));
}

TEST(RunCommand, AConfigThatSomebodyWroteIsNotReplaced) {
  TemporaryFolder folder;
  const std::string config = "run: {steps: [train]}\n";
  folder.Write("config.yaml", config);
  const auto run = RunBinary({"run", "--config", "config.yaml", "--set", "run_dir=."}, folder.path());
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("holds a config.yaml that no run has made"));
  EXPECT_EQ(ReadFile(folder / "config.yaml"), config);
}

TEST(RunCommand, NamesWhatIsMissing) {
  TemporaryFolder folder;
  const auto nothing = RunBinary({"run"}, folder.path());
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("data.train.csv"));
  const auto locate = RunBinary({"locate", "x.jpg", "--run", "nowhere"}, folder.path());
  EXPECT_EQ(locate.exit_code, 2);
  EXPECT_THAT(locate.err, HasSubstr("not a finished run"));
  const auto twice =
      RunBinary({"run", "--set", "run.steps=[fit_rerank]", "--set", "rerank.parameters=p.yaml"}, folder.path());
  EXPECT_EQ(twice.exit_code, 2);
  EXPECT_THAT(twice.err, HasSubstr("run.steps holds fit_rerank, and rerank.parameters is set as well"));
  const auto name = RunBinary(
      {"run", "--set", "data.train.csv=a", "--set", "data.train.images=b", "--set", "data.benchmarks.masks.csv=c"},
      folder.path());
  EXPECT_EQ(name.exit_code, 2);
  EXPECT_THAT(name.err, HasSubstr("'masks' cannot be a benchmark's name"));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace dualgeo
