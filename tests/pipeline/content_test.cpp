#include "pipeline/content.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "dualgeo/util/hash.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;

// As if it lay there since a minute.
void Age(const fs::path& path) {
  timespec times[2] = {};
  times[0].tv_sec = times[1].tv_sec = std::time(nullptr) - 60;
  utimensat(AT_FDCWD, path.c_str(), times, 0);
}

class ContentTest : public ::testing::Test {
 protected:
  std::string Of(const Artifact& artifact) {
    Contents contents(folder_ / "hashes.bin");
    return artifact.content(contents).sha256;
  }
  std::int64_t Missing(const Artifact& artifact) {
    Contents contents;
    return artifact.content(contents).missing;
  }
  Artifact Photos(const std::string& images = "images") {
    return PhotosArtifact("photos", folder_ / images, folder_ / "t.csv", {});
  }

  TemporaryFolder folder_;
};

TEST_F(ContentTest, OnlyThePhotosThatTheTableNamesCount) {
  folder_.Write("t.csv", "IMG_ID,LAT,LON\na/1.jpg,1,2\n2.jpg,3,4\n");
  folder_.Write("images/a/1.jpg", "one");
  folder_.Write("images/2.jpg", "two");
  const auto before = Of(Photos());
  folder_.Write("images/Thumbs.db", "x");
  folder_.Write("images/other.jpg", "x");
  Age(folder_ / "images/2.jpg");
  EXPECT_EQ(Of(Photos()), before);
  fs::copy(folder_ / "images", folder_ / "moved", fs::copy_options::recursive);
  EXPECT_EQ(Of(Photos("moved")), before);
  // Links to folders and photos are followed, and what they lead to counts.
  fs::rename(folder_ / "images/a", folder_ / "elsewhere");
  fs::create_directory_symlink(folder_ / "elsewhere", folder_ / "images/a");
  EXPECT_EQ(Of(Photos()), before);
  folder_.Write("elsewhere/1.jpg", "eno");
  EXPECT_NE(Of(Photos()), before);
  fs::remove(folder_ / "images/2.jpg");
  EXPECT_EQ(Missing(Photos()), 1);
}

TEST_F(ContentTest, FurtherColumnsOfATableCountWhereTheyAreRead) {
  const auto of = [&](const std::vector<std::string>& further) {
    return Of(TableArtifact("table", folder_ / "t.csv", {}, TablePart::kRows, further));
  };
  folder_.Write("t.csv", "IMG_ID,LAT,LON,SCENE,COUNTRY\na,1,2,indoor,NO\n");
  const auto rows = of({}), scene = of({"SCENE"});
  EXPECT_EQ(rows, Of(TableArtifact("table", folder_ / "t.csv", {}, TablePart::kRows)));
  EXPECT_NE(rows, scene);
  folder_.Write("t.csv", "IMG_ID,LAT,LON,SCENE,COUNTRY\na,1,2,indoor,SE\n");
  EXPECT_EQ(of({"SCENE"}), scene);
  folder_.Write("t.csv", "IMG_ID,LAT,LON,SCENE,COUNTRY\na,1,2,urban,NO\n");
  EXPECT_NE(of({"SCENE"}), scene);
  EXPECT_EQ(of({}), rows);
}

TEST_F(ContentTest, TablesCountByWhatTheySay) {
  const auto of = [&](TablePart part, const PhotoColumns& columns = {}) {
    return Of(TableArtifact("table", folder_ / "t.csv", columns, part));
  };
  folder_.Write("t.csv", "IMG_ID,LAT,LON,AUTHOR,LAT2,COUNTRY\na,1,2,me,5,NO\n");
  const auto ids = of(TablePart::kIds), rows = of(TablePart::kRows), cells = of(TablePart::kCells);
  folder_.Write("t.csv", "IMG_ID,LAT,LON,AUTHOR,LAT2,COUNTRY\r\na,1,2,me,5,NO\r\n\r\n\n");
  EXPECT_EQ(of(TablePart::kRows), rows);
  EXPECT_EQ(of(TablePart::kCells), cells);
  PhotoColumns columns;
  columns.lat = "LAT2";
  EXPECT_NE(of(TablePart::kRows, columns), rows);
  EXPECT_NE(of(TablePart::kCells, columns), cells);
  EXPECT_EQ(of(TablePart::kIds, columns), ids);
  folder_.Write("t.csv", "IMG_ID,LAT,LON,AUTHOR,LAT2,COUNTRY\na,1,2,me,5,SE\n");
  EXPECT_EQ(of(TablePart::kRows), rows);
  EXPECT_NE(of(TablePart::kCells), cells);
  folder_.Write("t.csv", "IMG_ID,LAT,LON,AUTHOR,LAT2,COUNTRY\na,1,3,me,5,SE\n");
  EXPECT_EQ(of(TablePart::kIds), ids);
  EXPECT_NE(of(TablePart::kRows), rows);
}

TEST_F(ContentTest, OfACheckpointTheWeightsCountAlone) {
  folder_.Write("best/model.safetensors", "weights");
  folder_.Write("best/config.yaml", "a: 1");
  const auto before = Of(WeightsArtifact("checkpoint", folder_ / "best"));
  EXPECT_EQ(before, Sha256("weights"));
  folder_.Write("best/config.yaml", "a: 2");
  folder_.Write("best/notes.txt", "mine");
  EXPECT_EQ(Of(WeightsArtifact("checkpoint", folder_ / "best")), before);
  EXPECT_EQ(Of(WeightsArtifact("checkpoint", folder_ / "best/model.safetensors")), before);
  EXPECT_EQ(Of(WeightsArtifact("checkpoint", folder_ / "nowhere")), "absent");
}

TEST_F(ContentTest, AFileIsReadOnceAndAgainWhenItsStampChanges) {
  const auto file = folder_.Write("big", "one");
  Age(file);
  const auto read = [&] {
    Contents contents(folder_ / "hashes.bin");
    const auto hash = contents.File(file);
    return std::pair(hash, contents.read());
  };
  // Its inode changed a moment ago: a hash of it is not kept.
  EXPECT_EQ(read(), std::pair(Sha256("one"), std::int64_t{1}));
  EXPECT_EQ(read().second, 1);
  struct stat info = {};
  do {
    ::usleep(100'000);
    stat(file.c_str(), &info);
  } while (std::time(nullptr) < info.st_ctim.tv_sec + 3);
  EXPECT_EQ(read().second, 1);
  EXPECT_EQ(read(), std::pair(Sha256("one"), std::int64_t{0}));
  // Same size, same modification time: only the inode's own time tells.
  folder_.Write("big", "two");
  Age(file);
  EXPECT_EQ(read(), std::pair(Sha256("two"), std::int64_t{1}));
  // A damaged cache is none.
  folder_.Write("hashes.bin", "dualgeo hashes1\0garbage");
  EXPECT_EQ(read().first, Sha256("two"));
}

}  // namespace
}  // namespace dualgeo
