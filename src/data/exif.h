// The few facts of EXIF and TIFF headers that decoding and tables of photos need. Broken metadata is common in real
// photos and never an error.
//
// Why not a library: some fifteen tags are wanted, and of hostile files. libexif 0.6.24 follows directories that name
// each other for minutes (155 s for a block of 12 kB with 1,000 such entries), and reads nothing beyond a TIFF's first
// 64 kB; exiv2 is under the GPL. Both parse makers' notes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <opencv2/core.hpp>
#include <optional>
#include <string_view>
#include <vector>

namespace dualgeo {

struct TiffFacts {
  int orientation = 1;  // 1 .. 8 (EXIF 2.3, tag 0x0112); 1: upright
  std::int64_t width = 0;
  std::int64_t height = 0;
};

// First image directory of a TIFF file, or of an EXIF block behind its "Exif\0\0". Nothing when it is not TIFF.
std::optional<TiffFacts> ReadTiffFacts(std::string_view bytes);

struct ExifFraction {
  double numerator = 0;
  double denominator = 0;

  std::optional<double> value() const {
    if (denominator == 0) return std::nullopt;
    return numerator / denominator;
  }
};

// A TIFF file's or EXIF block's main directory and the two that it names for EXIF and GPS. No others are followed: each
// of the three is read once. What lies outside of the bytes, or is of another type, is not there; of a tag that stands
// twice, the first is.
class ExifDirectories {
 public:
  enum Which { kMain, kExif, kGps };

  explicit ExifDirectories(std::string_view tiff);

  // A value of type ASCII, byte or undefined.
  std::string_view Bytes(Which which, int tag) const;
  // The first of type short or long.
  std::optional<std::uint32_t> Number(Which which, int tag) const;
  // The first `most` of type rational, with or without sign.
  std::vector<ExifFraction> Fractions(Which which, int tag, std::size_t most = 3) const;

 private:
  struct Entry {
    std::uint32_t tag = 0, type = 0;
    std::string_view value;
  };
  const Entry* Find(Which which, int tag) const;
  std::vector<Entry> ReadDirectory(std::size_t at) const;
  std::uint32_t Whole(std::string_view bytes, std::size_t at, std::size_t size) const;

  std::string_view tiff_;
  bool big_endian_ = false;
  std::array<std::vector<Entry>, 3> directories_;
};

// Turns the photo upright.
cv::Mat Upright(const cv::Mat& photo, int orientation);

}  // namespace dualgeo
