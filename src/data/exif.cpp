#include "exif.h"

namespace dualgeo {
namespace {

// Bytes in one order or the other; reading behind the end gives nothing.
class Reader {
 public:
  Reader(std::string_view bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  std::optional<std::uint32_t> Get(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = big_endian_ ? offset + i : offset + size - 1 - i;
      value = value << 8 | static_cast<unsigned char>(bytes_[at]);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool big_endian_;
};

}  // namespace

std::optional<TiffFacts> ReadTiffFacts(std::string_view bytes) {
  const bool big_endian = bytes.starts_with("MM");
  if (!big_endian && !bytes.starts_with("II")) return std::nullopt;
  const Reader reader(bytes, big_endian);
  const auto directory = reader.Get(4, 4);
  if (reader.Get(2, 2) != 42U || !directory) return std::nullopt;
  TiffFacts facts;
  const auto entries = reader.Get(*directory, 2).value_or(0);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = std::size_t{*directory} + 2 + 12 * i;
    const auto tag = reader.Get(entry, 2);
    const auto type = reader.Get(entry + 2, 2);
    if (!tag || !type) break;
    constexpr std::uint32_t kShort = 3;
    constexpr std::uint32_t kLong = 4;
    if (*type != kShort && *type != kLong) continue;
    const auto value = reader.Get(entry + 8, *type == kShort ? 2 : 4);
    if (!value) break;
    if (*tag == 0x0112 && *value >= 1 && *value <= 8) facts.orientation = static_cast<int>(*value);
    if (*tag == 0x0100) facts.width = *value;
    if (*tag == 0x0101) facts.height = *value;
  }
  return facts;
}

cv::Mat Upright(const cv::Mat& photo, int orientation) {
  cv::Mat turned = photo;
  if (orientation >= 5) cv::transpose(photo, turned);
  cv::Mat upright;
  switch (orientation) {
    case 2:
    case 6:
      cv::flip(turned, upright, 1);
      return upright;
    case 4:
    case 8:
      cv::flip(turned, upright, 0);
      return upright;
    case 3:
    case 7:
      cv::flip(turned, upright, -1);
      return upright;
    default:
      return turned;
  }
}

}  // namespace dualgeo
