// Photos from encoded bytes: JPEG, PNG, WebP, TIFF, BMP; HEIC and AVIF where the build has libheif.
//
// The result is always 8-bit RGB (CV_8UC3, **R first**, not OpenCV's BGR), turned upright by its EXIF orientation.
// Grey becomes R = G = B, 16-bit keeps its high byte, CMYK is converted, transparency is dropped (as Pillow's
// convert("RGB") does).
//
// Damaged: a photo that any pixel is missing from (a JPEG that ends early, or whose data cannot be decoded to the end)
// is an error, since libjpeg would fill the rest with grey and a model would learn the grey: so is whatever libjpeg
// warns about in the image data, a missing end mark, and a PNG chunk with a wrong checksum. Odd or broken metadata
// (EXIF, colour profiles, extra bytes before a marker or after the end) is not. Some viewers show such photos; this is
// not one. (That is why libjpeg is called as it is: TurboJPEG's simpler interface does not tell one warning from
// another.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <opencv2/core.hpp>
#include <string>
#include <string_view>

namespace dualgeo {

// A photo of more pixels is refused by its header, before anything is allocated for it.
inline constexpr std::int64_t kMaxPhotoPixels = 250'000'000;
// So is one of more than kFreePhotoPixels that has fewer bytes than a photo takes: a flat PNG of a few hundred
// kilobytes would cost a minute and gigabytes. A JPEG of the lowest quality has about 30 pixels a byte.
inline constexpr std::int64_t kFreePhotoPixels = 40'000'000;
inline constexpr std::int64_t kPhotoPixelsPerByte = 100;

// How a photo is decoded.
struct PhotoDecoding {
  // Of a larger JPEG only so many pixels (by libjpeg's scaling in eighths, from fewer coefficients of each block) that
  // the shorter side is not below this. 0: all, as Pillow does.
  int least_side = 0;
  // Called with the bytes that the photo will take while it is decoded, before it takes them; may wait.
  std::function<void(std::int64_t bytes)> before_pixels = {};
};

struct DecodedPhoto {
  cv::Mat pixels;
  cv::Size size;  // of the upright photo; pixels may be fewer (PhotoDecoding::least_side)
};

// name: how messages call the photo. Throws InputError (one line that begins with the name) when the bytes are empty,
// of no known format, damaged or truncated, or when there are more than kMaxPhotoPixels. Safe to call from several
// threads.
DecodedPhoto DecodePhoto(std::string_view bytes, const std::string& name, const PhotoDecoding& decoding);
cv::Mat DecodePhoto(std::string_view bytes, const std::string& name);

// The same for a file. Throws InputError also when it is missing or unreadable.
cv::Mat ReadPhoto(const std::filesystem::path& path);

}  // namespace dualgeo
