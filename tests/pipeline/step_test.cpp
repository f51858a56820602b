#include "dualgeo/pipeline/step.h"

#include <gtest/gtest.h>

#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

class StepTest : public ::testing::Test {
 protected:
  StepTest() {
    input_ = folder_.Write("in.txt", "a");
    step_ = {"copy", {input_}, "x: 1", {folder_ / "run/out.txt"}, [this](bool resume) {
               ++runs_;
               resumed_ = resume;
               if (fail_) throw Error("stopped half way");
               WriteFileAtomically(folder_ / "run/out.txt", ReadFile(input_));
             }};
  }
  // As a new process would.
  bool Run() { return StepRunner(folder_ / "run").Run(step_); }

  TemporaryFolder folder_;
  std::filesystem::path input_;
  Step step_;
  int runs_ = 0;
  bool resumed_ = false;
  bool fail_ = false;
};

TEST_F(StepTest, RunsOnceWhileNothingChanges) {
  EXPECT_TRUE(Run());
  EXPECT_FALSE(Run());
  EXPECT_EQ(runs_, 1);
}

TEST_F(StepTest, RunsAgainWhenInputSettingsOrOutputChange) {
  Run();
  folder_.Write("in.txt", "b");
  EXPECT_TRUE(Run());
  EXPECT_EQ(ReadFile(folder_ / "run/out.txt"), "b");
  step_.settings = "x: 2";
  EXPECT_TRUE(Run());
  folder_.Write("run/out.txt", "edited by hand");
  EXPECT_TRUE(Run());
  std::filesystem::remove(folder_ / "run/out.txt");
  EXPECT_TRUE(Run());
  EXPECT_FALSE(Run());
}

TEST_F(StepTest, ResumesAnInterruptedStepOnlyFromTheSameInputs) {
  fail_ = true;
  EXPECT_THROW(Run(), Error);
  EXPECT_FALSE(resumed_);
  EXPECT_THROW(Run(), Error);
  EXPECT_TRUE(resumed_);
  fail_ = false;
  folder_.Write("in.txt", "b");
  EXPECT_TRUE(Run());
  EXPECT_FALSE(resumed_);
}

TEST_F(StepTest, AStepThatDoesNotMakeItsOutputIsAnError) {
  step_.run = [](bool) {};
  EXPECT_THROW(Run(), Error);
  EXPECT_THROW(Run(), Error);
}

TEST_F(StepTest, ADamagedRecordCostsARepetition) {
  Run();
  folder_.Write("run/steps/copy.json", "{");
  EXPECT_TRUE(Run());
}

TEST_F(StepTest, FolderFingerprintsFollowTheirFiles) {
  folder_.Write("d/a.png", "1");
  const auto before = FingerprintPath(folder_ / "d");
  EXPECT_EQ(before, FingerprintPath(folder_ / "d"));
  folder_.Write("d/sub/b.png", "2");
  EXPECT_NE(before, FingerprintPath(folder_ / "d"));
  EXPECT_EQ(FingerprintPath(folder_ / "none"), "absent");
}

}  // namespace
}  // namespace dualgeo
