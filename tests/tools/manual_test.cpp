// The man page and the completions that the program writes of itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

// What a shell prints; its errors count.
std::string ShellSays(const std::string& shell, const std::string& script) {
  const auto result = RunProgram(shell, {"-c", script});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.out + result.err;
}

TEST(ManualCommand, ManPageHoldsEveryCommandAndOption) {
  const auto page = RunBinary({"manual"});
  ASSERT_EQ(page.exit_code, 0) << page.err;
  for (const char* text :
       {".TH DUALGEO 1", ".SS dualgeo gallery build", ".SS dualgeo photos check", "\\fB\\-\\-config\\fR \\fITEXT\\fR",
        "\\fB\\-q\\fR, \\fB\\-\\-quiet\\fR", "\\fItable\\fR\nphoto table", ".SH EXIT STATUS"}) {
    EXPECT_THAT(page.out, HasSubstr(text));
  }
  if (!std::filesystem::exists("/usr/bin/man")) return;
  TemporaryFolder folder;
  const auto path = folder.Write("dualgeo.1", page.out).string();
  EXPECT_EQ(ShellSays("/bin/bash", "MANWIDTH=100 man --warnings -l " + path + " 2>&1 >/dev/null | head -n 3"), "");
}

TEST(ManualCommand, BashCompletes) {
  const std::string binary = DUALGEO_BINARY;
  const auto completes = [&](const std::string& words, int at) {
    return ShellSays("/bin/bash", "source <(" + binary + " completion bash); COMP_WORDS=(" + words + "); COMP_CWORD=" +
                                      std::to_string(at) + "; _dualgeo 2>/dev/null; echo \"${COMPREPLY[*]}\"");
  };
  EXPECT_EQ(completes("dualgeo gal", 1), "gallery\n");
  EXPECT_EQ(completes("dualgeo gallery bu", 2), "build\n");
  EXPECT_THAT(completes("dualgeo -q gallery build --fea", 4), HasSubstr("--features"));
  EXPECT_EQ(completes("dualgeo photos check --js", 3), "--json\n");
  EXPECT_EQ(completes("dualgeo run --set train.optim", 3), "train.optimizer=\n");
  EXPECT_EQ(completes("dualgeo locate holi", 2), "\n");  // files: the shell's own
}

TEST(ManualCommand, OtherShellsTakeTheirs) {
  const auto zsh = RunBinary({"completion", "zsh"});
  EXPECT_THAT(zsh.out, HasSubstr("#compdef dualgeo"));
  EXPECT_THAT(zsh.out, HasSubstr("'build:index photos"));
  const auto fish = RunBinary({"completion", "fish"});
  EXPECT_THAT(fish.out, HasSubstr("complete -c dualgeo -n '__dualgeo_at '\\''gallery'\\''' -f -a build"));
  const TemporaryFolder folder;
  if (std::filesystem::exists("/usr/bin/zsh")) {
    EXPECT_EQ(ShellSays("/usr/bin/zsh", "zsh -n " + folder.Write("_dualgeo", zsh.out).string()), "");
  }
  if (std::filesystem::exists("/usr/bin/fish")) {
    EXPECT_THAT(ShellSays("/usr/bin/fish", "source " + folder.Write("dualgeo.fish", fish.out).string() +
                                               "; complete -C 'dualgeo gallery bu'"),
                HasSubstr("build\t"));
  }
  const auto other = RunBinary({"completion", "tcsh"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("tcsh"));
}

}  // namespace
}  // namespace dualgeo
