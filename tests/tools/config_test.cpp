#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "dualgeo/util/version.h"
#include "tests/support/environment_scope.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(ConfigCommand, PrintsThePapersDefaults) {
  const auto result = RunBinary({"config"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("embed_dim: 768"), HasSubstr("lr: 4e-05"), HasSubstr("preset: vit-l-14"),
                                HasSubstr("sigmas: [1, 16, 256]")));
}

TEST(ConfigCommand, ReadsBackWhatItPrints) {
  TemporaryFolder folder;
  const auto first = RunBinary({"config", "--set", "train.lr=0.5", "--set", "data.benchmarks.a.csv=x.csv"});
  const auto file = folder.Write("c.yaml", first.out);
  EXPECT_EQ(RunBinary({"config", "--config", file.string()}).out, first.out);
}

TEST(ConfigCommand, MistakesAreOneLineWithFileLineAndNearestKey) {
  TemporaryFolder folder;
  const auto file = folder.Write("c.yaml", "seed: 1\ntrain:\n  bach_size: 3\n");
  const auto result = RunBinary({"config", "--config", file.string()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, AllOf(HasSubstr("c.yaml:3: unknown key 'train.bach_size'"),
                                HasSubstr("did you mean 'train.batch_size'?")));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
}

TEST(ConfigCommand, TakesAConfigThroughAPipe) {
  const RunResult piped = RunProgram("/bin/bash", {"-c", "printf 'rerank: {eps_km: 7}\\n' | " DUALGEO_BINARY
                                                         " config --config /dev/stdin && " DUALGEO_BINARY
                                                         " config --config <(printf 'rerank: {eps_km: 8}\\n')"});
  EXPECT_EQ(piped.exit_code, 0) << piped.err;
  EXPECT_THAT(piped.out, AllOf(HasSubstr("eps_km: 7"), HasSubstr("eps_km: 8")));
}

TEST(ConfigCommand, TakesEveryConfigOfTheProject) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(DUALGEO_SOURCE_DIR) / "configs")) {
    // robustness*.yaml are for `dualgeo robustness` and name an experiment as its base.
    if (entry.path().extension() != ".yaml" || entry.path().filename().string().starts_with("robustness")) continue;
    const auto result = RunBinary({"config", "--config", entry.path().string()});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    ++count;
  }
  EXPECT_GE(count, 3);
}

TEST(ConfigCommand, TheReferenceInDocsIsUpToDate) {
  const auto result = RunBinary({"config", "--document"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, ReadFile(std::filesystem::path(DUALGEO_SOURCE_DIR) / "docs/config.md"))
      << "make it again: dualgeo config --document > docs/config.md";
}

TEST(CommandLine, WrongUsageIsExitCode2) {
  EXPECT_EQ(RunBinary({}).exit_code, 2);
  EXPECT_EQ(RunBinary({"fly"}).exit_code, 2);
  EXPECT_EQ(RunBinary({"config", "--sett", "a=b"}).exit_code, 2);
  EXPECT_EQ(RunBinary({"--help"}).exit_code, 0);
  EXPECT_EQ(RunBinary({"evaluate", "--help"}).exit_code, 0);
  EXPECT_THAT(RunBinary({"--version"}).out, HasSubstr(kVersion));
}

// Every system and every setting that ships is one that this program knows, without an option that has no effect.
TEST(ConfigCommand, ReadsWhatShips) {
  const std::filesystem::path configs = DUALGEO_SOURCE_DIR "/configs";
  int read = 0;
  for (const auto& folder : {configs, configs / "systems", configs / "systems" / "lab"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      // A study's file is no experiment.
      if (entry.path().extension() != ".yaml" || entry.path().filename().string().starts_with("robustness")) continue;
      const auto result = RunBinary({"config", "--config", entry.path().string()});
      EXPECT_EQ(result.exit_code, 0) << entry.path() << ": " << result.err;
      EXPECT_EQ(result.err, "") << entry.path();
      ++read;
    }
  }
  EXPECT_GT(read, 30);
}

TEST(DoctorCommand, ReportsTheMachine) {
  const auto result = RunBinary({"doctor"});
  EXPECT_THAT(result.out, AllOf(HasSubstr("libtorch"), HasSubstr("cores"), HasSubstr("time-zone table"),
                                HasSubstr("FAISS is built for")));
  // Where Debian's LibTorch multiplies by OpenBLAS, by the one that shares its threads (scripts/install-deps.sh).
  if (result.out.find("OpenBLAS threads") == std::string::npos) return;
  EXPECT_THAT(result.out, AllOf(HasSubstr("OpenMP's, as LibTorch's"), Not(HasSubstr("several run times"))));
}

TEST(DoctorCommand, SaysWhichInstructionsAreForced) {
  const EnvironmentScope plain("DUALGEO_CPU", "plain");
  EXPECT_THAT(RunBinary({"doctor"}).out, HasSubstr("plain, as DUALGEO_CPU says"));
}

TEST(DoctorCommand, NamesAWrongInstructionSet) {
  const EnvironmentScope wrong("DUALGEO_CPU", "avx1024");
  const auto result = RunBinary({"doctor"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("DUALGEO_CPU: avx1024: no instruction set of this processor; allowed here: "));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

}  // namespace
}  // namespace dualgeo
