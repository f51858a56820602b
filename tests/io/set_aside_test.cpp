#include "io/set_aside.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;

TEST(SetAside, TakesTheNextFreeNumberAndKeepsAList) {
  const TemporaryFolder folder;
  EXPECT_EQ(SetAside(folder / "checkpoint", folder.path(), "nothing there"), "");
  folder.Write("checkpoint/best/model", "one");
  EXPECT_EQ(SetAside(folder / "checkpoint/", folder.path(), "train.lr: 1 then, 2 now"), folder / "checkpoint.old-1");
  folder.Write("checkpoint/best/model", "other");
  EXPECT_EQ(SetAside(folder / "checkpoint", folder.path(), "b"), folder / "checkpoint.old-2");
  EXPECT_FALSE(fs::exists(folder / "checkpoint"));
  EXPECT_EQ(ReadFile(folder / "checkpoint.old-1/best/model"), "one");
  const auto items = ListSetAside(folder.path());
  ASSERT_EQ(items.size(), 2);
  EXPECT_EQ(items[0].path, folder / "checkpoint.old-1");
  EXPECT_EQ(items[0].why, "train.lr: 1 then, 2 now");
  EXPECT_EQ(items[0].bytes, 3);
  EXPECT_EQ(items[0].when.size(), 20);
  BringBack(items[1].path, folder / "checkpoint");
  EXPECT_EQ(ReadFile(folder / "checkpoint/best/model"), "other");
  EXPECT_THROW(BringBack(items[0].path, folder / "checkpoint"), Error);
  EXPECT_EQ(ListSetAside(folder.path()).size(), 1);
}

TEST(SetAside, ACopyStaysWhatItWas) {
  const TemporaryFolder folder;
  EXPECT_EQ(CopyAside(folder / "checkpoint", folder.path(), "nothing there"), "");
  folder.Write("checkpoint/best/model", "one");
  folder.Write("checkpoint/.lock", "");
  folder.Write("train.jsonl", "line\n");
  EXPECT_EQ(CopyAside(folder / "checkpoint/", folder.path(), "more epochs"), folder / "checkpoint.old-1");
  EXPECT_EQ(CopyAside(folder / "train.jsonl", folder.path(), "more epochs"), folder / "train.jsonl.old-1");
  WriteFileAtomically(folder / "checkpoint/best/model", "two");
  std::ofstream(folder / "train.jsonl", std::ios::app) << "another\n";
  EXPECT_EQ(ReadFile(folder / "checkpoint.old-1/best/model"), "one");
  EXPECT_EQ(ReadFile(folder / "train.jsonl.old-1"), "line\n");
  EXPECT_FALSE(fs::exists(folder / "checkpoint.old-1/.lock"));  // a lock held through it would hold the other
  EXPECT_EQ(ListSetAside(folder.path()).size(), 2);
}

TEST(SetAside, PruneRemovesTheseAndOnlyThese) {
  const TemporaryFolder folder;
  folder.Write("study/row/seed-1/a.csv", "a");
  folder.Write("study/row/seed-1/mine.old-1", "the user's own");
  folder.Write("study/row/seed-1/keep", "k");
  folder.Write("elsewhere/world/photo", "w");
  SetAside(folder / "study/row/seed-1/a.csv", folder / "study/row/seed-1", "x");
  SetAside(folder / "elsewhere/world", folder / "study/row/seed-1", "y");
  // A list that was written by somebody else names what is not ours.
  folder.Write("study/steps/set_aside.jsonl",
               "{\"path\": \"row/seed-1/keep\"}\n{\"path\": \"../elsewhere\"}\nnot json\n{\"path\": 3}\n");
  const auto removed = PruneSetAside(folder / "study");
  ASSERT_EQ(removed.size(), 2);
  EXPECT_FALSE(fs::exists(folder / "study/row/seed-1/a.csv.old-1"));
  EXPECT_FALSE(fs::exists(folder / "elsewhere/world.old-1"));
  EXPECT_TRUE(fs::exists(folder / "study/row/seed-1/mine.old-1"));
  EXPECT_TRUE(fs::exists(folder / "study/row/seed-1/keep"));
  EXPECT_TRUE(ListSetAside(folder / "study").empty());
  EXPECT_THROW(ListSetAside(folder / "nowhere"), InputError);
}

}  // namespace
}  // namespace dualgeo
