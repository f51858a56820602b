#include "data/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

std::uint8_t Clip8(double value) { return static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0)); }

// ITU-R 601-2 luma in 16-bit fixed point, as Pillow's convert("L").
int Luma(const cv::Vec3b& rgb) { return (rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16; }

template <class Function>
void ForEachPixel(cv::Mat& photo, Function function) {
  for (int y = 0; y < photo.rows; ++y) {
    auto* row = photo.ptr<cv::Vec3b>(y);
    for (int x = 0; x < photo.cols; ++x) function(row[x]);
  }
}

// factor 0: `other`; 1: as it is; above 1: further away from `other` (Pillow's Image.blend).
void BlendWithConstant(cv::Mat& photo, double other, double factor) {
  std::array<std::uint8_t, 256> table;
  for (std::size_t v = 0; v < table.size(); ++v) table[v] = Clip8(other + factor * (static_cast<double>(v) - other));
  ForEachPixel(photo, [&](cv::Vec3b& pixel) {
    for (int c = 0; c < 3; ++c) pixel[c] = table[pixel[c]];
  });
}

void ChangeContrast(cv::Mat& photo, double factor) {
  std::int64_t sum = 0;
  ForEachPixel(photo, [&](const cv::Vec3b& pixel) { sum += Luma(pixel); });
  BlendWithConstant(photo, std::floor(static_cast<double>(sum) / static_cast<double>(photo.total()) + 0.5), factor);
}

void ChangeSaturation(cv::Mat& photo, double factor) {
  ForEachPixel(photo, [&](cv::Vec3b& pixel) {
    const double grey = Luma(pixel);
    for (int c = 0; c < 3; ++c) pixel[c] = Clip8(grey + factor * (pixel[c] - grey));
  });
}

// shift: in turns of the colour circle.
void ShiftHue(cv::Mat& photo, double shift) {
  const auto steps = static_cast<std::uint8_t>(static_cast<int>(std::lround(shift * 255)) & 0xFF);
  if (steps == 0) return;
  cv::Mat hsv;
  cv::cvtColor(photo, hsv, cv::COLOR_RGB2HSV_FULL);
  ForEachPixel(hsv, [&](cv::Vec3b& pixel) { pixel[0] = static_cast<std::uint8_t>(pixel[0] + steps); });
  cv::cvtColor(hsv, photo, cv::COLOR_HSV2RGB_FULL);
}

void MakeGrey(cv::Mat& photo) {
  ForEachPixel(photo, [](cv::Vec3b& pixel) { pixel = cv::Vec3b::all(static_cast<std::uint8_t>(Luma(pixel))); });
}

double JitterFactor(double strength, Random& random) {
  return random.Uniform(std::max(0.0, 1.0 - strength), 1.0 + strength);
}

}  // namespace

GeometricAugmentation DrawGeometry(const AugmentOptions& options, cv::Size photo, double aspect, Random& random) {
  const double scale = random.Uniform(options.crop_scale[0], options.crop_scale[1]);
  // Uniform in the logarithm: 0.9 and 1 / 0.9 are equally far from 1.
  const double ratio =
      aspect * std::exp(random.Uniform(std::log(options.crop_ratio[0]), std::log(options.crop_ratio[1])));
  const double area = scale * photo.width * photo.height;
  double width = std::sqrt(area * ratio);
  double height = std::sqrt(area / ratio);
  const double shrink = std::min({1.0, photo.width / width, photo.height / height});
  width *= shrink;
  height *= shrink;
  GeometricAugmentation drawn;
  drawn.crop.width = std::clamp(static_cast<int>(std::lround(width)), 1, photo.width);
  drawn.crop.height = std::clamp(static_cast<int>(std::lround(height)), 1, photo.height);
  drawn.crop.x = static_cast<int>(random.Below(static_cast<std::uint64_t>(photo.width - drawn.crop.width) + 1));
  drawn.crop.y = static_cast<int>(random.Below(static_cast<std::uint64_t>(photo.height - drawn.crop.height) + 1));
  drawn.flip = random.Chance(options.flip);
  return drawn;
}

void AugmentColors(cv::Mat& photo, const AugmentOptions& options, Random& random) {
  if (photo.type() != CV_8UC3 || photo.empty()) throw Error("a photo is 8-bit RGB");
  if (random.Chance(options.color_jitter)) {
    std::vector<int> order = {0, 1, 2, 3};
    random.Shuffle(order);
    for (const int part : order) {
      switch (part) {
        case 0:
          BlendWithConstant(photo, 0.0, JitterFactor(options.brightness, random));
          break;
        case 1:
          ChangeContrast(photo, JitterFactor(options.contrast, random));
          break;
        case 2:
          ChangeSaturation(photo, JitterFactor(options.saturation, random));
          break;
        default:
          ShiftHue(photo, random.Uniform(-options.hue, options.hue));
      }
    }
  }
  if (random.Chance(options.greyscale)) MakeGrey(photo);
  if (random.Chance(options.blur) && options.blur_radius > 0) {
    cv::GaussianBlur(photo, photo, cv::Size(), options.blur_radius, options.blur_radius, cv::BORDER_REFLECT_101);
  }
}

}  // namespace dualgeo
