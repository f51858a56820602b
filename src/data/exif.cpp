#include "exif.h"

#include <iterator>

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

ExifDirectories::ExifDirectories(std::string_view tiff) : tiff_(tiff), big_endian_(tiff.starts_with("MM")) {
  if ((!big_endian_ && !tiff.starts_with("II")) || tiff.size() < 8 || Whole(tiff, 2, 2) != 42) return;
  directories_[kMain] = ReadDirectory(Whole(tiff, 4, 4));
  if (const auto at = Number(kMain, 0x8769)) directories_[kExif] = ReadDirectory(*at);
  if (const auto at = Number(kMain, 0x8825)) directories_[kGps] = ReadDirectory(*at);
}

std::uint32_t ExifDirectories::Whole(std::string_view bytes, std::size_t at, std::size_t size) const {
  return Reader(bytes, big_endian_).Get(at, size).value_or(0);
}

std::vector<ExifDirectories::Entry> ExifDirectories::ReadDirectory(std::size_t at) const {
  std::vector<Entry> entries;
  if (at > tiff_.size() || tiff_.size() - at < 2) return entries;
  const std::size_t count = Whole(tiff_, at, 2);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = at + 2 + 12 * i;
    if (entry + 12 > tiff_.size()) break;
    static constexpr std::size_t kSizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8};  // of a value of each type
    const std::uint32_t type = Whole(tiff_, entry + 2, 2);
    if (type >= std::size(kSizes)) continue;
    const std::size_t bytes = kSizes[type] * Whole(tiff_, entry + 4, 4);
    const std::size_t begin = bytes <= 4 ? entry + 8 : Whole(tiff_, entry + 8, 4);
    if (begin > tiff_.size() || bytes > tiff_.size() - begin) continue;
    entries.push_back({Whole(tiff_, entry, 2), type, tiff_.substr(begin, bytes)});
  }
  return entries;
}

const ExifDirectories::Entry* ExifDirectories::Find(Which which, int tag) const {
  for (const Entry& entry : directories_[which]) {
    if (entry.tag == static_cast<std::uint32_t>(tag)) return &entry;
  }
  return nullptr;
}

std::string_view ExifDirectories::Bytes(Which which, int tag) const {
  const Entry* entry = Find(which, tag);
  return entry != nullptr && (entry->type <= 2 || entry->type == 7) ? entry->value : std::string_view();
}

std::optional<std::uint32_t> ExifDirectories::Number(Which which, int tag) const {
  const Entry* entry = Find(which, tag);
  if (entry == nullptr || (entry->type != 3 && entry->type != 4)) return std::nullopt;
  const std::size_t size = entry->type == 3 ? 2 : 4;
  if (entry->value.size() < size) return std::nullopt;
  return Whole(entry->value, 0, size);
}

std::vector<ExifFraction> ExifDirectories::Fractions(Which which, int tag, std::size_t most) const {
  const Entry* entry = Find(which, tag);
  std::vector<ExifFraction> fractions;
  if (entry == nullptr || (entry->type != 5 && entry->type != 10)) return fractions;
  const auto number = [&](std::size_t at) {
    const std::uint32_t value = Whole(entry->value, at, 4);
    return entry->type == 5 ? static_cast<double>(value) : static_cast<double>(static_cast<std::int32_t>(value));
  };
  for (std::size_t at = 0; at + 8 <= entry->value.size() && fractions.size() < most; at += 8) {
    fractions.push_back({number(at), number(at + 4)});
  }
  return fractions;
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
