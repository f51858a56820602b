// Training in a process of its own, which is killed or interrupted at random moments.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "dualgeo/train/trainer.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_set.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSet = "DUALGEO_TEST_TRAIN_SET";
constexpr const char* kRun = "DUALGEO_TEST_TRAIN_RUN";
constexpr const char* kEpochs = "DUALGEO_TEST_TRAIN_EPOCHS";

TrainResult Train(const fs::path& set, const fs::path& run_dir, int epochs) {
  TrainJob job = TinyJob(set, run_dir);
  job.existing = Existing::kResume;
  return TrainModel(job, TinyModel(), LossOptions(), TinyTraining(epochs));
}

// This test program, started again with these variables set, is the process to kill: it never gets to its tests. (A
// fork without exec would inherit half of LibTorch's threads.)
class TrainingProcess : public ::testing::Environment {
 public:
  void SetUp() override {
    if (std::getenv(kRun) == nullptr) return;
    InstallStopHandler();
    SetupLogging(/*quiet=*/true);
    try {
      Train(std::getenv(kSet), std::getenv(kRun), std::atoi(std::getenv(kEpochs)));
    } catch (const Interrupted& error) {
      std::fprintf(stderr, "%s\n", error.what());
      _exit(130);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      _exit(1);
    }
    _exit(0);
  }
};
[[maybe_unused]] const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new TrainingProcess);

pid_t Start(const fs::path& set, const fs::path& run_dir, int epochs, const fs::path& errors) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  setenv(kSet, set.c_str(), 1);
  setenv(kRun, run_dir.c_str(), 1);
  setenv(kEpochs, std::to_string(epochs).c_str(), 1);
  const int out = open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  dup2(out, STDERR_FILENO);
  dup2(out, STDOUT_FILENO);
  execl("/proc/self/exe", "train_test", "--gtest_filter=ScheduleTest.*", nullptr);
  _exit(127);
}

// Waits until the training writes its log: before that a kill only tests the loading of libraries.
void WaitForLog(const fs::path& run_dir) {
  const auto log = run_dir / "train.jsonl";
  for (int i = 0; i < 20000; ++i) {
    std::error_code code;
    const auto size = fs::file_size(log, code);
    if (!code && size > 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void KillAndCompare(int kills, int epochs, std::uint64_t seed) {
  const TemporaryFolder folder;
  const fs::path set = folder / "set";
  WriteTinySet(set, 36);
  const auto start = std::chrono::steady_clock::now();
  Train(set, folder / "whole", epochs);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  Random random(seed);
  int killed = 0;
  for (int tries = 0; killed < kills && tries < 4 * kills; ++tries) {
    const bool is_first = !fs::exists(folder / "killed" / "train.jsonl");
    const pid_t pid = Start(set, folder / "killed", epochs, folder / "errors");
    if (is_first) WaitForLog(folder / "killed");
    // A resumed process needs some time to start; some kills may well fall into it.
    const double wait = random.Uniform(0, (is_first ? 0 : 0.25) + 1.5 * seconds / kills);
    std::this_thread::sleep_for(std::chrono::duration<double>(wait));
    kill(pid, SIGKILL);
    int status = 0;
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) {
      ++killed;
      continue;
    }
    ASSERT_EQ(WEXITSTATUS(status), 0) << Bytes(folder / "errors");
    break;  // done before the kill
  }
  EXPECT_GT(killed, 0);
  Train(set, folder / "killed", epochs);
  for (const char* which : {"last", "best"}) {
    EXPECT_EQ(Bytes(folder / "whole" / "checkpoint" / which / "model.safetensors"),
              Bytes(folder / "killed" / "checkpoint" / which / "model.safetensors"));
    EXPECT_EQ(Bytes(folder / "whole" / "checkpoint" / which / "trainer.pt"),
              Bytes(folder / "killed" / "checkpoint" / which / "trainer.pt"));
  }
  EXPECT_EQ(Lines(folder / "whole" / "train.jsonl").size(), Lines(folder / "killed" / "train.jsonl").size());
  std::printf("%d kills\n", killed);
}

TEST(KillTest, KilledTwiceAndResumedGivesTheSameBytes) { KillAndCompare(2, 8, 1); }

TEST(KillTest, SlowKilledTwentyTimesAndResumedGivesTheSameBytes) { KillAndCompare(20, 60, 2); }

TEST(KillTest, CtrlCWritesACheckpointAndSaysHowToGoOn) {
  const TemporaryFolder folder;
  const fs::path set = folder / "set";
  WriteTinySet(set, 36);
  const int epochs = 8;
  Train(set, folder / "whole", epochs);
  const pid_t pid = Start(set, folder / "stopped", epochs, folder / "errors");
  WaitForLog(folder / "stopped");
  kill(pid, SIGINT);
  int status = 0;
  waitpid(pid, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  const std::string message = Bytes(folder / "errors");
  EXPECT_NE(message.find("--resume"), std::string::npos) << message;
  EXPECT_TRUE(fs::exists(folder / "stopped" / "checkpoint" / "last" / "trainer.pt"));
  Train(set, folder / "stopped", epochs);
  EXPECT_EQ(Bytes(folder / "whole" / "checkpoint" / "last" / "model.safetensors"),
            Bytes(folder / "stopped" / "checkpoint" / "last" / "model.safetensors"));
}

}  // namespace
}  // namespace dualgeo
