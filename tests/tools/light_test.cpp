// The commands that need no network start without LibTorch, OpenCV and FAISS; the others find them.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

TEST(LightBinaryTest, IsNotLinkedToNetworks) {
  const RunResult result = RunProgram("/usr/bin/ldd", {DUALGEO_BINARY});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* library : {"libtorch", "libc10", "libopencv", "libfaiss", "libopenblas"}) {
    EXPECT_EQ(result.out.find(library), std::string::npos) << library << "\n" << result.out;
  }
}

TEST(LightBinaryTest, MistakesInAHeavyCommandComeFromTheLightOne) {
  // With no dualgeo-networks beside it, what only it can do ends in one line; mistakes in arguments are found before.
  TemporaryFolder folder;
  const auto alone = folder.path() / "dualgeo";
  std::filesystem::copy_file(DUALGEO_BINARY, alone);
  EXPECT_EQ(RunProgram(alone.string(), {"--help"}).exit_code, 0);
  const RunResult mistake = RunProgram(alone.string(), {"train", "--no-such-option"});
  EXPECT_EQ(mistake.exit_code, 2);
  const RunResult heavy = RunProgram(alone.string(), {"doctor"});
  EXPECT_EQ(heavy.exit_code, 1);
  EXPECT_NE(heavy.err.find("dualgeo-networks"), std::string::npos) << heavy.err;
}

TEST(LightBinaryTest, HeavyCommandsAreFound) {
  const RunResult result = RunBinary({"doctor"});
  EXPECT_NE(result.out.find("LibTorch"), std::string::npos) << result.out << result.err;
}

}  // namespace
}  // namespace dualgeo
