#include "util/read_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/without_descriptors.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

TEST(ReadFile, ReadsPipesOnceAndWhole) {
  TemporaryFolder folder;
  const auto path = folder / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const std::string content(200'000, 'x');
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::ofstream(path) << content.substr(0, 5) << std::flush << content.substr(5);
  });
  EXPECT_EQ(ReadFile(path), content);
  writer.join();
  EXPECT_EQ(ReadFile("/dev/null"), "");
}

TEST(ReadFile, ReadsAPipeWhoseWriterHasGone) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "abc", 3), 3);
  close(ends[1]);
  const std::string path = "/dev/fd/" + std::to_string(ends[0]);
  EXPECT_EQ(ReadFile(path), "abc");
  EXPECT_EQ(ReadFile(path), "");
  close(ends[0]);
}

TEST(ReadFile, TooFewDescriptorsAreNoFaultOfTheFile) {
  TemporaryFolder folder;
  const auto path = folder.Write("photo.jpg", "x");
  const Failure failure = WithoutDescriptors([&] { ReadFile(path); });
  EXPECT_EQ(failure.kind, "run");
  EXPECT_THAT(failure.message, HasSubstr("Too many open files"));
}

// In a process of its own: a stop cannot be taken back.
TEST(ReadFile, AStopEndsTheWaitForAWriter) {
  TemporaryFolder folder;
  const auto path = folder / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const pid_t child = fork();
    if (child == 0) {
      InstallStopHandler();
      try {
        ReadFile(path);
      } catch (const Interrupted&) {
        _exit(130);
      } catch (...) {
      }
      _exit(1);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    kill(child, signal);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 130) << strsignal(signal);
  }
}

}  // namespace
}  // namespace dualgeo
