// `dualgeo photos`, as a user would call it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>

#include "tests/support/exif_sample.h"
#include "tests/tools/run_binary.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

std::string PlainJpeg(int grey) {
  std::vector<unsigned char> bytes;
  EXPECT_TRUE(cv::imencode(".jpg", cv::Mat(16, 16, CV_8UC3, cv::Scalar::all(grey)), bytes));
  return {bytes.begin(), bytes.end()};
}

TEST(PhotosCommand, TableThenCheck) {
  const TemporaryFolder folder;
  folder.Write("in/a.jpg", WholeExifSample().InJpeg(PlainJpeg(1)));
  folder.Write("in/@10.5@20.5@.jpg", PlainJpeg(2));
  folder.Write("in/plain.jpg", PlainJpeg(3));
  const auto table = RunBinary({"photos", "table", "in", "--out", "photos.csv"}, folder.path());
  ASSERT_EQ(table.exit_code, 0) << table.err;
  EXPECT_EQ(table.out,
            "3 photos: 1 say their place in EXIF, 1 in their names\n"
            "  1 left out: no place in EXIF or name\n2 rows in photos.csv\n");
  EXPECT_THAT(
      ReadFile(folder / "photos.csv"),
      HasSubstr("IMG_ID,LAT,LON,AUTHOR,TAKEN,ORIENTATION,ALTITUDE,HEADING,PLACE_FROM\n@10.5@20.5@.jpg,10.5,20.5,"));
  const auto good = RunBinary({"photos", "check", "photos.csv", "in", "--json"}, folder.path());
  ASSERT_EQ(good.exit_code, 0) << good.err;
  const auto counts = nlohmann::json::parse(good.out);
  EXPECT_EQ(counts["photos"], 2);
  EXPECT_EQ(counts["not_in_table"], 1);

  folder.Write("bad.csv", "IMG_ID\nA.jpg\nplain.jpg\nno.jpg\n");
  const auto bad = RunBinary({"photos", "check", "bad.csv", "in", "--out", "found.csv"}, folder.path());
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_THAT(bad.out, HasSubstr("  2 missing, for one A.jpg, a.jpg is there\n"
                                 "      1 of them are there under another name: 1 of 2 match in lower case\n"));
  EXPECT_THAT(bad.err, HasSubstr("photos check: 2 missing and 0 unreadable of 3 photos"));
  EXPECT_EQ(ReadFile(folder / "found.csv"), "IMG_ID,LINE,PROBLEM,DETAIL\nA.jpg,2,missing,a.jpg\nno.jpg,4,missing,\n");
}

TEST(PhotosCommand, Mistakes) {
  const TemporaryFolder folder;
  folder.Write("in/plain.jpg", PlainJpeg(3));
  const auto none = RunBinary({"photos", "table", "in", "--out", "photos.csv"}, folder.path());
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("none of the photos says where it was taken"));
  EXPECT_FALSE(std::filesystem::exists(folder / "photos.csv"));
  EXPECT_EQ(RunBinary({"photos", "table", "in", "--out", "photos.csv", "--all"}, folder.path()).exit_code, 0);
  EXPECT_EQ(RunBinary({"photos", "table", "nowhere", "--out", "photos.csv"}, folder.path()).exit_code, 2);
  const auto same = RunBinary({"photos", "check", "photos.csv", "in", "--out", "photos.csv"}, folder.path());
  EXPECT_EQ(same.exit_code, 2);
  EXPECT_THAT(same.err, HasSubstr("is the file of table"));
}

}  // namespace
}  // namespace dualgeo
