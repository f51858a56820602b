// The few facts of EXIF and TIFF headers that decoding needs. Broken metadata is common in real photos and never an
// error.
//
// Why not libexif or exiv2: three tags are wanted, and of hostile files; both parse all metadata, makers' notes
// included.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <optional>
#include <string_view>

namespace dualgeo {

struct TiffFacts {
  int orientation = 1;  // 1 .. 8 (EXIF 2.3, tag 0x0112); 1: upright
  std::int64_t width = 0;
  std::int64_t height = 0;
};

// First image directory of a TIFF file, or of an EXIF block behind its "Exif\0\0". Nothing when it is not TIFF.
std::optional<TiffFacts> ReadTiffFacts(std::string_view bytes);

// Turns the photo upright.
cv::Mat Upright(const cv::Mat& photo, int orientation);

}  // namespace dualgeo
