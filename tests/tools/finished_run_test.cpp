// A finished run, and what makes its steps begin again: each case is a copy of one tiny run with one change. Whatever
// happens, nothing that was there is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <set>
#include <thread>

#include "dualgeo/util/hash.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Names = std::set<std::string>;

// Contents of all files but records, locks and caches, by path.
std::map<std::string, std::string> Snapshot(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().lexically_relative(folder).string();
    const bool own = path.find("steps/") != std::string::npos || entry.path().filename() == ".lock" ||
                     entry.path().filename() == "checked.json";
    if (entry.is_regular_file() && !own) files[path] = Sha256File(entry.path());
  }
  return files;
}

class SlowFinishedRun : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    finished_ = new TemporaryFolder;
    finished_->Write(
        "tiny.yaml",
        "extends: " DUALGEO_SOURCE_DIR
        "/configs/small.yaml\n"
        "name: tiny\n"
        "run_dir: run\n"
        "run: {steps: [world, train_segmenter, segment, train, gallery, search, rerank, predict, evaluate, "
        "report]}\n"
        "world: {out: world, places: 2, views: 4, size: 64}\n"
        "data:\n"
        "  train: {csv: train.csv, images: world/images, masks: world/masks}\n"
        "  validation: {csv: validation.csv}\n"
        "  segmenter: {csv: world/train.csv, images: world/images, masks: world/masks}\n"
        "  benchmarks: {query: {csv: query.csv, images: world/images}}\n"
        "model: {segmenter: {image_size: 64}}\n"
        "train_segmenter: {epochs: 1, batch_size: 4, schedule: {type: constant}}\n"
        "train: {epochs: 1, batch_size: 4, schedule: {type: constant}}\n"
        "evaluate: {bootstrap: 20}\n");
    // The tables are the user's own, beside the world.
    const auto world =
        RunBinary({"world", "--out", "world", "--places", "2", "--views", "4", "--size", "64"}, finished_->path());
    ASSERT_EQ(world.exit_code, 0) << world.err;
    const std::string train = ReadFile(*finished_ / "world/train.csv");
    finished_->Write("train.csv", train);
    finished_->Write("query.csv", ReadFile(*finished_ / "world/query.csv"));
    finished_->Write("validation.csv",
                     train.substr(0, train.find('\n', train.find('\n', train.find('\n') + 1) + 1) + 1));
    const auto run = RunIn(finished_->path(), {});
    ASSERT_EQ(run.exit_code, 0) << run.err;
  }
  static void TearDownTestSuite() {
    delete finished_;
    finished_ = nullptr;
  }

  SlowFinishedRun() { fs::copy(finished_->path(), folder_.path(), fs::copy_options::recursive); }

  static RunResult RunIn(const fs::path& folder, const std::vector<std::string>& extra) {
    std::vector<std::string> arguments = {"run", "--config", "tiny.yaml"};
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    return RunBinary(arguments, folder);
  }
  RunResult Run(const std::vector<std::string>& extra = {}) { return RunIn(folder_.path(), extra); }

  // The steps that were not up to date.
  Names Began(const RunResult& result) const {
    Names names;
    for (const auto& entry : fs::directory_iterator(folder_ / "run/steps")) {
      const std::string name = entry.path().stem().string();
      if (entry.path().extension() != ".json") continue;
      const std::string says = "info: " + name;
      const auto has = [&](const std::string& text) { return result.err.find(text) != std::string::npos; };
      if (has(says + ": up to date")) continue;
      if (has(says + ":") || has(says + "\n")) names.insert(name);  // the others are no steps of this run
    }
    return names;
  }

  // Runs and checks that exactly these steps began, that nothing was lost, and that a second run does nothing.
  RunResult Expect(const Names& steps, const std::vector<std::string>& extra = {}) {
    const auto before = Snapshot(folder_ / "run");
    const RunResult result = Run(extra);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(Began(result), steps) << result.err;
    std::multiset<std::string> contents;
    for (const auto& [path, hash] : Snapshot(folder_ / "run")) contents.insert(hash);
    for (const auto& [path, hash] : before) {
      // What the run itself is about is rewritten when its outputs are.
      if (path == "config.yaml" || path == "run.json") continue;
      EXPECT_TRUE(contents.contains(hash)) << path << " is lost\n" << result.err;
    }
    EXPECT_EQ(Began(Run(extra)), Names()) << "the second time";
    return result;
  }

  static TemporaryFolder* finished_;
  TemporaryFolder folder_;
};

TemporaryFolder* SlowFinishedRun::finished_ = nullptr;

const Names kAfterCheckpoint = {"embed-train",  "embed-query",   "gallery",        "search-query",
                                "rerank-query", "predict-query", "evaluate-query", "report"};
Names With(Names names, const Names& more) {
  names.insert(more.begin(), more.end());
  return names;
}

TEST_F(SlowFinishedRun, ACopyIsFinishedToo) { Expect({}); }

TEST_F(SlowFinishedRun, WhatAffectsNoResultBeginsNothing) {
  for (const auto& set : std::vector<std::vector<std::string>>{
           {"train.log_every_steps=7", "train.checkpoint_every_steps=1", "train.validate_every_epochs=2"},
           {"train_segmenter.log_every_steps=7", "train_segmenter.checkpoint_every_steps=1",
            "train_segmenter.validate_every_epochs=2"},
           {"data.loader.workers=1", "data.loader.prefetch=2", "data.loader.cache_megabytes=0", "threads=2"},
           {"name=other", "device=cpu"},
           {"run_dir=./run"},
           {"run_dir=" + (folder_ / "run").string()},
           {"data.train.images=./world/images/", "data.benchmarks.query.images=" + (folder_ / "world/images").string()},
           {"data.train.csv=./train.csv", "data.validation.csv=" + (folder_ / "validation.csv").string()},
           {"world.out=./world/"},
           {"world.out=" + (folder_ / "world").string()}}) {
    std::vector<std::string> arguments;
    for (const auto& one : set) arguments.insert(arguments.end(), {"--set", one});
    EXPECT_EQ(Began(Run(arguments)), Names()) << set.front();
  }
  EXPECT_THAT(RunBinary({"runs", "run"}, folder_.path()).out, HasSubstr("nothing is set aside"));
}

TEST_F(SlowFinishedRun, FilesThatNobodyAskedForBeginNothing) {
  folder_.Write("world/images/Thumbs.db", "x");
  const auto id = ReadFile(folder_ / "train.csv").substr(ReadFile(folder_ / "train.csv").find('\n') + 1);
  const fs::path photo = folder_ / "world/images" / id.substr(0, id.find(','));
  fs::copy_file(photo, folder_ / "world/images/unrelated.jpg");
  fs::last_write_time(photo, fs::file_time_type::clock::now());
  folder_.Write("run/checkpoint/best/notes.txt", "the user's own");
  folder_.Write("run/masks/train/Thumbs.db", "x");
  Expect({});
  std::ofstream(folder_ / "train.csv", std::ios::app) << "\n\n";
  std::ofstream(folder_ / "query.csv", std::ios::app) << "\n";
  Expect({});
  // The same photos under another name; and behind a link.
  fs::rename(folder_ / "world/images", folder_ / "photos");
  fs::create_directory_symlink(folder_ / "photos", folder_ / "world/images");
  Expect({});
  Expect({}, {"--set", "data.train.images=photos", "--set", "data.benchmarks.query.images=photos/"});
  // The program's version is recorded, not compared.
  const std::string record = ReadFile(folder_ / "run/steps/train.json");
  const auto at = record.find("\"version\"");
  folder_.Write("run/steps/train.json", record.substr(0, at) + "\"version\": \"9.9\", \"was" + record.substr(at + 1));
  Expect({});
}

TEST_F(SlowFinishedRun, OneLostMaskIsMadeAgainAndNothingElse) {
  const auto masks = Snapshot(folder_ / "run/masks");
  fs::remove(folder_ / "run/masks" / masks.begin()->first);
  Expect({masks.begin()->first.starts_with("train/") ? "segment-train" : "segment-query"});
  const auto after = Snapshot(folder_ / "run/masks");
  for (const auto& [path, hash] : masks) EXPECT_EQ(after.at(path), hash) << path;
}

TEST_F(SlowFinishedRun, ALostWorldPhotoIsMadeAgainAndNothingElse) {
  const auto images = Snapshot(folder_ / "world/images");
  ASSERT_EQ(fs::remove(folder_ / "world/images" / images.begin()->first), true);
  Expect({"world"});
  EXPECT_EQ(Snapshot(folder_ / "world/images"), images);
}

TEST_F(SlowFinishedRun, ASettingThatCountsSetsTheOldModelAsideAndSaysWhy) {
  const auto weights = ReadFile(folder_ / "run/checkpoint/best/model.safetensors");
  const auto result = Expect(With(kAfterCheckpoint, {"train"}), {"--set", "train.lr=0.002"});
  EXPECT_THAT(result.err, HasSubstr("train: train.lr: 0.001 then, 0.002 now"));
  EXPECT_EQ(ReadFile(folder_ / "run/checkpoint.old-1/best/model.safetensors"), weights);
  EXPECT_TRUE(fs::exists(folder_ / "run/train.jsonl.old-1"));
  const auto listed = RunBinary({"runs", "run"}, folder_.path());
  EXPECT_THAT(listed.out,
              AllOf(HasSubstr("run/checkpoint.old-1\t"), HasSubstr("train: train.lr: 0.001 then, 0.002 now"),
                    HasSubstr("run/gallery.old-1\t"), HasSubstr("MiB\t20")));
  folder_.Write("run/mine.old-1", "the user's own");
  const auto kept = ReadFile(folder_ / "run/checkpoint/best/model.safetensors");
  EXPECT_THAT(RunBinary({"runs", "run", "--prune"}, folder_.path()).out, HasSubstr("removed run/checkpoint.old-1\t"));
  EXPECT_FALSE(fs::exists(folder_ / "run/checkpoint.old-1"));
  EXPECT_TRUE(fs::exists(folder_ / "run/mine.old-1"));
  EXPECT_EQ(ReadFile(folder_ / "run/checkpoint/best/model.safetensors"), kept);
  EXPECT_EQ(Began(Run({"--set", "train.lr=0.002"})), Names());
  EXPECT_EQ(RunBinary({"runs", "nowhere"}, folder_.path()).exit_code, 2);
}

TEST_F(SlowFinishedRun, InputsThatChangedCountByContent) {
  // Another column: the coordinates of the training table, and with them the gallery.
  std::string table = ReadFile(folder_ / "train.csv");
  table.insert(table.find('\n'), ",LAT2");
  for (auto at = table.find('\n', table.find('\n') + 1); at != std::string::npos; at = table.find('\n', at + 5)) {
    table.insert(at, ",1.5");
  }
  folder_.Write("train.csv", table);
  Expect({});
  const std::vector<std::string> columns = {"--set", "data.train.columns.lat=LAT2"};
  Expect(With(kAfterCheckpoint, {"train"}), columns);
  // Validation photos of their own choose `best`.
  const std::string validation = ReadFile(folder_ / "validation.csv");
  folder_.Write("validation.csv", validation.substr(0, validation.find('\n', validation.find('\n') + 1) + 1));
  EXPECT_THAT(Began(Run(columns)), ::testing::Contains("train"));
}

TEST_F(SlowFinishedRun, APhotoBehindALinkedFolderCounts) {
  const std::string rows = ReadFile(folder_ / "query.csv").substr(ReadFile(folder_ / "query.csv").find('\n') + 1);
  const fs::path photo = rows.substr(0, rows.find(','));
  const fs::path place = folder_ / "world/images" / photo.parent_path();
  fs::rename(place, folder_ / "elsewhere");
  fs::create_directory_symlink(folder_ / "elsewhere", place);
  Expect({});
  fs::path other;
  for (const auto& entry : fs::directory_iterator(folder_ / "elsewhere")) {
    if (entry.path().filename() != photo.filename()) other = entry.path();
  }
  fs::copy_file(other, folder_ / "elsewhere" / photo.filename(), fs::copy_options::overwrite_existing);
  EXPECT_THAT(Began(Run()), AllOf(::testing::Contains("segment-query"), ::testing::Contains("embed-query"),
                                  Not(::testing::Contains("train"))));
}

TEST_F(SlowFinishedRun, WeightFilesCountByContent) {
  const std::vector<std::string> from = {
      "--set", "model.segmenter.weights=seg.safetensors", "--set",
      "run.steps=[world, segment, train, gallery, search, rerank, predict, evaluate, "
      "report]"};
  fs::copy_file(folder_ / "run/segmenter/best/model.safetensors", folder_ / "seg.safetensors");
  Expect({}, from);
  // The same bytes again, in another file.
  fs::copy_file(folder_ / "seg.safetensors", folder_ / "other.safetensors");
  fs::rename(folder_ / "other.safetensors", folder_ / "seg.safetensors");
  Expect({}, from);
  // Other bytes: the same numbers as another program writes them. The masks come out equal, so nothing is
  // trained or searched anew; the report shows the config, which is now that of the masks.
  const auto converted = RunBinary({"weights", "convert", "seg.safetensors", "other.safetensors"}, folder_.path());
  ASSERT_EQ(converted.exit_code, 0) << converted.err;
  ASSERT_NE(ReadFile(folder_ / "other.safetensors"), ReadFile(folder_ / "seg.safetensors"));
  fs::rename(folder_ / "other.safetensors", folder_ / "seg.safetensors");
  Expect({"segment-train", "segment-query", "report"}, from);
}

TEST_F(SlowFinishedRun, MoreEpochsContinue) {
  const auto result = Expect(With(kAfterCheckpoint, {"train"}), {"--set", "train.epochs=2"});
  EXPECT_THAT(result.err, HasSubstr("resumed after step"));
  EXPECT_TRUE(fs::exists(folder_ / "run/checkpoint.old-1/best/model.safetensors"));  // of one epoch
}

TEST_F(SlowFinishedRun, FewerEpochsAreAnotherModel) {
  Expect(With(kAfterCheckpoint, {"train"}), {"--set", "train.epochs=0"});
  EXPECT_TRUE(fs::exists(folder_ / "run/checkpoint.old-1/best/model.safetensors"));
}

TEST_F(SlowFinishedRun, WhatTrainResumeDidIsKept) {
  const auto longer = RunBinary({"train", "--config", "tiny.yaml", "--resume", "--set", "train.epochs=2", "--set",
                                 "data.train.masks=run/masks/train"},
                                folder_.path());
  ASSERT_EQ(longer.exit_code, 0) << longer.err;
  const auto weights = ReadFile(folder_ / "run/checkpoint/last/model.safetensors");
  Expect(kAfterCheckpoint);
  EXPECT_EQ(ReadFile(folder_ / "run/checkpoint/last/model.safetensors"), weights);
  EXPECT_EQ(Began(Run({"--set", "train.epochs=2"})).contains("gallery"), false);
  EXPECT_EQ(ReadFile(folder_ / "run/checkpoint/last/model.safetensors"), weights);
}

TEST_F(SlowFinishedRun, LostRecordsCostNoTraining) {
  const auto weights = ReadFile(folder_ / "run/checkpoint/best/model.safetensors");
  fs::remove_all(folder_ / "run/steps");
  const auto before = Snapshot(folder_ / "run");
  const auto result = Run();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("train: up to date"), HasSubstr("train_segmenter: up to date"),
                                HasSubstr("world: up to date")));
  EXPECT_EQ(ReadFile(folder_ / "run/checkpoint/best/model.safetensors"), weights);
  std::set<std::string> after;
  for (const auto& [path, hash] : Snapshot(folder_ / "run")) after.insert(hash);
  for (const auto& [path, hash] : before) EXPECT_TRUE(after.contains(hash)) << path;
  EXPECT_EQ(Began(Run()), Names());
}

TEST_F(SlowFinishedRun, TrainAndThenRunTrainsOnce) {
  fs::remove_all(folder_ / "run/checkpoint");
  fs::remove(folder_ / "run/steps/train.json");
  ASSERT_EQ(RunBinary({"train", "--config", "tiny.yaml"}, folder_.path()).exit_code, 0);
  EXPECT_THAT(Run().err, HasSubstr("train: up to date"));
}

// Over finished work, a try with other settings that ends at once.
TEST_F(SlowFinishedRun, AFullDiskLeavesTheOldModel) {
  const auto before = Snapshot(folder_ / "run");
  const pid_t child = fork();
  if (child == 0) {
    // Every file beyond 20 kB is as on a full disk.
    const rlimit limit = {20'000, 20'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    if (chdir(folder_.path().c_str()) != 0 || freopen("err", "w", stderr) == nullptr) _exit(126);
    execl(DUALGEO_BINARY, DUALGEO_BINARY, "run", "--config", "tiny.yaml", "--set", "train.lr=0.002", nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 1) << ReadFile(folder_ / "err");
  EXPECT_EQ(Snapshot(folder_ / "run"), before) << ReadFile(folder_ / "err");
  Expect({});
}

TEST_F(SlowFinishedRun, ControlCInTheFirstMomentLeavesTheOldModel) {
  const auto before = Snapshot(folder_ / "run");
  const pid_t child = fork();
  if (child == 0) {
    if (chdir(folder_.path().c_str()) != 0 || freopen("err", "w", stderr) == nullptr) _exit(126);
    execl(DUALGEO_BINARY, DUALGEO_BINARY, "run", "--config", "tiny.yaml", "--set", "train.lr=0.002", "--set",
          "train.epochs=1000", nullptr);
    _exit(127);
  }
  for (int i = 0; i < 3000 && !fs::exists(folder_ / "run/checkpoint.old-1"); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(child, SIGINT);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 130);
  // Either the old model is back, or it is set aside and a new one is under way.
  const bool under_way = fs::exists(folder_ / "run/checkpoint.old-1");
  const fs::path old = folder_ / (under_way ? "run/checkpoint.old-1" : "run/checkpoint");
  EXPECT_EQ(Sha256File(old / "best/model.safetensors"), before.at("checkpoint/best/model.safetensors"));
}

TEST_F(SlowFinishedRun, AFailedRunLeavesTheConfigOfWhatIsThere) {
  const std::string config = ReadFile(folder_ / "run/config.yaml");
  folder_.Write("p.yaml", "nonsense: 1\n");
  const auto failed = Run({"--set", "rerank.parameters=p.yaml"});
  EXPECT_NE(failed.exit_code, 0);
  EXPECT_EQ(ReadFile(folder_ / "run/config.yaml"), config);
  Expect({});
}

// What was trained anew stands in the kept config, whatever fails behind it.
TEST_F(SlowFinishedRun, ARunThatFailsAfterItsTrainingKeepsTheConfigOfIt) {
  folder_.Write("p.yaml", "nonsense: 1\n");
  const auto failed = Run({"--set", "train.lr=0.0125", "--set", "rerank.parameters=p.yaml"});
  EXPECT_NE(failed.exit_code, 0);
  EXPECT_THAT(failed.err, HasSubstr("train: done"));
  EXPECT_THAT(ReadFile(folder_ / "run/config.yaml"), HasSubstr("lr: 0.0125"));
}

TEST_F(SlowFinishedRun, TwoAtOnceDoNotMix) {
  std::vector<pid_t> children;
  const std::vector<std::string> methods = {"dbscan", "density"};
  for (const auto& method : methods) {
    const pid_t child = fork();
    if (child == 0) {
      const std::string set = "rerank.method=" + method;
      if (chdir(folder_.path().c_str()) != 0 || freopen((method + ".err").c_str(), "w", stderr) == nullptr ||
          freopen((method + ".out").c_str(), "w", stdout) == nullptr) {
        _exit(126);
      }
      execl(DUALGEO_BINARY, DUALGEO_BINARY, "run", "--config", "tiny.yaml", "--set", set.c_str(), nullptr);
      _exit(127);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  for (const auto& method : methods) {
    EXPECT_THAT(ReadFile(folder_ / (method + ".out")), HasSubstr(method + ", top1"));
  }
  const std::string err = ReadFile(folder_ / "dbscan.err") + ReadFile(folder_ / "density.err");
  EXPECT_THAT(err, HasSubstr("works there; waiting for it"));
}

}  // namespace
}  // namespace dualgeo
