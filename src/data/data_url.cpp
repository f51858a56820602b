#include "data/data_url.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "data/ade_classes.h"
#include "data/mask.h"
#include "data/photo.h"
#include "dualgeo/util/error.h"
#include "util/base64.h"

namespace dualgeo {
namespace {

cv::Mat Reduced(const cv::Mat& image, int side, int interpolation) {
  const int longer = std::max(image.rows, image.cols);
  if (longer <= side) return image;
  const double scale = static_cast<double>(side) / longer;
  const cv::Size size(std::max(1, static_cast<int>(std::lround(image.cols * scale))),
                      std::max(1, static_cast<int>(std::lround(image.rows * scale))));
  cv::Mat smaller;
  cv::resize(image, smaller, size, 0, 0, interpolation);
  return smaller;
}

std::string TextOf(const std::vector<unsigned char>& bytes) { return {bytes.begin(), bytes.end()}; }

const AdeClassInfo* Find(int id) {
  const auto classes = WorldClasses();
  const auto found = std::ranges::find(classes, id, [](const AdeClassInfo& c) { return static_cast<int>(c.id); });
  return found == classes.end() ? nullptr : &*found;
}

// BGR. Ids a golden angle apart are told apart as well as any number of hues can be.
cv::Vec3b Colour(int id) {
  if (id == kIgnoreClass) return {128, 128, 128};
  if (const AdeClassInfo* known = Find(id)) return {known->color[2], known->color[1], known->color[0]};
  const double hue = std::fmod(id * 137.508, 360.0) * CV_PI / 180;
  const auto channel = [&](double shift) { return cv::saturate_cast<uchar>(140 + 100 * std::cos(hue - shift)); };
  return {channel(4 * CV_PI / 3), channel(2 * CV_PI / 3), channel(0)};
}

}  // namespace

std::string PhotoThumbnail(std::string_view bytes, const std::string& name, int side, int jpeg_quality) {
  cv::Mat photo = Reduced(DecodePhoto(bytes, name), side, cv::INTER_AREA);
  cv::cvtColor(photo, photo, cv::COLOR_RGB2BGR);
  std::vector<unsigned char> jpeg;
  if (!cv::imencode(".jpg", photo, jpeg, {cv::IMWRITE_JPEG_QUALITY, jpeg_quality})) {
    throw Error(name + ": cannot be written as JPEG");
  }
  return TextOf(jpeg);
}

std::string PhotoDataUrl(std::string_view bytes, const std::string& name, int side, int jpeg_quality) {
  return "data:image/jpeg;base64," + Base64(PhotoThumbnail(bytes, name, side, jpeg_quality));
}

std::string MaskDataUrl(const cv::Mat& mask, int side) {
  return "data:image/png;base64," + Base64(MaskPng(mask, side));
}

std::string MaskPng(const cv::Mat& mask, int side) {
  const cv::Mat small = Reduced(mask, side, cv::INTER_NEAREST);
  cv::Mat table(1, 256, CV_8UC3);
  for (int id = 0; id < 256; ++id) table.at<cv::Vec3b>(id) = Colour(id);
  cv::Mat grey, coloured;
  cv::cvtColor(small, grey, cv::COLOR_GRAY2BGR);
  cv::LUT(grey, table, coloured);
  std::vector<unsigned char> png;
  if (!cv::imencode(".png", coloured, png, {cv::IMWRITE_PNG_COMPRESSION, 9})) throw Error("cannot write a PNG");
  return TextOf(png);
}

std::string DescribeMask(const cv::Mat& mask, int count) {
  std::array<int, 256> pixels = {};
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) ++pixels[mask.at<uchar>(y, x)];
  }
  std::vector<int> ids;
  for (int id = 0; id < 256; ++id) {
    if (pixels[static_cast<std::size_t>(id)] > 0) ids.push_back(id);
  }
  std::ranges::stable_sort(ids, std::greater(), [&](int id) { return pixels[static_cast<std::size_t>(id)]; });
  if (ids.size() > static_cast<std::size_t>(count)) ids.resize(static_cast<std::size_t>(count));
  std::string text;
  for (const int id : ids) {
    const AdeClassInfo* known = Find(id);
    const double share = 100.0 * pixels[static_cast<std::size_t>(id)] / (1.0 * mask.rows * mask.cols);
    if (!text.empty()) text += ", ";
    if (id == kIgnoreClass) {
      text += "no label";
    } else if (known != nullptr) {
      text += known->name;
    } else {
      text += "class ";
      text += std::to_string(id);
    }
    text += " ";
    text += std::to_string(std::lround(share));
    text += " %";
  }
  return text;
}

}  // namespace dualgeo
