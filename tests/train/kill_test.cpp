// Training in a process of its own, which is killed or interrupted at random moments.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_set.h"
#include "train/trainer.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSet = "DUALGEO_TEST_TRAIN_SET";
constexpr const char* kRun = "DUALGEO_TEST_TRAIN_RUN";
constexpr const char* kEpochs = "DUALGEO_TEST_TRAIN_EPOCHS";
constexpr const char* kTalks = "DUALGEO_TEST_TRAIN_TALKS";

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
    SetupLogging(/*quiet=*/std::getenv(kTalks) == nullptr);
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

// out: a descriptor that takes what the process logs.
pid_t Start(const fs::path& set, const fs::path& run_dir, int epochs, int out) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  setenv(kSet, set.c_str(), 1);
  setenv(kRun, run_dir.c_str(), 1);
  setenv(kEpochs, std::to_string(epochs).c_str(), 1);
  dup2(out, STDERR_FILENO);
  dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);  // the test program's own words
  execl("/proc/self/exe", "train_test", "--gtest_filter=ScheduleTest.*", nullptr);
  _exit(127);
}

pid_t Start(const fs::path& set, const fs::path& run_dir, int epochs, const fs::path& errors) {
  const int out = open(errors.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const pid_t pid = Start(set, run_dir, epochs, out);
  close(out);
  return pid;
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
    EXPECT_EQ(Bytes(folder / "whole" / "checkpoint" / which / "trainer.safetensors"),
              Bytes(folder / "killed" / "checkpoint" / which / "trainer.safetensors"));
  }
  EXPECT_EQ(Lines(folder / "whole" / "train.jsonl").size(), Lines(folder / "killed" / "train.jsonl").size());
  std::printf("%d kills\n", killed);
}

TEST(KillTest, KilledTwiceAndResumedGivesTheSameBytes) { KillAndCompare(2, 8, 1); }

TEST(KillTest, SlowKilledTenTimesAndResumedGivesTheSameBytes) { KillAndCompare(10, 30, 2); }

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
  EXPECT_TRUE(fs::exists(folder / "stopped" / "checkpoint" / "last" / "trainer.safetensors"));
  Train(set, folder / "stopped", epochs);
  EXPECT_EQ(Bytes(folder / "whole" / "checkpoint" / "last" / "model.safetensors"),
            Bytes(folder / "stopped" / "checkpoint" / "last" / "model.safetensors"));
}

// The terminal is closed: what is logged goes nowhere, and then SIGHUP comes.
TEST(KillTest, AClosedTerminalWritesACheckpoint) {
  const TemporaryFolder folder;
  WriteTinySet(folder / "set", 36);
  int terminal[2];
  ASSERT_EQ(pipe(terminal), 0);
  close(terminal[0]);
  signal(SIGHUP, SIG_DFL);  // ignored where this runs under nohup, which a child inherits
  setenv(kTalks, "1", 1);
  const pid_t pid = Start(folder / "set", folder / "run", 500, terminal[1]);
  unsetenv(kTalks);
  close(terminal[1]);
  WaitForLog(folder / "run");
  EXPECT_EQ(waitpid(pid, nullptr, WNOHANG), 0) << "ended by what it logged";
  kill(pid, SIGHUP);
  int status = 0;
  waitpid(pid, &status, 0);
  ASSERT_TRUE(WIFEXITED(status)) << strsignal(WTERMSIG(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_TRUE(fs::exists(folder / "run/checkpoint/last/trainer.safetensors"));
}

}  // namespace
}  // namespace dualgeo
