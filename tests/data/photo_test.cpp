#include "data/photo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <cstdint>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "data/photo_facts.h"
#include "dualgeo/util/error.h"
#include "io/csv.h"
#include "tests/support/refusal.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::filesystem::path Fixture(const std::string& name) {
  return std::filesystem::path(DUALGEO_SOURCE_DIR) / "tests/data/photos" / name;
}

// 48 x 32: red, green above blue, white, in OpenCV's order.
cv::Mat Squares(int type = CV_8UC3) {
  const double full = CV_MAT_DEPTH(type) == CV_16U ? 65535 : 255;
  cv::Mat bgr(32, 48, type, cv::Scalar(full, full, full, full));
  bgr(cv::Rect(0, 0, 24, 16)) = cv::Scalar(0, 0, full, full);
  bgr(cv::Rect(24, 0, 24, 16)) = cv::Scalar(0, full, 0, full);
  bgr(cv::Rect(0, 16, 24, 16)) = cv::Scalar(full, 0, 0, full);
  return bgr;
}

std::string Encode(const cv::Mat& image, const std::string& extension, const std::vector<int>& parameters = {}) {
  std::vector<unsigned char> bytes;
  EXPECT_TRUE(cv::imencode(extension, image, bytes, parameters));
  return {bytes.begin(), bytes.end()};
}

std::string PhotoErrorOf(std::string_view bytes) {
  ::testing::internal::CaptureStderr();
  std::string message = "no error";
  try {
    DecodePhoto(bytes, "folder/a.jpg");
  } catch (const InputError& error) {
    message = error.what();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(message.find('\n'), std::string::npos);
  if (message != "no error") {
    EXPECT_THAT(message, StartsWith("folder/a.jpg: "));
  }
  return message;
}

void ExpectColor(const cv::Mat& photo, int x, int y, const cv::Vec3b& expected, int tolerance = 6) {
  const auto pixel = photo.at<cv::Vec3b>(y, x);
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(pixel[c], expected[c], tolerance) << x << ", " << y << " channel " << c;
}

void ExpectSquares(const cv::Mat& photo, int tolerance = 6) {
  ASSERT_EQ(photo.type(), CV_8UC3);
  ASSERT_EQ(photo.size(), cv::Size(48, 32));
  ExpectColor(photo, 8, 8, {255, 0, 0}, tolerance);
  ExpectColor(photo, 40, 8, {0, 255, 0}, tolerance);
  ExpectColor(photo, 8, 24, {0, 0, 255}, tolerance);
  ExpectColor(photo, 40, 24, {255, 255, 255}, tolerance);
}

// The JPEG with an EXIF segment that says nothing but its orientation.
std::string WithOrientation(const std::string& jpeg, char orientation) {
  const std::string tiff = std::string("MM\0*\0\0\0\x08\0\x01", 10) + std::string("\x01\x12\0\x03\0\0\0\x01\0", 9) +
                           orientation + std::string("\0\0\0\0\0\0", 6);
  const std::string data = std::string("Exif\0\0", 6) + tiff;
  const std::size_t length = data.size() + 2;
  return jpeg.substr(0, 2) + "\xff\xe1" + static_cast<char>(length >> 8) + static_cast<char>(length & 0xff) + data +
         jpeg.substr(2);
}

TEST(Photo, ReadsEveryFormatAsRgb) {
  ExpectSquares(DecodePhoto(Encode(Squares(), ".jpg"), "a"));
  ExpectSquares(DecodePhoto(Encode(Squares(), ".png"), "a"), 0);
  ExpectSquares(DecodePhoto(Encode(Squares(), ".webp"), "a"), 12);
  ExpectSquares(DecodePhoto(Encode(Squares(), ".tiff"), "a"), 0);
  ExpectSquares(DecodePhoto(Encode(Squares(), ".bmp"), "a"), 0);
}

// squares.heic and squares.avif: the squares as JPEG, with EXIF by exiftool, through heif-enc -q 90 -p chroma=444 (and
// -A).
TEST(Photo, HeicAndAvif) {
  for (const std::string name : {"squares.heic", "squares.avif"}) {
    const std::string bytes = ReadFile(Fixture(name));
#ifdef DUALGEO_HEIF
    try {
      ExpectSquares(DecodePhoto(bytes, name), 24);
    } catch (const InputError& error) {
      GTEST_SKIP() << "libheif without the decoder: " << error.what();
    }
    const PhotoFacts facts = FactsInPhoto(bytes);
    ASSERT_TRUE(facts.location);
    EXPECT_NEAR(facts.location->lat, 48.8584, 1e-6);
    EXPECT_NEAR(facts.location->lon, -2.2945, 1e-6);
    EXPECT_EQ(facts.author, "Ann Author");
    EXPECT_EQ(facts.taken, "2019-05-01T12:30:00");
    // Cut or changed, it is refused in one line or is a picture; it never takes long or ends the program.
    for (std::size_t size = 16; size < bytes.size(); size += 13) {
      EXPECT_THAT(RefusalOf([&] { DecodePhoto(bytes.substr(0, size), name); }), StartsWith(name + ": ")) << size;
      std::string changed = bytes;
      changed[size] = static_cast<char>(changed[size] ^ 0x5A);
      RefusalOf([&] { DecodePhoto(changed, name); });
      FactsInPhoto(changed);
    }
#else
    EXPECT_THAT(PhotoErrorOf(bytes),
                AllOf(HasSubstr(name.ends_with("heic") ? "HEIC" : "AVIF"), HasSubstr("libheif-dev")));
#endif
  }
}

// By eighths of libjpeg: the least of 1, 2, 4 and 8 that keeps the shorter side, upright as all of it would be.
TEST(Photo, FewerPixelsOfALargeJpeg) {
  cv::Mat large;
  cv::resize(Squares(), large, {1201, 801}, 0, 0, cv::INTER_NEAREST);
  const std::string jpeg = Encode(large, ".jpg");
  const auto decoded = [](const std::string& bytes, int least_side) {
    std::int64_t asked = 0;
    PhotoDecoding decoding{least_side, [&](std::int64_t needed) { asked = needed; }};
    DecodedPhoto photo = DecodePhoto(bytes, "a", decoding);
    EXPECT_GE(asked, static_cast<std::int64_t>(photo.pixels.total()) * 3);
    EXPECT_LE(asked, static_cast<std::int64_t>(photo.pixels.total()) * 6);
    EXPECT_EQ(std::max(photo.size.width, photo.size.height), 1201);
    return photo;
  };
  for (const auto& [least, size] :
       {std::pair(0, cv::Size(1201, 801)), std::pair(801, cv::Size(1201, 801)), std::pair(401, cv::Size(1201, 801)),
        std::pair(400, cv::Size(601, 401)), std::pair(224, cv::Size(601, 401)), std::pair(200, cv::Size(301, 201)),
        std::pair(1, cv::Size(151, 101))}) {
    const DecodedPhoto photo = decoded(jpeg, least);
    EXPECT_EQ(photo.pixels.size(), size) << least;
    EXPECT_EQ(photo.size, cv::Size(1201, 801));
    cv::Mat small;
    cv::resize(photo.pixels, small, {48, 32}, 0, 0, cv::INTER_AREA);
    ExpectSquares(small);
    for (char orientation = 1; orientation <= 8; ++orientation) {
      const DecodedPhoto turned = decoded(WithOrientation(jpeg, orientation), least);
      const cv::Mat all = DecodePhoto(WithOrientation(jpeg, orientation), "a");
      EXPECT_EQ(turned.size, all.size());
      EXPECT_EQ(turned.pixels.cols > turned.pixels.rows, all.cols > all.rows);
      cv::Mat expected;
      cv::resize(all, expected, turned.pixels.size(), 0, 0, cv::INTER_AREA);
      EXPECT_LT(cv::norm(turned.pixels, expected, cv::NORM_L1) / static_cast<double>(expected.total()), 6) << least;
    }
  }
  // Others have no such scales.
  EXPECT_EQ(decoded(Encode(large, ".png"), 100).pixels.size(), cv::Size(1201, 801));
}

TEST(Photo, ProgressiveJpeg) {
  ExpectSquares(DecodePhoto(Encode(Squares(), ".jpg", {cv::IMWRITE_JPEG_PROGRESSIVE, 1}), "a"));
}

TEST(Photo, SixteenBitAndAlpha) {
  ExpectSquares(DecodePhoto(Encode(Squares(CV_16UC3), ".png"), "a"), 0);
  ExpectSquares(DecodePhoto(Encode(Squares(CV_16UC3), ".tiff"), "a"), 0);
  ExpectSquares(DecodePhoto(Encode(Squares(CV_8UC4), ".png"), "a"), 0);
  ExpectSquares(DecodePhoto(Encode(Squares(CV_16UC4), ".png"), "a"), 0);
  cv::Mat see_through = Squares(CV_8UC4);
  see_through.forEach<cv::Vec4b>([](cv::Vec4b& pixel, const int*) { pixel[3] = 0; });
  ExpectSquares(DecodePhoto(Encode(see_through, ".png"), "a"), 0);
  // 0x8000 is half of the light, whatever the depth.
  const cv::Mat grey(8, 8, CV_16UC1, cv::Scalar(0x8000));
  ExpectColor(DecodePhoto(Encode(grey, ".png"), "a"), 4, 4, {128, 128, 128}, 1);
}

TEST(Photo, GreyHasThreeEqualChannels) {
  const cv::Mat grey(20, 30, CV_8UC1, cv::Scalar(77));
  for (const char* extension : {".jpg", ".png", ".tiff", ".bmp"}) {
    const cv::Mat photo = DecodePhoto(Encode(grey, extension), "a");
    ASSERT_EQ(photo.type(), CV_8UC3) << extension;
    ExpectColor(photo, 10, 10, {77, 77, 77}, 1);
  }
}

TEST(Photo, Cmyk) {
  const cv::Mat photo = ReadPhoto(Fixture("cmyk.jpg"));
  ExpectColor(photo, 5, 5, {255, 0, 0});
  ExpectColor(photo, 25, 5, {0, 255, 0});
  ExpectColor(photo, 5, 25, {0, 0, 255});
  ExpectColor(photo, 25, 25, {255, 255, 255});
}

TEST(Photo, ExifOrientation) {
  const std::string jpeg = Encode(Squares(), ".jpg", {cv::IMWRITE_JPEG_QUALITY, 98});
  // Where the stored photo's upper left corner (red) and upper right one (green) are once upright: x, y in eighths.
  struct Case {
    char orientation;
    cv::Size size;
    cv::Point red;
    cv::Point green;
  };
  const std::vector<Case> cases = {
      {1, {48, 32}, {4, 4}, {44, 4}},   {2, {48, 32}, {44, 4}, {4, 4}}, {3, {48, 32}, {44, 28}, {4, 28}},
      {4, {48, 32}, {4, 28}, {44, 28}}, {5, {32, 48}, {4, 4}, {4, 44}}, {6, {32, 48}, {28, 4}, {28, 44}},
      {7, {32, 48}, {28, 44}, {28, 4}}, {8, {32, 48}, {4, 44}, {4, 4}}, {9, {48, 32}, {4, 4}, {44, 4}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(static_cast<int>(c.orientation));
    const cv::Mat photo = DecodePhoto(WithOrientation(jpeg, c.orientation), "a");
    ASSERT_EQ(photo.size(), c.size);
    ExpectColor(photo, c.red.x, c.red.y, {255, 0, 0}, 12);
    ExpectColor(photo, c.green.x, c.green.y, {0, 255, 0}, 12);
  }
}

TEST(Photo, RefusesWhatIsNotAPhoto) {
  EXPECT_THAT(PhotoErrorOf(""), HasSubstr("empty file"));
  EXPECT_THAT(PhotoErrorOf("<html>not found</html>"), HasSubstr("not a photo (JPEG, PNG"));
  EXPECT_THAT(PhotoErrorOf("\xff\xd8\xff"), HasSubstr("damaged or truncated JPEG"));
  EXPECT_THAT(PhotoErrorOf({"BM\0", 3}), HasSubstr("damaged or truncated BMP"));
  EXPECT_THROW(ReadPhoto("/nonexistent/a.jpg"), InputError);
}

TEST(Photo, TruncatedAnywhere) {
  cv::Mat noise(60, 80, CV_8UC3);
  cv::theRNG().state = 1;
  cv::randu(noise, 0, 255);
  for (const char* extension : {".jpg", ".png", ".webp", ".bmp", ".tiff"}) {
    const std::string whole = Encode(noise, extension);
    ASSERT_EQ(PhotoErrorOf(whole), "no error") << extension;
    for (std::size_t i = 1; i <= 40; ++i) {
      EXPECT_NE(PhotoErrorOf(std::string_view(whole).substr(0, whole.size() * i / 41)), "no error")
          << extension << " " << i;
    }
  }
  const std::string jpeg = Encode(noise, ".jpg");
  EXPECT_THAT(PhotoErrorOf(std::string_view(jpeg).substr(0, jpeg.size() - 2)), HasSubstr("damaged or truncated JPEG"));
  const std::string progressive = Encode(noise, ".jpg", {cv::IMWRITE_JPEG_PROGRESSIVE, 1});
  EXPECT_THAT(PhotoErrorOf(std::string_view(progressive).substr(0, progressive.size() / 2)), HasSubstr("JPEG"));
}

TEST(Photo, DamagedDataIsNotGuessed) {
  cv::Mat noise(60, 80, CV_8UC3);
  cv::theRNG().state = 1;
  cv::randu(noise, 0, 255);
  std::string jpeg = Encode(noise, ".jpg");
  jpeg.replace(jpeg.size() / 2, 200, 200, '\0');
  jpeg.replace(jpeg.size() / 2 + 300, 2, "\xff\xd3");  // a restart mark where none belongs
  EXPECT_THAT(PhotoErrorOf(jpeg), HasSubstr("damaged or truncated JPEG"));
  std::string png = Encode(noise, ".png");
  png[png.size() / 2] = static_cast<char>(png[png.size() / 2] ^ 1);
  EXPECT_THAT(PhotoErrorOf(png), HasSubstr("wrong checksum"));
}

TEST(Photo, BytesAfterTheEndAreFine) { ExpectSquares(DecodePhoto(Encode(Squares(), ".jpg") + "more", "a")); }

// A flat picture of a few hundred kilobytes would cost a minute and gigabytes; one with content has more bytes.
TEST(Photo, FewBytesForManyPixelsAreRefused) {
  for (const char* extension : {".png", ".webp"}) {
    const std::string flat = Encode(cv::Mat(8000, 8000, CV_8UC1, cv::Scalar(9)), extension);
    ASSERT_LT(flat.size(), 500'000U) << extension;
    EXPECT_THAT(PhotoErrorOf(flat), AllOf(HasSubstr("too large: 8000 x 8000 pixels in " + std::to_string(flat.size())),
                                          HasSubstr("above 40 million"), HasSubstr("100 pixels a byte")))
        << extension;
  }
  EXPECT_EQ(PhotoErrorOf(Encode(cv::Mat(2000, 2000, CV_8UC1, cv::Scalar(9)), ".png")), "no error");
}

// 80 x 60 pixels of noise in three strips, of which one has only so many of its 4800 bytes.
std::string TiffWithStrip(const std::filesystem::path& path, int compression, std::uint32_t strip, tmsize_t bytes) {
  TIFF* tiff = TIFFOpen(path.c_str(), "w");
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, 80);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 60);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression);
  TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 20);
  cv::Mat noise(1, 4800, CV_8UC1);
  cv::theRNG().state = 1;
  cv::randu(noise, 0, 255);
  for (std::uint32_t i = 0; i < 3; ++i) TIFFWriteEncodedStrip(tiff, i, noise.data, i == strip ? bytes : 4800);
  TIFFClose(tiff);
  return ReadFile(path);
}

TEST(Photo, TiffWithAShortStripIsDamaged) {
  const TemporaryFolder folder;
  const auto path = folder / "a.tiff";
  for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS}) {
    ASSERT_EQ(PhotoErrorOf(TiffWithStrip(path, compression, 0, 4800)), "no error") << compression;
    for (const std::uint32_t strip : {0U, 1U, 2U}) {
      EXPECT_THAT(PhotoErrorOf(TiffWithStrip(path, compression, strip, 3600)),
                  AllOf(HasSubstr("damaged or truncated TIFF: "), HasSubstr("strip")))
          << compression << ", strip " << strip;
    }
  }
}

TEST(Photo, HugeIsRefusedByItsHeader) {
  // A few bytes that claim 60000 x 60000 pixels.
  std::string jpeg = Encode(Squares(), ".jpg");
  const auto frame = jpeg.find("\xff\xc0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xea\x60\xea\x60");
  EXPECT_THAT(PhotoErrorOf(jpeg), AllOf(HasSubstr("too large: 60000 x 60000"), HasSubstr("250 million")));

  std::string bmp = Encode(Squares(), ".bmp");
  bmp.replace(18, 8, std::string("\x60\xea\0\0\x60\xea\0\0", 8));
  EXPECT_THAT(PhotoErrorOf(bmp), HasSubstr("too large"));

  std::string webp("RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x5f\xea\0\x5f\xea\0", 30);
  EXPECT_THAT(PhotoErrorOf(webp), HasSubstr("too large: 60000 x 60000"));
  EXPECT_THAT(PhotoErrorOf(std::string("RIFF\x04\0\0\0WEBP", 12)), HasSubstr("no pixels"));
}

// A PNG checksum, bit by bit (PNG specification, annex D).
std::string Crc(const std::string& bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int k = 0; k < 8; ++k) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320U : crc >> 1;
  }
  crc = ~crc;
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(crc >> shift & 0xFF);
  return text;
}

TEST(Photo, HugePng) {
  std::string png = Encode(Squares(), ".png");
  png.replace(16, 8, std::string("\0\0\xea\x60\0\0\xea\x60", 8));
  EXPECT_THAT(PhotoErrorOf(png), HasSubstr("wrong checksum in chunk IHDR"));
  png.replace(29, 4, Crc(png.substr(12, 17)));
  EXPECT_THAT(PhotoErrorOf(png), HasSubstr("too large: 60000 x 60000"));
}

TEST(Photo, RealExifSamples) {
  SHARED_PATH_OR_SKIP(folder, "data/exif_gps");
  const CsvTable table = CsvTable::Read(folder / "expected_exiftool.csv");
  const auto file = table.Require("SourceFile");
  const auto orientation = table.Require("Orientation");
  const auto size = table.Require("ImageSize");
  for (std::size_t row = 0; row < table.rows(); ++row) {
    SCOPED_TRACE(table.Cell(row, file));
    if (table.Cell(row, file) == "images/exifsamples_corrupted.jpg") {
      // Bytes are missing from its middle: what follows is shifted sideways, and its last rows are grey.
      EXPECT_THAT(PhotoErrorOf(ReadFile(folder / table.Cell(row, file))), HasSubstr("premature end of data segment"));
      continue;
    }
    ::testing::internal::CaptureStderr();
    cv::Mat photo;
    EXPECT_NO_THROW(photo = ReadPhoto(folder / table.Cell(row, file)));
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
    const std::string stored(table.Cell(row, size));
    const auto blank = stored.find(' ');
    cv::Size expected(std::stoi(stored.substr(0, blank)), std::stoi(stored.substr(blank + 1)));
    if (std::stoi(std::string(table.Cell(row, orientation))) >= 5) std::swap(expected.width, expected.height);
    EXPECT_EQ(photo.size(), expected);
  }
}

}  // namespace
}  // namespace dualgeo
