// What the headers of image files say, read before a decoder allocates anything or complains on stderr.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dualgeo {

// After a photo's name, in an Error: the photo is not at fault.
inline constexpr const char* kNoMemory = ": not enough memory to decode it";

enum class PhotoFormat { kJpeg, kPng, kWebp, kTiff, kBmp, kUnknown };

PhotoFormat DetectFormat(std::string_view bytes);

// Throws InputError beginning with `name` when there are none or too many pixels (kMaxPhotoPixels).
void CheckPhotoPixels(std::int64_t width, std::int64_t height, const std::string& name);

// The same when there are more than kFreePhotoPixels of them in fewer bytes than a photo takes.
void CheckPhotoRatio(std::int64_t width, std::int64_t height, std::size_t bytes, const std::string& name);

struct PngFacts {
  std::int64_t width = 0;
  std::int64_t height = 0;
  int bit_depth = 0;
  int color_type = 0;  // 0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGBA
  int orientation = 1;
  // The file with nothing but what its pixels need: libpng writes warnings about odd colour profiles and comments to
  // stderr, and Pillow, too, ignores them.
  std::string essentials;
};

// Walks the chunks and checks their checksums (PNG specification, 3rd edition). Throws InputError beginning with `name`
// when the file is damaged, truncated or too large.
PngFacts ReadPng(std::string_view bytes, const std::string& name);

struct RasterFacts {
  std::int64_t width = 0;
  std::int64_t height = 0;
  int orientation = 1;
};

RasterFacts ReadWebp(std::string_view bytes, const std::string& name);
RasterFacts ReadBmp(std::string_view bytes, const std::string& name);

}  // namespace dualgeo
