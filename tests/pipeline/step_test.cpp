#include "pipeline/step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "io/set_aside.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class StepTest : public ::testing::Test {
 protected:
  StepTest() {
    input_ = folder_.Write("in.txt", "a");
    step_.name = "copy";
    step_.inputs = [this] { return std::vector{FileArtifact("text", input_)}; };
    step_.fields.result = {{"x", "1"}};
    step_.outputs = {FileArtifact("copy", Out())};
    step_.run = [this](bool go_on) {
      ++runs_;
      went_on_ = go_on;
      if (fail_) throw Error("stopped half way");
      WriteFileAtomically(Out(), ReadFile(input_));
    };
  }
  fs::path Out() const { return folder_ / "run/out.txt"; }
  // As a new process would.
  bool Run() { return StepRunner(folder_ / "run").Run(step_); }
  std::vector<SetAsideItem> Aside() { return ListSetAside(folder_ / "run"); }

  TemporaryFolder folder_;
  fs::path input_;
  Step step_;
  int runs_ = 0;
  bool went_on_ = false;
  bool fail_ = false;
};

TEST_F(StepTest, RunsOnceWhileNothingChanges) {
  EXPECT_TRUE(Run());
  EXPECT_FALSE(Run());
  EXPECT_EQ(runs_, 1);
  step_.fields.others = {{"log_every_steps", "7"}};
  input_ = folder_.Write("moved/in.csv", "a");
  fs::create_directory_symlink(folder_ / "run", folder_ / "link");
  EXPECT_FALSE(StepRunner(folder_ / "link").Run(step_));
}

TEST_F(StepTest, AChangeSaysWhatItWasAndSetsTheOldAside) {
  Run();
  folder_.Write("in.txt", "b");
  EXPECT_TRUE(Run());
  EXPECT_FALSE(went_on_);
  EXPECT_EQ(ReadFile(Out()), "b");
  EXPECT_EQ(ReadFile(Out().string() + ".old-1"), "a");
  step_.fields.result["x"] = "2";
  EXPECT_TRUE(Run());
  ASSERT_EQ(Aside().size(), 2);
  EXPECT_THAT(Aside()[0].why, HasSubstr("copy: text (" + input_.string() + "): ca978112 then, 3e23e816 now"));
  EXPECT_EQ(Aside()[1].why, "copy: x: 1 then, 2 now");
  EXPECT_FALSE(Run());
}

TEST_F(StepTest, AnOutputThatIsLostIsMadeAgainAndOneThatWasChangedIsKeptBeside) {
  Run();
  fs::remove(Out());
  EXPECT_TRUE(Run());
  EXPECT_TRUE(Aside().empty());
  folder_.Write("run/out.txt", "edited by hand");
  EXPECT_TRUE(Run());
  EXPECT_EQ(ReadFile(Out()), "a");
  EXPECT_EQ(ReadFile(Out().string() + ".old-1"), "edited by hand");
  EXPECT_FALSE(Run());
}

TEST_F(StepTest, ATryThatLeavesNothingGivesTheOldItsNameAgain) {
  Run();
  step_.fields.result["x"] = "2";
  fail_ = true;
  EXPECT_THROW(Run(), Error);
  EXPECT_EQ(ReadFile(Out()), "a");
  EXPECT_TRUE(Aside().empty());
  // With the old settings nothing is to be done.
  step_.fields.result["x"] = "1";
  fail_ = false;
  EXPECT_FALSE(Run());
}

TEST_F(StepTest, AnInterruptedTryGoesOnAndTheOldStaysAside) {
  step_.make_room = {folder_ / "run/out"};
  step_.outputs = {FileArtifact("copy", folder_ / "run/out/best")};
  step_.run = [this](bool go_on) {
    went_on_ = go_on;
    folder_.Write("run/out/.lock", "");
    if (fail_) folder_.Write("run/out/last", "half");
    if (fail_) throw Error("stopped half way");
    folder_.Write("run/out/best", ReadFile(input_));
  };
  Run();
  folder_.Write("in.txt", "b");
  fail_ = true;
  EXPECT_THROW(Run(), Error);
  EXPECT_FALSE(went_on_);
  EXPECT_THROW(Run(), Error);
  EXPECT_TRUE(went_on_);
  fail_ = false;
  EXPECT_TRUE(Run());
  EXPECT_TRUE(went_on_);
  EXPECT_EQ(ReadFile(folder_ / "run/out/best"), "b");
  EXPECT_EQ(ReadFile(folder_ / "run/out.old-1/best"), "a");
  EXPECT_EQ(Aside().size(), 1);
}

TEST_F(StepTest, AStepThatDoesNotMakeItsOutputIsAnError) {
  step_.run = [](bool) {};
  EXPECT_THROW(Run(), Error);
  EXPECT_THROW(Run(), Error);
}

TEST_F(StepTest, WithoutARecordTheOutputsThemselvesAreAsked) {
  for (const auto& [found, runs, kept] :
       {std::tuple(Found::kNothing, true, true), std::tuple(Found::kOther, true, true),
        std::tuple(Found::kPart, true, false), std::tuple(Found::kWhole, false, false),
        std::tuple(Found::kBeyond, true, true)}) {
    fs::remove_all(folder_ / "run");
    folder_.Write("run/out.txt", "of another time");
    folder_.Write("run/steps/copy.json", "{");  // a damaged record is none
    step_.found = [found = found] { return found; };
    EXPECT_EQ(Run(), runs);
    EXPECT_EQ(fs::exists(Out().string() + ".old-1"), kept);
    EXPECT_FALSE(Run());
  }
}

TEST_F(StepTest, AFieldMayExtendWhatIsThere) {
  step_.extendable = {"x"};
  step_.found = [] { return Found::kPart; };
  Run();
  step_.fields.result["x"] = "2";
  EXPECT_TRUE(Run());
  EXPECT_TRUE(went_on_);
  EXPECT_EQ(Aside().size(), 1);                 // a copy of what was finished
  step_.found = [] { return Found::kBeyond; };  // fewer than there are
  step_.fields.result["x"] = "1";
  EXPECT_TRUE(Run());
  EXPECT_FALSE(went_on_);
  EXPECT_EQ(Aside().size(), 2);
  // Continued by somebody else: kept.
  folder_.Write("run/out.txt", "longer trained");
  EXPECT_FALSE(Run());
  EXPECT_EQ(ReadFile(Out()), "longer trained");
  EXPECT_FALSE(Run());
}

TEST_F(StepTest, WhatIsUnfinishedIsAskedAgain) {
  StepRunner runner(folder_ / "run");
  int failures = 2;
  step_.run = [&](bool) { WriteFileAtomically(Out(), "answers"); };
  step_.unfinished = [&] { return failures-- > 0 ? std::string("8 photos have no answer") : ""; };
  EXPECT_TRUE(runner.Run(step_));
  EXPECT_TRUE(runner.Run(step_));
  EXPECT_TRUE(runner.Run(step_));
  EXPECT_FALSE(runner.Run(step_));
  EXPECT_TRUE(Aside().empty());
}

TEST_F(StepTest, PartlyLostOutputsAreCompletedUnlessTheRestWasChanged) {
  folder_.Write("t.csv", "IMG_ID\n1.jpg\n2.jpg\n");
  step_.outputs = {MasksArtifact("masks", folder_ / "run/masks", folder_ / "t.csv", {})};
  step_.completes = true;
  int written = 0;
  step_.run = [&](bool) {
    for (const char* name : {"run/masks/1.png", "run/masks/2.png"}) {
      if (fs::exists(folder_ / name)) continue;
      folder_.Write(name, name);
      ++written;
    }
  };
  Run();
  fs::remove(folder_ / "run/masks/1.png");
  EXPECT_TRUE(Run());
  EXPECT_EQ(written, 3);
  EXPECT_TRUE(Aside().empty());
  fs::remove(folder_ / "run/masks/1.png");
  folder_.Write("run/masks/2.png", "painted over");
  EXPECT_TRUE(Run());
  EXPECT_EQ(ReadFile(folder_ / "run/masks/2.png"), "run/masks/2.png");
  EXPECT_EQ(ReadFile(folder_ / "run/masks.old-1/2.png"), "painted over");
  EXPECT_FALSE(Run());
}

TEST_F(StepTest, RecordsOfVersion010AreTakenOverWhereTheyAgree) {
  const auto write = [&](const std::string& settings, const std::string& input) {
    nlohmann::json record;
    record["made_from"] = {
        {"settings", settings}, {"version", "0.1.0"}, {"inputs", {{input_.string(), Sha256(input)}}}};
    record["outputs"] = {{Out().string(), Sha256("a")}};
    record["seconds"] = 3;
    folder_.Write("run/steps/copy.json", record.dump());
    folder_.Write("run/out.txt", "a");
  };
  const auto run = [&] {
    StepRunner runner(folder_ / "run");
    runner.TakeOver({step_});
    return runner.Run(step_);
  };
  step_.fields.result = {{"train.lr", "4e-05"},
                         {"train.sigmas", "[1, 16]"},
                         {"train.new", "0"},
                         {"other.x", "7"},
                         {"data.validation.fraction", "0.3"}};
  step_.fields.defaults = {{"train.new", "0"}, {"other.x", "1"}};
  const std::string settings =
      "seed: 0\ndevice: auto\ntrain:\ntrain:\n  lr: 4e-05\n  sigmas: [1, 16]\n  log_every: "
      "3\ndata.validation:\nvalidation:\n  fraction: 0.3\n";
  write(settings, "a");
  EXPECT_FALSE(run());
  EXPECT_FALSE(run());
  write(settings, "something else");
  EXPECT_TRUE(run());
  EXPECT_EQ(Aside().size(), 1);
  step_.fields.result["train.lr"] = "1e-05";
  write(settings, "a");
  EXPECT_TRUE(run());
  EXPECT_EQ(Aside().size(), 2);
}

}  // namespace
}  // namespace dualgeo
