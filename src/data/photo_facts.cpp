#include "data/photo_facts.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dualgeo/util/text.h"
#include "exif.h"
#include "photo_formats.h"
#include "photo_heif.h"

namespace dualgeo {
namespace {

constexpr std::string_view kExifStart("Exif\0\0", 6);
constexpr std::size_t kMostAuthorBytes = 200;

std::size_t NumberAt(std::string_view bytes, std::size_t at, bool big_endian) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + (big_endian ? i : 3 - i)]);
  }
  return value;
}

// The chunk's content: PNG's length, type, content, checksum; RIFF's type, length, content, one more byte when odd.
std::string_view ChunkOf(std::string_view bytes, std::size_t begin, bool png, std::string_view wanted) {
  for (std::size_t at = begin; bytes.size() >= at + 8;) {
    const std::size_t length = NumberAt(bytes, png ? at : at + 4, png);
    if (length > bytes.size() - at - 8) return {};
    if (bytes.substr(png ? at + 4 : at, 4) == wanted) return bytes.substr(at + 8, length);
    at += 8 + length + (png ? 4 : length % 2);
  }
  return {};
}

// The first segment APP1 that is EXIF's (JPEG, ITU T.81 B.1.1); bytes between segments are passed over, as libjpeg
// does.
std::string_view ExifOfJpeg(std::string_view bytes) {
  for (std::size_t at = 2; at + 4 <= bytes.size();) {
    const auto marker = static_cast<unsigned char>(bytes[at + 1]);
    if (bytes[at] != '\xff' || marker == 0 || marker == 0xFF) {
      ++at;
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) break;                 // the pixels, or the end
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {  // no length
      at += 2;
      continue;
    }
    const std::size_t length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[at + 2])) << 8 |
                               static_cast<unsigned char>(bytes[at + 3]);
    if (length < 2 || length > bytes.size() - at - 2) break;
    const std::string_view content = bytes.substr(at + 4, length - 2);
    if (marker == 0xE1 && content.starts_with(kExifStart)) return content;
    at += 2 + length;
  }
  return {};
}

// From the TIFF header on; empty: none. kept: holds it where it is no part of `bytes`.
std::string_view ExifBlock(std::string_view bytes, std::string& kept) {
  const auto block = [](std::string_view found) {
    if (found.starts_with(kExifStart)) found.remove_prefix(kExifStart.size());
    return found;
  };
  switch (DetectFormat(bytes)) {
    case PhotoFormat::kJpeg:
      return block(ExifOfJpeg(bytes));
    case PhotoFormat::kPng:
      return block(ChunkOf(bytes, 8, true, "eXIf"));
    case PhotoFormat::kWebp:
      return block(ChunkOf(bytes, 12, false, "EXIF"));
    case PhotoFormat::kTiff:
      return block(bytes);
    case PhotoFormat::kBmp:
      return "";
    case PhotoFormat::kUnknown:
      break;
  }
  if (BeginsAsHeif(bytes)) kept = ExifOfHeif(bytes);
  return block(kept);
}

using Exif = ExifDirectories;

// Up to the first NUL.
std::string TextOf(const Exif& exif, Exif::Which which, int tag) {
  const std::string_view bytes = exif.Bytes(which, tag);
  return std::string(bytes.substr(0, bytes.find('\0')));
}

// Exif 2.32, 4.6.4 to 4.6.7.
enum Tag {
  kLatitudeHalf = 0x0001,
  kLatitude = 0x0002,
  kLongitudeHalf = 0x0003,
  kLongitude = 0x0004,
  kAltitudeBelow = 0x0005,
  kAltitude = 0x0006,
  kImageDirection = 0x0011,
  kOrientation = 0x0112,
  kArtist = 0x013B,
  kTimeOriginal = 0x9003,
  kTimeDigitized = 0x9004,
  kOffsetOriginal = 0x9011,
  kOffsetDigitized = 0x9012,
  kWindowsAuthor = 0x9C9D
};

// Degrees, minutes and seconds; 0/0 for what is not known of the last two.
std::optional<double> Degrees(const std::vector<ExifFraction>& parts) {
  if (parts.empty() || !parts[0].value()) return std::nullopt;
  double degrees = *parts[0].value();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].denominator == 0 && parts[i].numerator != 0) return std::nullopt;
    degrees += parts[i].value().value_or(0) / (i == 1 ? 60 : 3600);
  }
  return degrees;
}

void ReadLocation(const Exif& exif, PhotoFacts& facts) {
  const auto lat_parts = exif.Fractions(Exif::kGps, kLatitude);
  const auto lon_parts = exif.Fractions(Exif::kGps, kLongitude);
  if (lat_parts.empty() && lon_parts.empty()) return;
  const auto lat = Degrees(lat_parts), lon = Degrees(lon_parts);
  if (!lat || !lon) {
    facts.without_location = "GPS degrees that are no numbers";
    return;
  }
  const auto half = [&](int tag, char plus, char minus) -> std::optional<double> {
    const std::string text = TextOf(exif, Exif::kGps, tag);
    const char letter = text.empty() ? '\0' : Lower(text[0]);
    return letter == plus ? std::optional(1.0) : letter == minus ? std::optional(-1.0) : std::nullopt;
  };
  const auto north = half(kLatitudeHalf, 'n', 's');
  const auto east = half(kLongitudeHalf, 'e', 'w');
  if (!north || !east) {
    facts.without_location = "GPS degrees without north or south, east or west";
    return;
  }
  const LatLon place{*lat * *north, *lon * *east};
  if (!IsValid(place)) {
    facts.without_location =
        "GPS degrees out of range (" + FormatDouble(place.lat) + ", " + FormatDouble(place.lon) + ")";
  } else if (place == LatLon{0, 0}) {
    facts.without_location = "0, 0, as devices write without a fix";
  } else {
    facts.location = place;
  }
}

// "2019:05:01 12:30:00" -> "2019-05-01T12:30:00"; empty when it is no time (cameras write blanks and zeros).
std::string IsoTime(const std::string& text) {
  if (text.size() < 19) return "";
  constexpr std::string_view kForm = "dddd:dd:dd dd:dd:dd";
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool date_separator = kForm[i] == ':' && i < 10 && (text[i] == ':' || text[i] == '-' || text[i] == '/');
    const bool middle = i == 10 && (text[i] == ' ' || text[i] == 'T');
    if (kForm[i] == 'd' ? !IsDigit(text[i]) : !(date_separator || middle || text[i] == kForm[i])) return "";
  }
  const auto number = [&](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  if (number(5) < 1 || number(5) > 12 || number(8) < 1 || number(8) > 31) return "";
  if (number(11) > 23 || number(14) > 59 || number(17) > 60) return "";
  return text.substr(0, 4) + "-" + text.substr(5, 2) + "-" + text.substr(8, 2) + "T" + text.substr(11, 8);
}

std::string TimeTaken(const Exif& exif) {
  for (const auto& [tag, offset_tag] :
       {std::pair(kTimeOriginal, kOffsetOriginal), std::pair(kTimeDigitized, kOffsetDigitized)}) {
    const std::string time = IsoTime(TextOf(exif, Exif::kExif, tag));
    if (time.empty()) continue;
    const std::string offset = TextOf(exif, Exif::kExif, offset_tag);
    const bool is_offset = offset.size() >= 6 && (offset[0] == '+' || offset[0] == '-') && IsDigit(offset[1]) &&
                           IsDigit(offset[2]) && offset[3] == ':' && IsDigit(offset[4]) && IsDigit(offset[5]);
    return is_offset ? time + offset.substr(0, 6) : time;
  }
  return "";
}

void AppendUtf8(std::string& text, utf8proc_int32_t code) {
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(code, bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

// Windows writes XPAuthor as UTF-16, little endian.
std::string FromUtf16(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const auto unit = [&](std::size_t at) {
      return static_cast<unsigned char>(bytes[at]) | static_cast<unsigned char>(bytes[at + 1]) << 8;
    };
    int code = unit(i);
    if (code == 0) break;
    if (code >= 0xD800 && code < 0xDC00 && i + 3 < bytes.size() && (unit(i + 2) & 0xFC00) == 0xDC00) {
      code = 0x10000 + ((code & 0x3FF) << 10 | (unit(i + 2) & 0x3FF));
      i += 2;
    }
    if (utf8proc_codepoint_valid(code)) AppendUtf8(text, code);
  }
  return text;
}

// As a cell of a table: UTF-8 (Latin-1 where it is not), no control characters, no blanks at its ends, not too long.
std::string CleanText(std::string_view bytes) {
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(bytes.data());
  const auto size = static_cast<utf8proc_ssize_t>(bytes.size());
  std::vector<utf8proc_int32_t> codes;
  for (utf8proc_ssize_t i = 0; i < size && codes.size() <= kMostAuthorBytes;) {
    utf8proc_int32_t code = 0;
    const auto taken = utf8proc_iterate(at + i, size - i, &code);
    if (taken < 0) {
      codes.assign(at, at + std::min<utf8proc_ssize_t>(size, kMostAuthorBytes + 1));
      break;
    }
    codes.push_back(code);
    i += taken;
  }
  std::string text;
  for (const utf8proc_int32_t code : codes) {
    if (code < 0x20 || (code >= 0x7F && code < 0xA0)) continue;
    const std::size_t before = text.size();
    AppendUtf8(text, code);
    if (text.size() > kMostAuthorBytes) {
      text.resize(before);
      break;
    }
  }
  const std::size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

PhotoFacts FactsInPhoto(std::string_view bytes) {
  PhotoFacts facts;
  const PhotoFormat format = DetectFormat(bytes);
  std::string kept;
  const Exif exif(ExifBlock(bytes, kept));
  ReadLocation(exif, facts);
  if (const auto heights = exif.Fractions(Exif::kGps, kAltitude); !heights.empty()) {
    const std::string_view below = exif.Bytes(Exif::kGps, kAltitudeBelow);
    if (const auto height = heights[0].value()) {
      facts.altitude_m = !below.empty() && below[0] == 1 ? -*height : *height;
    }
  }
  if (const auto headings = exif.Fractions(Exif::kGps, kImageDirection); !headings.empty()) {
    if (const auto heading = headings[0].value(); heading && *heading >= 0 && *heading <= 360) {
      facts.heading_deg = *heading == 360 ? 0 : *heading;
    }
  }
  facts.taken = TimeTaken(exif);
  if (format != PhotoFormat::kUnknown) {  // HEIF is turned by its own boxes
    const std::uint32_t orientation = exif.Number(Exif::kMain, kOrientation).value_or(1);
    if (orientation >= 1 && orientation <= 8) facts.orientation = static_cast<int>(orientation);
  }
  facts.author = CleanText(TextOf(exif, Exif::kMain, kArtist));
  if (facts.author.empty()) facts.author = CleanText(FromUtf16(exif.Bytes(Exif::kMain, kWindowsAuthor)));
  return facts;
}

}  // namespace dualgeo
