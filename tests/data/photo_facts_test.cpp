#include "data/photo_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <chrono>
#include <opencv2/imgcodecs.hpp>
#include <random>
#include <string>

#include "io/csv.h"
#include "tests/support/exif_sample.h"
#include "tests/support/shared_data.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

std::string SmallPhoto(const std::string& extension) {
  std::vector<unsigned char> bytes;
  EXPECT_TRUE(cv::imencode(extension, cv::Mat(8, 8, CV_8UC3, cv::Scalar(1, 2, 3)), bytes));
  return {bytes.begin(), bytes.end()};
}

std::string BigEndian(std::uint32_t value) { return ExifSample(true).Number(value, 4); }

void ExpectWhole(const PhotoFacts& facts) {
  ASSERT_TRUE(facts.location);
  EXPECT_NEAR(facts.location->lat, 48 + 51 / 60.0 + 30.12 / 3600, 1e-12);
  EXPECT_NEAR(facts.location->lon, -(2 + 17 / 60.0 + 40.5 / 3600), 1e-12);
  EXPECT_EQ(facts.altitude_m, 35.5);
  EXPECT_EQ(facts.heading_deg, 270.25);
  EXPECT_EQ(facts.taken, "2019-05-01T12:30:00+02:00");
  EXPECT_EQ(facts.orientation, 6);
  EXPECT_EQ(facts.author, "Ann Author");
  EXPECT_EQ(facts.without_location, "");
}

TEST(PhotoFacts, OfEveryFormatAndByteOrder) {
  for (const bool big_endian : {false, true}) {
    const ExifSample sample = WholeExifSample(big_endian);
    ExpectWhole(FactsInPhoto(sample.InJpeg(SmallPhoto(".jpg"))));
    const std::string png = SmallPhoto(".png");
    const std::string chunk = "eXIf" + sample.Tiff();
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(chunk.data()), static_cast<uInt>(chunk.size()));
    ExpectWhole(FactsInPhoto(png.substr(0, 33) + BigEndian(static_cast<std::uint32_t>(chunk.size() - 4)) + chunk +
                             BigEndian(static_cast<std::uint32_t>(sum)) + png.substr(33)));
    const std::string tiff = sample.Tiff();
    ExpectWhole(FactsInPhoto(tiff));  // no pixels, and facts all the same
    const std::string odd = tiff.size() % 2 == 0 ? "" : std::string(1, '\0');
    ExpectWhole(FactsInPhoto("RIFF" + std::string(4, '\1') + "WEBP" + "VP8 " + std::string("\3\0\0\0abc\0", 8) +
                             "EXIF" + ExifSample(false).Number(static_cast<std::uint32_t>(tiff.size()), 4) + tiff +
                             odd));
  }
  for (const char* extension : {".jpg", ".png", ".webp", ".bmp"}) {
    const PhotoFacts nothing = FactsInPhoto(SmallPhoto(extension));
    EXPECT_FALSE(nothing.location || nothing.altitude_m || nothing.heading_deg);
    EXPECT_EQ(nothing.taken + nothing.author + nothing.without_location, "");
    EXPECT_EQ(nothing.orientation, 1);
  }
}

// What devices and editors write in place of a place.
TEST(PhotoFacts, WhatIsNoPlaceIsSaid) {
  const auto place = [](const std::vector<std::uint32_t>& lat, const std::string& north,
                        const std::vector<std::uint32_t>& lon, const std::string& east) {
    ExifSample sample;
    sample.gps = {sample.Text(1, north), sample.Fractions(2, lat), sample.Text(3, east), sample.Fractions(4, lon)};
    return FactsInPhoto(sample.InJpeg(SmallPhoto(".jpg")));
  };
  const PhotoFacts south = place({33, 1, 30, 1, 0, 0}, "S", {70, 1, 0, 0, 0, 0}, "w");
  ASSERT_TRUE(south.location);  // 0/0: not known any finer
  EXPECT_EQ(*south.location, (LatLon{-33.5, -70}));
  EXPECT_EQ(place({0, 1, 0, 1, 0, 1}, "N", {0, 1, 0, 1, 0, 1}, "E").without_location,
            "0, 0, as devices write without a fix");
  EXPECT_THAT(place({91, 1, 0, 1, 0, 1}, "N", {0, 1, 0, 1, 0, 1}, "E").without_location,
              HasSubstr("out of range (91, 0)"));
  EXPECT_THAT(place({1, 1, 0, 1, 0, 1}, "", {5, 1, 0, 1, 0, 1}, "E").without_location,
              HasSubstr("without north or south"));
  EXPECT_THAT(place({1, 0, 0, 1, 0, 1}, "N", {5, 1, 0, 1, 0, 1}, "E").without_location, HasSubstr("no numbers"));
  EXPECT_FALSE(place({1, 0, 0, 1, 0, 1}, "N", {5, 1, 0, 1, 0, 1}, "E").location);
}

TEST(PhotoFacts, AuthorsAndTimesAsTheyAreWritten) {
  const auto facts = [](const std::string& author, const std::string& time) {
    ExifSample sample;
    sample.main = {sample.Text(0x013B, author)};
    sample.exif = {sample.Text(0x9003, time)};
    return FactsInPhoto(sample.InJpeg(SmallPhoto(".jpg")));
  };
  EXPECT_EQ(facts("  Jos\xC3\xA9\n ", "2019:05:01 12:30:00").author, "Jos\xC3\xA9");
  EXPECT_EQ(facts("Jos\xE9", "").author, "Jos\xC3\xA9");  // Latin-1
  EXPECT_LE(facts(std::string(5000, 'x'), "").author.size(), 200U);
  EXPECT_EQ(facts("a", "2019-05-01 12:30:00").taken, "2019-05-01T12:30:00");
  for (const char* none : {"    :  :     :  :  ", "0000:00:00 00:00:00", "2019:13:01 12:30:00", "yesterday", ""}) {
    EXPECT_EQ(facts("a", none).taken, "") << none;
  }
  ExifSample windows;
  windows.main = {{0x9C9D, 1, 8, std::string("A\0\xE9\0\x3D\xD8\x00\xDE", 8)}};
  EXPECT_EQ(FactsInPhoto(windows.InJpeg(SmallPhoto(".jpg"))).author, "A\xC3\xA9\xF0\x9F\x98\x80");
}

// Damaged blocks: whatever bytes are changed or missing, an answer in bounded time, and what it says is in range.
TEST(PhotoFacts, HostileBlocks) {
  const auto start = std::chrono::steady_clock::now();
  std::minstd_rand random(1);
  const auto any = [&](std::size_t below) { return static_cast<std::size_t>(random() % below); };
  const auto look = [](const std::string& bytes) {
    const PhotoFacts facts = FactsInPhoto(bytes);
    EXPECT_TRUE(!facts.location || IsValid(*facts.location));
    EXPECT_TRUE(facts.orientation >= 1 && facts.orientation <= 8);
    EXPECT_LE(facts.author.size(), 200U);
    EXPECT_TRUE(!facts.heading_deg || (*facts.heading_deg >= 0 && *facts.heading_deg < 360));
  };
  const std::string jpeg = SmallPhoto(".jpg");
  for (const bool big_endian : {false, true}) {
    const std::string tiff = WholeExifSample(big_endian).Tiff();
    for (std::size_t size = 0; size <= tiff.size(); ++size) {
      look(ExifSample::InJpeg(jpeg, tiff.substr(0, size)));
      look(tiff.substr(0, size));
    }
    for (int i = 0; i < 6000; ++i) {
      std::string changed = tiff;
      for (std::size_t n = 1 + any(4); n > 0; --n) {
        static constexpr unsigned char kValues[] = {0, 1, 2, 8, 0x7F, 0x80, 0xFF};
        changed[any(changed.size())] = static_cast<char>(any(2) == 0 ? kValues[any(7)] : any(256));
      }
      look(i % 2 == 0 ? changed : ExifSample::InJpeg(jpeg, changed));
    }
    // A directory that names itself as every other, with as many entries as can be said.
    for (const char* pointer : {"\x87\x69", "\x88\x25", "\xA0\x05"}) {
      ExifSample circle(big_endian);
      const int tag = static_cast<unsigned char>(pointer[0]) << 8 | static_cast<unsigned char>(pointer[1]);
      for (int i = 0; i < 65000; ++i) circle.main.push_back({tag, 4, 1, circle.Number(8, 4)});
      look(circle.InJpeg(jpeg, circle.Tiff().substr(0, 65500)));
      look(circle.Tiff());
    }
  }
  std::string endless = "\x89PNG\r\n\x1a\n";
  for (int i = 0; i < 100000; ++i) endless += std::string(4, '\0') + "tEXt" + std::string(4, '\0');
  look(endless);
  look(std::string("RIFF\xff\xff\xff\xffWEBP") + "EXIF\xff\xff\xff\xff");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(PhotoFacts, RealSamplesAgreeWithExiftool) {
  SHARED_PATH_OR_SKIP(folder, "data/exif_gps");
  const CsvTable table = CsvTable::Read(folder / "expected_exiftool.csv");
  const auto number = [&](std::size_t row, const char* column) {
    return table.NumberIfAny(row, table.Require(column));
  };
  std::size_t with_place = 0;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string file(table.Cell(row, table.Require("SourceFile")));
    SCOPED_TRACE(file);
    const PhotoFacts facts = FactsInPhoto(ReadFile(folder / file, std::size_t{1} << 29));
    const auto lat = number(row, "GPSLatitude"), lon = number(row, "GPSLongitude");
    ASSERT_EQ(facts.location.has_value(), lat.has_value()) << facts.without_location;
    if (lat) {
      ++with_place;
      EXPECT_NEAR(facts.location->lat, *lat, 1e-9);
      EXPECT_NEAR(facts.location->lon, *lon, 1e-9);
    }
    if (const auto height = number(row, "GPSAltitude")) {
      ASSERT_TRUE(facts.altitude_m);
      EXPECT_NEAR(*facts.altitude_m, *height, 1e-3);
    }
    EXPECT_EQ(facts.orientation, number(row, "Orientation"));
  }
  EXPECT_EQ(with_place, 18U);
}

TEST(PhotoNames, OfPlaceRecognition) {
  const auto whole = FactsInName(
      "queries/@0584594.65@4477125.81@17@T@040.44022@-080.00249@00012@@135@@@234.5@20140912_131502@note@.jpg");
  ASSERT_TRUE(whole);
  EXPECT_EQ(*whole->location, (LatLon{40.44022, -80.00249}));
  EXPECT_EQ(whole->heading_deg, 135);
  EXPECT_EQ(whole->altitude_m, 234.5);
  EXPECT_EQ(whole->taken, "2014-09-12T13:15:02");
  const auto by_utm = FactsInName("@0584594.65@4477125.81@17@T@@@@@@@@@201311@@.jpg");
  ASSERT_TRUE(by_utm);
  EXPECT_NEAR(by_utm->location->lat, 40.44022, 5e-4);
  EXPECT_NEAR(by_utm->location->lon, -80.00249, 5e-4);
  EXPECT_EQ(by_utm->taken, "");  // a month is no day
  const auto south = FactsInName("@334000@6252000@56@H@@@.jpg");
  ASSERT_TRUE(south);
  EXPECT_NEAR(south->location->lat, -33.86, 0.05);
  EXPECT_NEAR(south->location->lon, 151.2, 0.05);
  const auto shorter = FactsInName("a/b/@-33.85@151.21@.png");
  ASSERT_TRUE(shorter);
  EXPECT_EQ(*shorter->location, (LatLon{-33.85, 151.21}));
  for (const char* none :
       {"a.jpg", "a@1@2@.jpg", "@.jpg", "@@@@@@@.jpg", "@a@b@.jpg", "@91@0@.jpg", "@584594@4477125@.jpg",
        "@584594@4477125@99@T@@@.jpg", "@1e300@1e300@17@T@@@.jpg", "@nan@nan@.jpg", "", "@1@2/a.jpg"}) {
    EXPECT_FALSE(FactsInName(none)) << none;
  }
}

}  // namespace
}  // namespace dualgeo
