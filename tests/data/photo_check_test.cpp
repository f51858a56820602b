#include "data/photo_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <opencv2/imgcodecs.hpp>
#include <string>

#include "data/photo_listing.h"
#include "dualgeo/util/error.h"
#include "tests/support/exif_sample.h"
#include "tests/support/refusal.h"
#include "tests/support/stored_zip.h"
#include "tests/support/temporary_folder.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string GreyJpeg(int grey) {
  std::vector<unsigned char> bytes;
  EXPECT_TRUE(cv::imencode(".jpg", cv::Mat(16, 16, CV_8UC3, cv::Scalar::all(grey)), bytes));
  return {bytes.begin(), bytes.end()};
}

PhotoRow RowAt(const std::string& id, double lat, double lon) { return {id, LatLon{lat, lon}, ""}; }

// The same photos as a folder, a tar, a zip, and shards of which one is a folder.
class PhotosEverywhere : public ::testing::Test {
 protected:
  void Put(const std::vector<StoredMember>& files) {
    for (const auto& file : files) folder_.Write("photos/" + file.name, file.content);
    folder_.Write("photos.zip", StoredZip(files));
    ASSERT_EQ(std::system(("cd " + folder_.path().string() +
                           " && tar -cf photos.tar -C photos . --transform 's,^\\./,,' "
                           "&& mkdir -p some && cp -r photos/. some && rm some/a.jpg && tar -cf shard-0.tar -C photos "
                           "a.jpg")
                              .c_str()),
              0);
  }
  std::vector<std::string> Places() const {
    const std::string root = folder_.path().string() + "/";
    return {root + "photos", root + "photos.tar", root + "photos.zip", root + "shard-0.tar," + root + "some"};
  }
  TemporaryFolder folder_;
};

TEST_F(PhotosEverywhere, CheckFindsEveryFault) {
  const std::string unavailable = GreyJpeg(200);
  Put({{"a.jpg", GreyJpeg(1)},
       {"b.jpg", GreyJpeg(2)},
       {"b_again.jpg", GreyJpeg(2)},
       {"cut.jpg", GreyJpeg(3).substr(0, 300)},
       {"page.jpg", "<!DOCTYPE html><html>sign in</html>"},
       {"gone1.jpg", unavailable},
       {"gone2.jpg", unavailable},
       {"gone3.jpg", unavailable},
       {"City/Upper.JPG", GreyJpeg(4)},
       {"other/moved.jpg", GreyJpeg(5)},
       {"Cafe\xCC\x81.jpg", GreyJpeg(6)},
       {"unknown.jpg", GreyJpeg(7)},
       {"list.csv", "a,b\n"}});
  PhotoTable table;
  table.rows = {RowAt("a.jpg", 1, 1),        RowAt("b.jpg", 2, 2),           RowAt("b_again.jpg", 2, 2.001),
                RowAt("cut.jpg", 3, 3),      RowAt("page.jpg", 4, 4),        RowAt("gone1.jpg", 5, 5),
                RowAt("gone2.jpg", -50, 60), RowAt("gone3.jpg", 5, 5),       RowAt("city/upper.jpg", 6, 6),
                RowAt("moved.jpg", 7, 7),    RowAt("Caf\xC3\xA9.jpg", 8, 8), RowAt("nowhere.jpg", 9, 9)};
  for (const auto& place : Places()) {
    SCOPED_TRACE(place);
    const PhotoCheck check = CheckPhotos(table, *OpenPhotoSource(place), 2);
    EXPECT_EQ(check.photos, 12U);
    EXPECT_EQ(check.missing, 4U);
    EXPECT_EQ(check.nearly_right, 3U);
    EXPECT_EQ(check.unreadable, 2U);
    EXPECT_EQ(check.identical, 2U);
    EXPECT_EQ(check.identical_groups, 1U);
    EXPECT_EQ(check.placeholders, 3U);
    EXPECT_EQ(check.placeholder_pictures, 1U);
    EXPECT_EQ(check.not_in_table, 4U);  // three under other names, unknown.jpg
    EXPECT_THAT(check.what_makes_them_match, HasSubstr("3 of 4 match in one Unicode form"));
    const auto out = folder_ / "findings.csv";
    WritePhotoFindings(out, table, check);
    const std::string text = ReadFile(out);
    EXPECT_THAT(text, HasSubstr("IMG_ID,LINE,PROBLEM,DETAIL\n"));
    EXPECT_THAT(text, HasSubstr("b.jpg,0,identical,b_again.jpg\nb_again.jpg,0,identical,b.jpg\n"));
    EXPECT_THAT(text, HasSubstr("cut.jpg,0,unreadable,damaged or truncated JPEG"));
    EXPECT_THAT(text, HasSubstr("page.jpg,0,unreadable,"));
    EXPECT_THAT(text, HasSubstr("gone2.jpg,0,placeholder,gone1.jpg\n"));
    EXPECT_THAT(text, HasSubstr("city/upper.jpg,0,missing,City/Upper.JPG\n"));
    EXPECT_THAT(text, HasSubstr("moved.jpg,0,missing,other/moved.jpg\n"));
    EXPECT_THAT(text, HasSubstr("Caf\xC3\xA9.jpg,0,missing,Cafe\xCC\x81.jpg\n"));
    EXPECT_THAT(text, HasSubstr("nowhere.jpg,0,missing,\n"));
  }
}

TEST_F(PhotosEverywhere, NothingWrong) {
  Put({{"a.jpg", GreyJpeg(1)}, {"b.jpg", GreyJpeg(2)}});
  PhotoTable table;
  table.rows = {RowAt("a.jpg", 1, 1), RowAt("b.jpg", 2, 2)};
  const PhotoCheck check = CheckPhotos(table, *OpenPhotoSource(folder_ / "photos"));
  EXPECT_TRUE(check.findings.empty());
  EXPECT_EQ(check.missing + check.unreadable + check.identical + check.placeholders + check.not_in_table, 0U);
}

// Two ids of one file, or three at one place, are repeats; three with no place known stand for nothing.
TEST_F(PhotosEverywhere, RepeatsAreNoPlaceholders) {
  Put({{"a.jpg", GreyJpeg(1)}, {"b.jpg", GreyJpeg(1)}, {"c.jpg", GreyJpeg(1)}});
  const auto check = [&](const std::vector<PhotoRow>& rows) {
    return CheckPhotos(PhotoTable{{}, rows}, *OpenPhotoSource(folder_ / "photos"));
  };
  EXPECT_EQ(check({RowAt("a.jpg", 1, 1), RowAt("b.jpg", 50, 50)}).identical, 2U);
  EXPECT_EQ(check({RowAt("a.jpg", 1, 1), RowAt("b.jpg", 1, 1), RowAt("c.jpg", 1, 1.001)}).identical, 3U);
  EXPECT_EQ(check({{"a.jpg", {}, ""}, {"b.jpg", {}, ""}, {"c.jpg", {}, ""}}).placeholders, 3U);
}

TEST_F(PhotosEverywhere, TableOfPhotosThatSayTheirPlace) {
  const std::string photo = GreyJpeg(1);
  ExifSample without_fix;
  without_fix.gps = {without_fix.Text(1, "N"), without_fix.Fractions(2, {0, 1, 0, 1, 0, 1}), without_fix.Text(3, "E"),
                     without_fix.Fractions(4, {0, 1, 0, 1, 0, 1})};
  Put({{"a.jpg", WholeExifSample().InJpeg(photo)},
       {"vpr/@0584594@4477125@17@T@40.44@-80.002@@@90@@@@@@.jpg", photo},
       {"vpr/@48.9@-2.3@.jpg", WholeExifSample().InJpeg(photo)},
       {"no_fix.jpg", without_fix.InJpeg(photo)},
       {"plain.jpg", photo},
       {"page.jpg", "<!DOCTYPE html><html>"},
       {".hidden.jpg", photo},
       {"__MACOSX/._a.jpg", photo},
       {"notes.txt", "words"},
       {"film.mp4", "film"}});
  for (const auto& place : Places()) {
    SCOPED_TRACE(place);
    const auto source = OpenPhotoSource(place);
    const PhotoListing listing = ListPhotos(*source, {.threads = 2});
    std::vector<std::string> ids;
    for (const auto& row : listing.table.rows) ids.push_back(row.id);
    EXPECT_THAT(ids,
                ElementsAre("a.jpg", "vpr/@0584594@4477125@17@T@40.44@-80.002@@@90@@@@@@.jpg", "vpr/@48.9@-2.3@.jpg"));
    EXPECT_EQ(listing.photos, 5U);
    EXPECT_EQ(listing.from_exif, 1U);
    EXPECT_EQ(listing.from_name, 2U);
    EXPECT_EQ(listing.contradictions, 1U);  // 48.9 N and 48.858 N
    EXPECT_EQ(listing.without.at("0, 0, as devices write without a fix"), 1U);
    EXPECT_EQ(listing.without.at("no place in EXIF or name"), 1U);
    EXPECT_EQ(listing.others.at("*.txt") + listing.others.at("*.mp4"), 2U);
    ASSERT_EQ(listing.examples_of_unreadable.size(), 1U);
    EXPECT_THAT(listing.examples_of_unreadable[0], HasSubstr("page.jpg: a web page"));
    EXPECT_EQ(ListPhotos(*source, {.all = true}).table.rows.size(), 5U);

    WritePhotoTable(folder_ / "table.csv", listing.table);
    const PhotoTable again = ReadPhotoTable(folder_ / "table.csv", {}, Locations::kRequired, listing.table.columns);
    ASSERT_EQ(again.rows.size(), 3U);
    EXPECT_EQ(again.rows[0].location, listing.table.rows[0].location);
    EXPECT_EQ(again.rows[0].author, "Ann Author");
    EXPECT_THAT(again.rows[0].values, ElementsAre("2019-05-01T12:30:00+02:00", "6", "35.5", "270.25", "exif"));
    EXPECT_THAT(again.rows[1].values, ElementsAre("", "1", "", "90", "name"));
  }
}

TEST(PhotoListing, NoPhotosThere) {
  const TemporaryFolder folder;
  folder.Write("photos/notes.txt", "words");
  const auto source = OpenPhotoSource(folder / "photos");
  EXPECT_THAT(RefusalOf([&] { ListPhotos(*source); }), HasSubstr("no file there is named as photos are"));
}

}  // namespace
}  // namespace dualgeo
