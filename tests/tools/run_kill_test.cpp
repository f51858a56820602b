// The whole pipeline, killed (SIGKILL) at random moments: the same command goes on, does nothing twice that was done,
// and ends in the bytes of a run that was left alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "dualgeo/util/hash.h"
#include "dualgeo/util/random.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;

// Steps with outputs in their record.
std::set<std::string> DoneSteps(const fs::path& run) {
  std::set<std::string> done;
  std::error_code code;
  for (const auto& folder : {run / "steps", run / "untrained/steps"}) {
    for (const auto& entry : fs::directory_iterator(folder, code)) {
      if (entry.path().extension() != ".json") continue;
      const auto record = nlohmann::json::parse(ReadFile(entry.path()), nullptr, false);
      if (record.is_object() && record.contains("outputs")) done.insert(entry.path().stem().string());
    }
  }
  return done;
}

TEST(SlowRunKill, TheSameCommandGoesOnAndEndsInTheSameBytes) {
  const TemporaryFolder folder;
  folder.Write("tiny.yaml",
               "extends: " DUALGEO_SOURCE_DIR
               "/configs/small.yaml\n"
               "run: {steps: [world, train_segmenter, segment, train, gallery, fit_rerank, search, rerank, "
               "predict, evaluate, untrained, report]}\n"
               "world: {out: run-world, places: 3, views: 4, size: 64}\n"
               "run_dir: run\n"
               "data:\n"
               "  train: {csv: run-world/train.csv, images: run-world/images, masks: run-world/masks}\n"
               "  validation: {fraction: 0.2}\n"
               "  benchmarks: {query: {csv: run-world/query.csv, images: run-world/images}}\n"
               "model: {segmenter: {image_size: 64}}\n"
               "train_segmenter: {epochs: 2, batch_size: 4}\n"
               "train: {epochs: 10, batch_size: 8, checkpoint_every_steps: 2}\n"
               "evaluate: {bootstrap: 50}\n");
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(RunBinary({"run", "--config", "tiny.yaml"}, folder.path()).exit_code, 0);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fs::rename(folder / "run", folder / "whole");
  fs::remove_all(folder / "run-world");

  constexpr int kKills = 10;
  Random random(11);
  int killed = 0;
  bool finished = false;
  for (int tries = 0; killed < kKills && !finished && tries < 3 * kKills; ++tries) {
    const std::set<std::string> done = DoneSteps(folder / "run");
    const pid_t child = fork();
    if (child == 0) {
      if (chdir(folder.path().c_str()) != 0 || freopen("err", "w", stderr) == nullptr ||
          freopen("out", "w", stdout) == nullptr) {
        _exit(126);
      }
      execl(DUALGEO_BINARY, DUALGEO_BINARY, "run", "--config", "tiny.yaml", nullptr);
      _exit(127);
    }
    // Every process first starts, and then passes what is done.
    std::this_thread::sleep_for(std::chrono::duration<double>(random.Uniform(0.3, 1 + 2.5 * seconds / kKills)));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) ++killed;
    finished = WIFEXITED(status);
    if (finished) {
      ASSERT_EQ(WEXITSTATUS(status), 0) << ReadFile(folder / "err");
    }
    const std::string err = ReadFile(folder / "err");
    for (const auto& step : done) {
      const bool began = err.find("info: " + step + "\n") != std::string::npos ||
                         err.find("info: " + step + ": it was interrupted") != std::string::npos;
      EXPECT_FALSE(began) << step << " was done before\n" << err;
    }
  }
  EXPECT_GT(killed, 2);
  ASSERT_EQ(RunBinary({"run", "--config", "tiny.yaml"}, folder.path()).exit_code, 0);
  std::printf("%d kills\n", killed);

  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder / "whole")) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().lexically_relative(folder / "whole").string();
    const bool clock = name.find("steps/") != std::string::npos || name.ends_with(".jsonl") ||
                       name.ends_with(".lock") || name.ends_with("checked.json") || name == "report.html";
    if (!clock) names.insert(name);
  }
  for (const auto& name : names) {
    ASSERT_TRUE(fs::exists(folder / "run" / name)) << name;
    EXPECT_EQ(Sha256File(folder / "run" / name), Sha256File(folder / "whole" / name)) << name;
  }
  // Nothing is left of those that were killed, and nothing was set aside.
  for (const auto& entry : fs::recursive_directory_iterator(folder / "run")) {
    const std::string name = entry.path().filename().string();
    EXPECT_FALSE(IsTemporary(entry.path())) << entry.path();
    EXPECT_EQ(name.find(".old-"), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace dualgeo
