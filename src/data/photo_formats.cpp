#include "photo_formats.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>

#include "data/photo.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "exif.h"

namespace dualgeo {
namespace {

[[noreturn]] void Damaged(const std::string& name, const std::string& format, const std::string& what) {
  throw InputError(name + ": damaged or truncated " + format + ": " + what);
}

std::uint32_t Byte(std::string_view bytes, std::size_t i) { return static_cast<unsigned char>(bytes[i]); }

std::uint32_t Big32(std::string_view bytes, std::size_t i) {
  return Byte(bytes, i) << 24 | Byte(bytes, i + 1) << 16 | Byte(bytes, i + 2) << 8 | Byte(bytes, i + 3);
}
std::uint32_t Little16(std::string_view bytes, std::size_t i) { return Byte(bytes, i) | Byte(bytes, i + 1) << 8; }
std::uint32_t Little24(std::string_view bytes, std::size_t i) { return Little16(bytes, i) | Byte(bytes, i + 2) << 16; }
std::uint32_t Little32(std::string_view bytes, std::size_t i) { return Little24(bytes, i) | Byte(bytes, i + 3) << 24; }

constexpr std::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);

}  // namespace

PhotoFormat DetectFormat(std::string_view bytes) {
  if (bytes.starts_with("\xff\xd8\xff")) return PhotoFormat::kJpeg;
  if (bytes.starts_with(kPngSignature)) return PhotoFormat::kPng;
  if (bytes.size() >= 12 && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP") return PhotoFormat::kWebp;
  if (bytes.starts_with(std::string_view("II*\0", 4)) || bytes.starts_with(std::string_view("MM\0*", 4))) {
    return PhotoFormat::kTiff;
  }
  if (bytes.starts_with("BM")) return PhotoFormat::kBmp;
  return PhotoFormat::kUnknown;
}

void CheckPhotoPixels(std::int64_t width, std::int64_t height, const std::string& name) {
  const std::string size = std::to_string(width) + " x " + std::to_string(height);
  if (width <= 0 || height <= 0) throw InputError(name + ": no pixels (" + size + ")");
  // Formats hold at most 32 bits a side: the product does not overflow once each side is below 2^31.
  if (width > INT32_MAX || height > INT32_MAX || width * height > kMaxPhotoPixels) {
    throw InputError(name + ": too large: " + size + " pixels; at most " + std::to_string(kMaxPhotoPixels / 1'000'000) +
                     " million are decoded");
  }
}

void CheckPhotoRatio(std::int64_t width, std::int64_t height, std::size_t bytes, const std::string& name) {
  const std::int64_t allowed = std::max(kFreePhotoPixels, kPhotoPixelsPerByte * static_cast<std::int64_t>(bytes));
  if (width * height <= allowed) return;
  throw InputError(name + ": too large: " + std::to_string(width) + " x " + std::to_string(height) + " pixels in " +
                   std::to_string(bytes) + " bytes, which is no photo; above " +
                   std::to_string(kFreePhotoPixels / 1'000'000) + " million, at most " +
                   std::to_string(kPhotoPixelsPerByte) + " pixels a byte are decoded");
}

PngFacts ReadPng(std::string_view bytes, const std::string& name) {
  PngFacts facts;
  facts.essentials = kPngSignature;
  bool has_data = false;
  std::size_t offset = kPngSignature.size();
  for (;;) {
    const std::size_t left = bytes.size() - offset;
    if (left < 12) Damaged(name, "PNG", "no end chunk");
    const std::size_t length = Big32(bytes, offset);
    const std::string_view type = bytes.substr(offset + 4, 4);
    if (length > left - 12) Damaged(name, "PNG", "ends within chunk " + Printable(type));
    const std::string_view data = bytes.substr(offset + 8, length);
    const bool first = offset == kPngSignature.size();
    if (first != (type == "IHDR")) Damaged(name, "PNG", "the header is not the first chunk");
    const bool needed = type == "IHDR" || type == "PLTE" || type == "tRNS" || type == "IDAT" || type == "IEND";
    const auto checked = bytes.substr(offset + 4, length + 4);  // annex D: the chunk's type and data
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()));
    if (needed && crc != Big32(bytes, offset + 8 + length)) {
      Damaged(name, "PNG", "wrong checksum in chunk " + Printable(type));
    }
    if (first) {
      if (length != 13) Damaged(name, "PNG", "malformed header");
      facts.width = Big32(data, 0);
      facts.height = Big32(data, 4);
      facts.bit_depth = static_cast<int>(Byte(data, 8));
      facts.color_type = static_cast<int>(Byte(data, 9));
      CheckPhotoPixels(facts.width, facts.height, name);
    }
    if (type == "IDAT") has_data = true;
    if (type == "eXIf") {
      if (const auto exif = ReadTiffFacts(data)) facts.orientation = exif->orientation;
    }
    if (needed) facts.essentials += bytes.substr(offset, length + 12);
    if (type == "IEND") break;
    offset += length + 12;
  }
  if (!has_data) Damaged(name, "PNG", "no image data");
  return facts;
}

// RIFF container of a VP8, VP8L or VP8X chunk (RFC 9649).
RasterFacts ReadWebp(std::string_view bytes, const std::string& name) {
  if (std::size_t{Little32(bytes, 4)} + 8 > bytes.size()) {
    Damaged(name, "WebP",
            std::to_string(bytes.size()) + " of " + std::to_string(std::size_t{Little32(bytes, 4)} + 8) + " bytes");
  }
  RasterFacts facts;
  for (std::size_t offset = 12; bytes.size() - offset >= 8;) {
    const std::string_view type = bytes.substr(offset, 4);
    const std::size_t length = Little32(bytes, offset + 4);
    if (length > bytes.size() - offset - 8) Damaged(name, "WebP", "ends within chunk " + Printable(type));
    const std::string_view data = bytes.substr(offset + 8, length);
    if (type == "ANIM") throw InputError(name + ": an animation; photos are stills");
    if (type == "VP8X" && length >= 10) {
      facts.width = Little24(data, 4) + 1;
      facts.height = Little24(data, 7) + 1;
    } else if (type == "VP8 " && length >= 10 && facts.width == 0) {
      facts.width = Little16(data, 6) & 0x3FFF;
      facts.height = Little16(data, 8) & 0x3FFF;
    } else if (type == "VP8L" && length >= 5 && facts.width == 0) {
      facts.width = (Little32(data, 1) & 0x3FFF) + 1;
      facts.height = (Little32(data, 1) >> 14 & 0x3FFF) + 1;
    } else if (type == "EXIF") {
      constexpr std::string_view kExif("Exif\0\0", 6);
      if (const auto exif = ReadTiffFacts(data.starts_with(kExif) ? data.substr(kExif.size()) : data)) {
        facts.orientation = exif->orientation;
      }
    }
    offset += 8 + length;
    if (length % 2 != 0 && offset < bytes.size()) ++offset;
  }
  CheckPhotoPixels(facts.width, facts.height, name);
  return facts;
}

RasterFacts ReadBmp(std::string_view bytes, const std::string& name) {
  if (bytes.size() < 30) Damaged(name, "BMP", "ends within its header");
  RasterFacts facts;
  const std::size_t header = Little32(bytes, 14);
  std::size_t bits = 0;
  if (header == 12) {
    facts.width = Little16(bytes, 18);
    facts.height = Little16(bytes, 20);
    bits = Little16(bytes, 24);
  } else {
    facts.width = static_cast<std::int32_t>(Little32(bytes, 18));
    // Negative: stored top to bottom.
    facts.height = std::abs(static_cast<std::int64_t>(static_cast<std::int32_t>(Little32(bytes, 22))));
    bits = Little16(bytes, 28);
  }
  CheckPhotoPixels(facts.width, facts.height, name);
  const bool compressed = header != 12 && bytes.size() >= 34 && Little32(bytes, 30) != 0 && Little32(bytes, 30) != 3;
  const std::size_t stride = (static_cast<std::size_t>(facts.width) * bits + 31) / 32 * 4;
  const std::size_t needed = Little32(bytes, 10) + stride * static_cast<std::size_t>(facts.height);
  if (!compressed && needed > bytes.size()) {
    Damaged(name, "BMP", std::to_string(bytes.size()) + " of " + std::to_string(needed) + " bytes");
  }
  return facts;
}

}  // namespace dualgeo
