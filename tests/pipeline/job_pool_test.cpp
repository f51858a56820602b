#include "pipeline/job_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class JobPool : public ::testing::Test {
 protected:
  JobPoolOptions Options(int parallel = 2) { return {"test", parallel, folder_ / "logs"}; }
  // A job that writes a file, after those it needs.
  Job Write(const std::string& key, std::vector<std::string> after = {}) {
    return {key, "write " + key, after, [this, key, after] {
              for (const auto& other : after) ReadFile(folder_ / other);
              WriteFileAtomically(folder_ / key, key);
              return true;
            }};
  }
  TemporaryFolder folder_;
};

TEST_F(JobPool, RunsInOrderOnceAndCounts) {
  const Job idle{"idle", "idle", {}, [] { return false; }};
  const auto summary = RunJobs({Write("a"), Write("b", {"a"}), Write("a"), Write("c", {"a", "b"}), idle}, Options());
  EXPECT_EQ(summary.done, 3U);
  EXPECT_EQ(summary.up_to_date, 1U);
  EXPECT_EQ(ReadFile(folder_ / "c"), "c");
}

TEST_F(JobPool, PassesErrorsOnWithTheirKindAndStops) {
  const Job bad{"bad", "row 'x', seed 1", {}, []() -> bool { throw InputError("photos.csv:3: no such column"); }};
  EXPECT_THAT(
      [&] {
        RunJobs({bad, Write("after", {"bad"})}, Options());
      },
      ThrowsMessage<InputError>(HasSubstr("row 'x', seed 1: photos.csv:3: no such column")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "after"));
  const Job failed{"failed", "train", {}, []() -> bool { throw Error("disk full"); }};
  EXPECT_THAT([&] { RunJobs({failed}, Options()); },
              ThrowsMessage<Error>(AllOf(HasSubstr("train: disk full"), HasSubstr("failed.log"))));
  const Job killed{"killed", "train", {}, [] { return raise(SIGKILL) == 0; }};
  EXPECT_THAT([&] { RunJobs({killed}, Options()); }, ThrowsMessage<Error>(HasSubstr("train: ended by signal 9")));
}

TEST_F(JobPool, NeverRunsMoreThanAskedFor) {
  std::vector<Job> jobs;
  for (int i = 0; i < 6; ++i) {
    const std::string key = "j" + std::to_string(i);
    jobs.push_back({key, key, {}, [this, key] {
                      std::filesystem::create_directory(folder_ / "running");
                      WriteFileAtomically(folder_ / "running" / key, "");
                      usleep(20'000);
                      std::size_t count = 0;
                      for (const auto& entry : std::filesystem::directory_iterator(folder_ / "running")) {
                        count += entry.path().filename().string().size() == 2 ? 1 : 0;
                      }
                      std::filesystem::remove(folder_ / "running" / key);
                      if (count > 2) throw Error("too many");
                      return true;
                    }});
  }
  EXPECT_EQ(RunJobs(jobs, Options(2)).done, 6U);
}

TEST(ParallelJobs, FillTheCores) {
  EXPECT_EQ(ParallelJobs(3, 1), 3);
  EXPECT_GE(ParallelJobs(0, 1), 1);
  EXPECT_EQ(ParallelJobs(0, 100000), 1);
  EXPECT_EQ(ParallelJobs(0, 1, "cuda:0"), 1);
  EXPECT_EQ(ParallelJobs(4, 1, "cuda"), 4);
}

}  // namespace
}  // namespace dualgeo
