#include "util/output_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Refusal(const std::vector<OutputPath>& outputs, const std::vector<InputPath>& inputs = {}) {
  try {
    CheckOutputs(outputs, inputs);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

int EntriesIn(const fs::path& folder) {
  return static_cast<int>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(CheckOutputs, TakesWhatCanBeWrittenAndCreatesNothing) {
  TemporaryFolder folder;
  folder.Write("old.csv", "x");
  fs::create_symlink("new.csv", folder / "link");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const char* name : {"old.csv", "new.csv", "deep/er/new.csv", "link", "pipe"}) {
    EXPECT_EQ(Refusal({{"--out", folder / name}}), "") << name;
  }
  EXPECT_EQ(Refusal({{"--out", "/dev/stdout"}, {"--map-out", ""}}), "");
  EXPECT_EQ(Refusal({{"--out", folder / "g/", OutputKind::kReplacedFolder}}), "");
  EXPECT_EQ(Refusal({{"--out", folder.path(), OutputKind::kFilledFolder}}), "");
  EXPECT_EQ(EntriesIn(folder.path()), 3);
}

TEST(CheckOutputs, RefusesWhatCannotBeWritten) {
  TemporaryFolder folder;
  folder.Write("file", "x");
  fs::create_directory(folder / "d");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(Refusal({{"--out", folder / "d"}}), HasSubstr("it is a folder"));
  EXPECT_THAT(Refusal({{"--out", folder / "new/"}}), HasSubstr("the name of a folder"));
  EXPECT_THAT(Refusal({{"--out", folder / "file/a.csv"}}), HasSubstr("Not a directory"));
  EXPECT_THAT(Refusal({{"--out", folder / "file/b/a.csv"}}), HasSubstr("Not a directory"));
  EXPECT_THAT(Refusal({{"--out", "/proc/none/a.csv"}}),
              AllOf(HasSubstr("/proc/none/a.csv"), HasSubstr("folder /proc")));
  EXPECT_THAT(Refusal({{"--out", "/dev/fd/777"}}), HasSubstr("Bad file descriptor"));
  EXPECT_THAT(Refusal({{"--cache", folder / "pipe", OutputKind::kRegularFile}}), HasSubstr("it is a FIFO"));
  EXPECT_THAT(Refusal({{"--out", folder / "file", OutputKind::kReplacedFolder}}), HasSubstr("not a folder"));
  EXPECT_THAT(Refusal({{"--out", folder / "pipe", OutputKind::kFilledFolder}}), HasSubstr("not a folder"));
  EXPECT_THAT(Refusal({{"--out", "/proc", OutputKind::kReplacedFolder}}), HasSubstr("root of a file system"));
}

TEST(CheckOutputs, ReadOnlyFilesAndFoldersAreRefusedToUsers) {
  if (getuid() == 0) GTEST_SKIP() << "root may write everywhere";
  TemporaryFolder folder;
  chmod(folder.Write("old.csv", "x").c_str(), 0400);
  fs::create_directory(folder / "d");
  chmod((folder / "d").c_str(), 0500);
  EXPECT_THAT(Refusal({{"--out", folder / "old.csv"}}), HasSubstr("Permission denied"));
  EXPECT_THAT(Refusal({{"--out", folder / "d/new.csv"}}), HasSubstr("Permission denied"));
}

TEST(CheckOutputs, AnOutputIsNoInputHoweverItIsSpelled) {
  TemporaryFolder folder;
  const auto in = folder.Write("sub/a.csv", "x");
  fs::create_symlink("sub/a.csv", folder / "link");
  fs::create_hard_link(in, folder / "hard");
  const std::vector<InputPath> inputs = {{"--candidates", in}};
  for (const fs::path& out : {in, folder / "sub/../sub/./a.csv", folder / "link", folder / "hard"}) {
    EXPECT_THAT(Refusal({{"--out", out}}, inputs), HasSubstr("is the file of --candidates")) << out;
  }
  EXPECT_EQ(Refusal({{"--out", folder / "b.csv"}}, inputs), "");
  EXPECT_EQ(Refusal({{"--out", "/dev/null"}}, {{"--candidates", "/dev/null"}}), "");
  EXPECT_THAT(Refusal({{"--out", folder / "new"}, {"--map-out", folder / "sub/../new"}}), HasSubstr("of --out"));
}

TEST(CheckOutputs, FoldersOfInputsAreNotWrittenOver) {
  TemporaryFolder folder;
  const auto photo = folder.Write("photos/city/a.png", "x");
  folder.Write("photos/features.safetensors", "x");
  folder.Write("best/model.safetensors", "x");
  const auto photos = folder / "photos";
  const std::vector<InputPath> inputs = {{"--images", photos, InputKind::kPhotos}, {"--checkpoint", folder / "best"}};
  EXPECT_THAT(Refusal({{"--out", photos, OutputKind::kFilledFolder}}, inputs), HasSubstr("the folder of --images"));
  EXPECT_THAT(Refusal({{"--out", folder / "photos/", OutputKind::kFilledFolder}}, inputs), HasSubstr("of --images"));
  EXPECT_THAT(Refusal({{"--out", photo}}, inputs), HasSubstr("in the folder of --images"));
  EXPECT_THAT(Refusal({{"--out", folder / "best/model.safetensors"}}, inputs), HasSubstr("of --checkpoint"));
  EXPECT_EQ(Refusal({{"--out", folder / "photos/features.safetensors"}}, inputs), "");
  EXPECT_EQ(Refusal({{"--out", folder / "photos/masks", OutputKind::kFilledFolder}}, inputs), "");
  EXPECT_THAT(
      Refusal({{"--out", photos, OutputKind::kReplacedFolder}}, {{"--features", photos / "features.safetensors"}}),
      HasSubstr("is a folder above the file of --features"));
}

TEST(CheckOutputs, PhotosAreNeverReplaced) {
  TemporaryFolder folder;
  for (const char* name : {"a.jpg", "b.JFIF", "c.heic", "photos/d", "photos/e.xyz", "photos/table.csv"}) {
    folder.Write(name, "x");
  }
  for (const char* name : {"a.jpg", "b.JFIF", "c.heic"}) {
    EXPECT_THAT(Refusal({{"--out", folder / name}}), HasSubstr("named as photos are")) << name;
    EXPECT_EQ(Refusal({{"--sheet", folder / name, OutputKind::kPicture}}), "");
  }
  // Ids may have any name.
  const std::vector<InputPath> photos = {{"--images", folder / "photos", InputKind::kPhotos}};
  for (const char* name : {"photos/d", "photos/e.xyz"}) {
    EXPECT_THAT(Refusal({{"--out", folder / name}}, photos), HasSubstr("is a file that is in the folder")) << name;
  }
  EXPECT_EQ(Refusal({{"--out", folder / "photos/table.csv"}}, photos), "");
  EXPECT_EQ(Refusal({{"--out", folder / "photos/new"}}, photos), "");
}

TEST(CheckFolderIsOurs, NothingOfOthersIsReplaced) {
  TemporaryFolder folder;
  const auto check = [&](const std::string& name) {
    try {
      CheckFolderIsOurs(folder / name, "a gallery", "gallery.json", {"gallery.json", "items.csv"});
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(check("none"), "");
  fs::create_directory(folder / "empty");
  EXPECT_EQ(check("empty"), "");
  folder.Write("ours/gallery.json", "{}");
  folder.Write("ours/items.csv", "x");
  EXPECT_EQ(check("ours"), "");
  folder.Write("unmarked/items.csv", "x");
  EXPECT_THAT(check("unmarked"), HasSubstr("it holds no gallery.json"));
  folder.Write("mixed/gallery.json", "{}");
  folder.Write("mixed/thesis.doc", "x");
  EXPECT_THAT(check("mixed"), HasSubstr("it holds thesis.doc"));
}

}  // namespace
}  // namespace dualgeo
