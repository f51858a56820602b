#include "data/mask.h"

#include <algorithm>
#include <array>
#include <opencv2/imgcodecs.hpp>
#include <vector>

#include "data/photo_source.h"
#include "dualgeo/util/error.h"
#include "io/file_kind.h"
#include "photo_formats.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

constexpr std::size_t kMaxMaskBytes = std::size_t{1} << 29;

std::string SizeText(cv::Size size) { return std::to_string(size.width) + " x " + std::to_string(size.height); }

// Checks every pixel against one table; only a bad mask pays for finding where.
void CheckClasses(const cv::Mat& mask, int num_classes, const std::string& name) {
  std::array<bool, 256> seen = {};
  for (int y = 0; y < mask.rows; ++y) {
    const unsigned char* row = mask.ptr(y);
    for (int x = 0; x < mask.cols; ++x) seen[row[x]] = true;
  }
  for (int id = std::max(num_classes, 0); id < kIgnoreClass; ++id) {
    if (!seen[static_cast<std::size_t>(id)]) continue;
    for (int y = 0; y < mask.rows; ++y) {
      const unsigned char* row = mask.ptr(y);
      const unsigned char* end = row + mask.cols;
      const unsigned char* found = std::find(row, end, static_cast<unsigned char>(id));
      if (found == end) continue;
      throw InputError(name + ": unknown class " + std::to_string(id) + " at column " + std::to_string(found - row) +
                       ", row " + std::to_string(y) + "; allowed are 0 to " + std::to_string(num_classes - 1) +
                       " and " + std::to_string(kIgnoreClass) + " (no label)");
    }
  }
}

}  // namespace

cv::Mat ReadMask(const std::filesystem::path& path, int num_classes) {
  return DecodeMask(ReadFile(path, kMaxMaskBytes), path.string(), num_classes);
}

bool IsWholeMask(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  const std::string bytes = ReadFile(path, kMaxMaskBytes);
  if (DetectFormat(bytes) != PhotoFormat::kPng) return false;
  try {
    const PngFacts png = ReadPng(bytes, path.string());
    return png.bit_depth == 8 && png.color_type == 0;
  } catch (const InputError&) {
    return false;
  }
}

cv::Mat DecodeMask(std::string_view bytes, const std::string& name, int num_classes) {
  if (bytes.empty()) throw InputError(name + ": empty file, not a mask");
  if (const auto other = DescribeOtherFile(bytes, FileUse::kMask)) throw InputError(name + ": " + *other);
  if (DetectFormat(bytes) != PhotoFormat::kPng) {
    throw InputError(name + ": not a PNG; masks are 8-bit single-channel PNGs of class ids");
  }
  const PngFacts png = ReadPng(bytes, name);
  if (png.bit_depth != 8 || png.color_type != 0) {
    static const std::array<const char*, 7> kTypes = {"grey", "?", "RGB", "palette", "grey + alpha", "?", "RGBA"};
    const char* type =
        png.color_type >= 0 && png.color_type < 7 ? kTypes[static_cast<std::size_t>(png.color_type)] : "?";
    throw InputError(name + ": a " + std::to_string(png.bit_depth) + "-bit " + type +
                     " PNG; masks are 8-bit single-channel (grey) PNGs of class ids");
  }
  const cv::Mat encoded(1, static_cast<int>(png.essentials.size()), CV_8UC1, const_cast<char*>(png.essentials.data()));
  cv::Mat mask;
  try {
    mask = cv::imdecode(encoded, cv::IMREAD_GRAYSCALE);
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) throw Error(name + kNoMemory);
    mask.release();
  }
  if (mask.empty() || mask.type() != CV_8UC1) throw InputError(name + ": damaged or truncated PNG");
  CheckClasses(mask, num_classes, name);
  return mask;
}

void WriteMask(const std::filesystem::path& path, const cv::Mat& mask, Durability durability) {
  if (mask.type() != CV_8UC1 || mask.empty()) throw InputError(path.string() + ": a mask is 8-bit single-channel");
  std::vector<unsigned char> encoded;
  // Masks are large flat areas: the fastest compression is within a few percent of the best.
  if (!cv::imencode(".png", mask, encoded, {cv::IMWRITE_PNG_COMPRESSION, 1})) {
    throw Error(path.string() + ": cannot be encoded as PNG");
  }
  WriteFileAtomically(path, {reinterpret_cast<const char*>(encoded.data()), encoded.size()}, durability);
}

std::filesystem::path MaskPath(const std::filesystem::path& masks, const std::string& id) {
  CheckPhotoId(id);
  return masks / MaskId(id);
}

std::string MaskId(const std::string& id) { return std::filesystem::path(id).replace_extension(".png").string(); }

void CheckMaskSize(const cv::Mat& mask, const std::string& mask_name, cv::Size photo, const std::string& photo_name) {
  if (mask.size() == photo) return;
  throw InputError(mask_name + ": mask of the wrong size: " + SizeText(mask.size()) + " pixels, but " + photo_name +
                   " has " + SizeText(photo) + " (width x height, upright)");
}

}  // namespace dualgeo
