#include "dualgeo/data/photo_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class PhotoTableTest : public ::testing::Test {
 protected:
  PhotoTable Read(const std::string& content, Locations locations = Locations::kRequired) {
    return ReadPhotoTable(folder_.Write("p.csv", content), {}, locations);
  }
  std::string ErrorOf(const std::string& content, Locations locations = Locations::kRequired) {
    try {
      Read(content, locations);
    } catch (const InputError& error) {
      return error.what();
    }
    ADD_FAILURE() << "no InputError for " << content;
    return "";
  }
  TemporaryFolder folder_;
};

TEST_F(PhotoTableTest, ReadsRowsWithAuthorsAndLines) {
  const PhotoTable table =
      Read("\xEF\xBB\xBFIMG_ID,AUTHOR,LAT,LON,X\r\na/b.jpg,\"Smith, J\",-33.5,151,1\r\nc.jpg,,90,-180,2\r\n");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0], (PhotoRow{"a/b.jpg", LatLon{-33.5, 151}, "Smith, J", 2}));
  EXPECT_EQ(table.rows[1], (PhotoRow{"c.jpg", LatLon{90, -180}, "", 3}));
}

TEST_F(PhotoTableTest, OtherColumnNames) {
  const auto path = folder_.Write("p.csv", "file,latitude,longitude,who\nx.jpg,1,2,me\n");
  const PhotoTable table = ReadPhotoTable(path, {"file", "latitude", "longitude", "who"});
  EXPECT_EQ(table.rows[0], (PhotoRow{"x.jpg", LatLon{1, 2}, "me", 2}));
}

TEST_F(PhotoTableTest, LocationsMayBeOptional) {
  EXPECT_EQ(Read("IMG_ID\nx.jpg\n", Locations::kOptional).rows[0].location, std::nullopt);
  const PhotoTable table = Read("IMG_ID,LAT,LON\nx.jpg,,\ny.jpg,1,2\n", Locations::kOptional);
  EXPECT_EQ(table.rows[0].location, std::nullopt);
  EXPECT_EQ(table.rows[1].location, (LatLon{1, 2}));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\nx.jpg,1,\n", Locations::kOptional), HasSubstr("p.csv:2: LON is empty"));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT\nx.jpg,1\n", Locations::kOptional), HasSubstr("no column LON"));
}

TEST_F(PhotoTableTest, MissingColumnsAndCells) {
  EXPECT_THAT(ErrorOf("LAT,LON\n1,2\n"), HasSubstr("no column IMG_ID"));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT\na,1\n"), HasSubstr("no column LON"));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\na,1,2\nb,,3\n"), HasSubstr("p.csv:3: LAT is empty"));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\na,1,north\n"), HasSubstr("p.csv:2: LON is 'north'"));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\na,nan,1\n"), HasSubstr("p.csv:2: LAT is 'nan'"));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\n,1,2\n"), HasSubstr("p.csv:2: IMG_ID is empty"));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\n"), HasSubstr("no rows"));
}

TEST_F(PhotoTableTest, RepeatedIdsNameBothLines) {
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\na.jpg,1,2\nb.jpg,1,2\na.jpg,3,4\n"),
              AllOf(HasSubstr("p.csv:4: "), HasSubstr("'a.jpg'"), HasSubstr("line 2")));
}

TEST_F(PhotoTableTest, OutOfRange) {
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\na,1,2\nb,-95.5,100\n"),
              AllOf(HasSubstr("p.csv:3: LAT -95.5 is outside [-90, 90]"), Not(HasSubstr("swapped"))));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\na,1,200\n"),
              AllOf(HasSubstr("p.csv:2: LON 200 is outside [-180, 180]"), Not(HasSubstr("swapped"))));
}

TEST_F(PhotoTableTest, SwappedHeaderIsRecognised) {
  // Row 2 is valid both ways, row 3 proves it.
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\na,2.3,48.8\nb,139.7,35.7\nc,151.2,-33.9\n"),
              AllOf(HasSubstr("p.csv:3: LAT 139.7 is outside"), HasSubstr("LAT and LON look swapped"),
                    HasSubstr("2 of 3 rows")));
}

TEST_F(PhotoTableTest, OneOddRowDoesNotAccuseTheTable) {
  // Rows 2 to 4 are valid only as they stand: the header is right and row 5 alone is wrong.
  EXPECT_THAT(
      ErrorOf("IMG_ID,LAT,LON\na,35.7,139.7\nb,-33.9,151.2\nc,37.8,-122.4\nd,139.7,35.7\n"),
      AllOf(HasSubstr("p.csv:5: LAT 139.7"), HasSubstr("of this row may be swapped"), Not(HasSubstr("look swapped"))));
}

TEST_F(PhotoTableTest, TheSwappedHeaderThatWasPublished) {
  SHARED_PATH_OR_SKIP(path, "data/benchmarks/im2gps3k_swapped_header.csv");
  try {
    ReadPhotoTable(path);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("im2gps3k_swapped_header.csv:"), HasSubstr("is outside [-90, 90]"),
                                    HasSubstr("LAT and LON look swapped"), HasSubstr("every row is valid that way")));
  }
}

TEST_F(PhotoTableTest, RealBenchmarks) {
  SHARED_PATH_OR_SKIP(folder, "data/benchmarks");
  EXPECT_EQ(ReadPhotoTable(folder / "im2gps.csv").rows.size(), 237U);
  EXPECT_EQ(ReadPhotoTable(folder / "im2gps3k_places365.csv").rows.size(), 2997U);
  const PhotoTable yfcc = ReadPhotoTable(folder / "yfcc4k_places365.csv");
  ASSERT_EQ(yfcc.rows.size(), 4536U);
  EXPECT_EQ(yfcc.rows[0].location, (LatLon{43.649708, -79.365637}));
}

TEST_F(PhotoTableTest, WhatIsWrittenReadsBack) {
  const std::vector<PhotoRow> rows = {{"a,b.jpg", LatLon{1.0 / 3, -180}, "x \"y\"", 2}, {"c.jpg", std::nullopt, "", 3}};
  WritePhotoTable(folder_ / "w.csv", rows);
  EXPECT_EQ(ReadPhotoTable(folder_ / "w.csv", {}, Locations::kOptional).rows, rows);
}

TEST_F(PhotoTableTest, FurtherColumnsAreKeptWhereAskedFor) {
  const auto path = folder_.Write("p.csv",
                                  "IMG_ID,SCENE,LAT,LON,AUTHOR,HEIGHT\n"
                                  "a.jpg,\"in, door\",1,2,me,nan\nb.jpg,,3,4,,12.5\n");
  const PhotoTable table = ReadPhotoTable(path, {}, Locations::kRequired, {"HEIGHT", "SCENE", "AUTHOR"});
  EXPECT_EQ(table.columns, (std::vector<std::string>{"HEIGHT", "SCENE", "AUTHOR"}));
  EXPECT_EQ(table.rows[0].values, (std::vector<std::string>{"", "in, door", "me"}));
  EXPECT_EQ(table.rows[1].values, (std::vector<std::string>{"12.5", "", ""}));
  WritePhotoTable(folder_ / "w.csv", table);
  EXPECT_EQ(ReadFile(folder_ / "w.csv"),
            "IMG_ID,LAT,LON,AUTHOR,HEIGHT,SCENE\na.jpg,1,2,me,,\"in, door\"\nb.jpg,3,4,,12.5,\n");
  const PhotoTable again = ReadPhotoTable(folder_ / "w.csv", {}, Locations::kRequired, table.columns);
  EXPECT_EQ(again.rows, table.rows);

  EXPECT_TRUE(ReadPhotoTable(path).rows[0].values.empty());
  try {
    ReadPhotoTable(path, {}, Locations::kRequired, {"SCENES"});
    FAIL();
  } catch (const InputError& error) {
    EXPECT_EQ(
        std::string(error.what()),
        path.string() + ":1: no column SCENES, did you mean SCENE? (columns: IMG_ID, SCENE, LAT, LON, AUTHOR, HEIGHT)");
  }
}

TEST_F(PhotoTableTest, IdsStayBelowTheImagesFolder) {
  EXPECT_EQ(PhotoPath("images", "ab/c.jpg"), "images/ab/c.jpg");
  EXPECT_EQ(PhotoPath("images", "a..b.jpg"), "images/a..b.jpg");
  for (const std::string id : {"/etc/passwd", "../x.jpg", "a/../../x.jpg", "..", ""}) {
    EXPECT_THROW(PhotoPath("images", id), InputError) << id;
  }
}

}  // namespace
}  // namespace dualgeo
