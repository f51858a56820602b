#include "dualgeo/gallery/parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

void AddText(PartsFolder& parts, std::int64_t count, const std::string& text) {
  parts.Add(count, [&](const fs::path& file) { WriteFileAtomically(file, text); });
}

TEST(PartsFolder, AreTakenOverByTheSameWorkAlone) {
  const TemporaryFolder folder;
  const fs::path path = PartsOf(folder / "f.safetensors");
  EXPECT_EQ(path.filename(), "f.safetensors.parts");
  EXPECT_EQ(PartsOf("g/"), PartsOf("g"));
  {
    PartsFolder parts(path, "model a");
    EXPECT_EQ(parts.done(), 0);
    EXPECT_FALSE(fs::exists(path)) << "quick work leaves nothing behind";
    AddText(parts, 64, "one");
    AddText(parts, 3, "two");
  }
  {
    PartsFolder parts(path, "model a");
    ASSERT_EQ(parts.parts().size(), 2U);
    EXPECT_EQ(parts.done(), 67);
    EXPECT_EQ(ReadFile(parts.parts()[1].file), "two");
    EXPECT_THAT([&] { PartsFolder second(path, "model a"); }, ThrowsMessage<Error>(HasSubstr("another process")));
    parts.DropFrom(1);
    EXPECT_EQ(parts.done(), 64);
    AddText(parts, 5, "new");
  }
  {
    PartsFolder parts(path, "model b");
    EXPECT_EQ(parts.done(), 0);
    EXPECT_TRUE(fs::exists(path.string() + ".old-1")) << "hours of work are not deleted for a wrong option";
    AddText(parts, 1, "b");
  }
  PartsFolder parts(path, "model a");
  EXPECT_TRUE(fs::exists(path.string() + ".old-2"));
  parts.Remove();
  EXPECT_FALSE(fs::exists(path));
}

TEST(PartsFolder, CountUpToTheFirstGap) {
  const TemporaryFolder folder;
  {
    PartsFolder parts(folder / "p", "x");
    for (int i = 0; i < 4; ++i) AddText(parts, 10, std::to_string(i));
    fs::remove(parts.parts()[2].file);
    folder.Write("p/part-abc", "no part");
    folder.Write("p/.part-0000000020-10.tmp7-1", "half written");
  }
  const PartsFolder parts(folder / "p", "x");
  EXPECT_EQ(parts.done(), 20);
}

// A kill right after the folder is made, or in the midst of its removal: nothing of unknown work is set aside.
TEST(PartsFolder, ThatHoldNoWorkAreNotSetAside) {
  const TemporaryFolder folder;
  for (const std::string made : {"", "p/.made_from.txt.7.dualgeo-tmp", "p/made_from.txt"}) {
    fs::create_directory(folder / "p");
    if (!made.empty()) folder.Write(made, "other");
    PartsFolder parts(folder / "p", "x");
    EXPECT_EQ(parts.done(), 0);
    AddText(parts, 10, "0");
    EXPECT_FALSE(fs::exists(folder / "p.old-1")) << made;
    parts.Remove();
    EXPECT_FALSE(fs::exists(folder / "p"));
  }
  folder.Write("p/part-0000000000-10", "of unknown work");
  PartsFolder parts(folder / "p", "x");
  EXPECT_TRUE(fs::exists(folder / "p.old-1"));
}

// Whenever a kill comes, the folder that it leaves is whole, or without parts, or gone.
TEST(PartsFolder, KeepTheirRecordWhileTheyAreRemoved) {
  const TemporaryFolder folder;
  const fs::path path = folder / "p";
  {
    PartsFolder parts(path, "x");
    for (int i = 0; i < 2000; ++i) parts.Add(1, [](const fs::path& file) { std::ofstream(file) << "1"; });
  }
  const pid_t child = fork();
  if (child == 0) {
    PartsFolder(path, "x").Remove();
    _exit(0);
  }
  while (fs::exists(path / "part-0000000000-1") && fs::exists(path / "part-0000001999-1") && kill(child, 0) == 0) {
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  { const PartsFolder parts(path, "x"); }
  EXPECT_FALSE(fs::exists(path.string() + ".old-1"));
}

}  // namespace
}  // namespace dualgeo
