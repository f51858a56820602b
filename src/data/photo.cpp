#include "data/photo.h"

#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "dualgeo/util/error.h"
#include "exif.h"
#include "io/file_kind.h"
#include "photo_formats.h"
#include "photo_heif.h"
#include "photo_jpeg.h"
#include "photo_tiff.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

// OpenCV's decoders for the rest, whose headers have been checked. keep_orientation: it is turned later.
cv::Mat DecodeWithOpenCv(std::string_view bytes, bool keep_orientation, const std::string& format,
                         const std::string& name) {
  // What is wrong with a photo is told by our exception, and only there.
  static const auto silence = cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  static_cast<void>(silence);
  const cv::Mat encoded(1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<char*>(bytes.data()));
  cv::Mat bgr;
  try {
    bgr = cv::imdecode(encoded, cv::IMREAD_COLOR | (keep_orientation ? cv::IMREAD_IGNORE_ORIENTATION : 0));
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) throw Error(name + kNoMemory);
    bgr.release();
  }
  if (bgr.empty()) throw InputError(name + ": damaged or truncated " + format + ", or of a kind that is not supported");
  cv::Mat rgb;
  cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
  return rgb;
}

}  // namespace

cv::Mat DecodePhoto(std::string_view bytes, const std::string& name) { return DecodePhoto(bytes, name, {}).pixels; }

DecodedPhoto DecodePhoto(std::string_view bytes, const std::string& name, const PhotoDecoding& decoding) {
  if (bytes.empty()) throw InputError(name + ": empty file, not a photo");
  if (bytes.size() > static_cast<std::size_t>(INT32_MAX)) throw InputError(name + ": larger than 2 GiB, not a photo");
  if (BeginsAsHeif(bytes)) return DecodeHeif(bytes, name, decoding);
  if (const auto other = DescribeOtherFile(bytes, FileUse::kPhoto)) throw InputError(name + ": " + *other);
  const auto check_ratio = [&](std::int64_t width, std::int64_t height) {
    CheckPhotoRatio(width, height, bytes.size(), name);
    // OpenCV's decoders give BGR, of which RGB is made.
    if (decoding.before_pixels) decoding.before_pixels(2 * 3 * width * height);
  };
  const auto whole = [](const cv::Mat& pixels) { return DecodedPhoto{pixels, pixels.size()}; };
  switch (DetectFormat(bytes)) {
    case PhotoFormat::kJpeg:
      return DecodeJpeg(bytes, name, decoding);
    case PhotoFormat::kPng: {
      const PngFacts png = ReadPng(bytes, name);
      check_ratio(png.width, png.height);
      return whole(Upright(DecodeWithOpenCv(png.essentials, true, "PNG", name), png.orientation));
    }
    case PhotoFormat::kWebp: {
      const RasterFacts webp = ReadWebp(bytes, name);
      check_ratio(webp.width, webp.height);
      return whole(Upright(DecodeWithOpenCv(bytes, true, "WebP", name), webp.orientation));
    }
    case PhotoFormat::kBmp: {
      const RasterFacts bmp = ReadBmp(bytes, name);
      check_ratio(bmp.width, bmp.height);
      return whole(DecodeWithOpenCv(bytes, true, "BMP", name));
    }
    case PhotoFormat::kTiff: {
      // OpenCV's TIFF decoder turns photos itself.
      const auto tiff = ReadTiffFacts(bytes);
      if (!tiff) throw InputError(name + ": damaged or truncated TIFF: no image directory");
      CheckPhotoPixels(tiff->width, tiff->height, name);
      check_ratio(tiff->width, tiff->height);
      CheckTiffIsWhole(bytes, name);
      return whole(DecodeWithOpenCv(bytes, false, "TIFF", name));
    }
    case PhotoFormat::kUnknown:
      break;
  }
  throw InputError(name + ": not a photo (JPEG, PNG, WebP, TIFF and BMP are read)");
}

cv::Mat ReadPhoto(const std::filesystem::path& path) {
  return DecodePhoto(ReadFile(path, std::size_t{1} << 29), path.string());
}

}  // namespace dualgeo
