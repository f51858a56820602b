// An EXIF block, entry by entry, for tests of what reads it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dualgeo {

struct ExifSampleEntry {
  int tag = 0;
  int type = 0;  // 1 byte, 2 ASCII, 3 short, 4 long, 5 rational
  std::uint32_t count = 0;
  std::string value;  // its bytes, in the block's order
};

// A block in one byte order.
class ExifSample {
 public:
  explicit ExifSample(bool big_endian = false) : big_endian_(big_endian) {}

  std::string Number(std::uint32_t value, int bytes) const {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * (big_endian_ ? bytes - 1 - i : i)) & 0xFF);
    return text;
  }
  ExifSampleEntry Text(int tag, const std::string& text) const {
    return {tag, 2, static_cast<std::uint32_t>(text.size() + 1), text + '\0'};
  }
  ExifSampleEntry Short(int tag, std::uint32_t value) const { return {tag, 3, 1, Number(value, 2)}; }
  // Numerators and denominators.
  ExifSampleEntry Fractions(int tag, const std::vector<std::uint32_t>& numbers) const {
    ExifSampleEntry entry{tag, 5, static_cast<std::uint32_t>(numbers.size() / 2), ""};
    for (const auto number : numbers) entry.value += Number(number, 4);
    return entry;
  }

  std::vector<ExifSampleEntry> main, exif, gps;

  // From the TIFF header on.
  std::string Tiff() const {
    std::vector<ExifSampleEntry> first = main;
    first.push_back({0x8769, 4, 1, Number(0, 4)});
    first.push_back({0x8825, 4, 1, Number(0, 4)});
    const std::size_t exif_at = 8 + Directory(first, 0).size();
    first[first.size() - 2].value = Number(static_cast<std::uint32_t>(exif_at), 4);
    const std::string exif_bytes = Directory(exif, exif_at);
    first.back().value = Number(static_cast<std::uint32_t>(exif_at + exif_bytes.size()), 4);
    return (big_endian_ ? std::string("MM\0*", 4) : std::string("II*\0", 4)) + Number(8, 4) + Directory(first, 8) +
           exif_bytes + Directory(gps, exif_at + exif_bytes.size());
  }

  // The JPEG with the block as its first segment.
  std::string InJpeg(const std::string& jpeg) const { return InJpeg(jpeg, Tiff()); }
  static std::string InJpeg(const std::string& jpeg, const std::string& tiff) {
    const std::string data = std::string("Exif\0\0", 6) + tiff;
    const std::size_t length = data.size() + 2;
    return jpeg.substr(0, 2) + "\xff\xe1" + static_cast<char>(length >> 8) + static_cast<char>(length & 0xff) + data +
           jpeg.substr(2);
  }

 private:
  // `at`: where in the block it will stand; what has no room in its entry lies behind.
  std::string Directory(const std::vector<ExifSampleEntry>& entries, std::size_t at) const {
    std::string table = Number(static_cast<std::uint32_t>(entries.size()), 2), behind;
    const std::size_t behind_at = at + 2 + 12 * entries.size() + 4;
    for (const auto& entry : entries) {
      table += Number(static_cast<std::uint32_t>(entry.tag), 2) + Number(static_cast<std::uint32_t>(entry.type), 2) +
               Number(entry.count, 4);
      if (entry.value.size() <= 4) {
        table += entry.value + std::string(4 - entry.value.size(), '\0');
      } else {
        table += Number(static_cast<std::uint32_t>(behind_at + behind.size()), 4);
        behind += entry.value;
      }
    }
    return table + std::string(4, '\0') + behind;
  }

  bool big_endian_;
};

// 48 deg 51' 30.12" N, 2 deg 17' 40.5" W, 35.5 m, looking to 270.25 degrees, by "Ann Author", on 2019-05-01.
inline ExifSample WholeExifSample(bool big_endian = false) {
  ExifSample sample(big_endian);
  sample.main = {sample.Short(0x0112, 6), sample.Text(0x013B, "Ann Author")};
  sample.exif = {sample.Text(0x9003, "2019:05:01 12:30:00"), sample.Text(0x9011, "+02:00")};
  sample.gps = {sample.Text(1, "N"),
                sample.Fractions(2, {48, 1, 51, 1, 3012, 100}),
                sample.Text(3, "W"),
                sample.Fractions(4, {2, 1, 17, 1, 405, 10}),
                {5, 1, 1, std::string(1, '\0')},
                sample.Fractions(6, {355, 10}),
                sample.Fractions(17, {27025, 100})};
  return sample;
}

}  // namespace dualgeo
