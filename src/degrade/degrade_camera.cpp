// What goes wrong in the camera and on the way from it.
#include <algorithm>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "degradations.h"

namespace dualgeo::degradations {

// Out of focus: a point becomes the lens's opening, a disc.
cv::Mat Blur(const cv::Mat& photo, int severity, Random&) {
  const double radius = Level({0.006, 0.011, 0.018, 0.026, 0.035}, severity) * std::min(photo.cols, photo.rows);
  const int half = static_cast<int>(std::ceil(radius));
  cv::Mat disc(2 * half + 1, 2 * half + 1, CV_32F);
  for (int y = -half; y <= half; ++y) {
    for (int x = -half; x <= half; ++x) {
      // A soft edge of one pixel, so that the disc grows evenly.
      disc.at<float>(y + half, x + half) = static_cast<float>(std::clamp(radius + 0.5 - std::hypot(x, y), 0.0, 1.0));
    }
  }
  disc /= cv::sum(disc)[0];
  cv::Mat light = ToLight(photo), blurred;
  cv::filter2D(light, blurred, -1, disc, {-1, -1}, 0, cv::BORDER_REFLECT_101);
  return FromLight(blurred);
}

cv::Mat Noise(const cv::Mat& photo, int severity, Random& random) {
  const double deviation = 255 * Level({0.08, 0.12, 0.18, 0.26, 0.38}, severity);
  cv::Mat out = photo.clone();
  for (int y = 0; y < out.rows; ++y) {
    auto* row = out.ptr<cv::Vec3b>(y);
    for (int x = 0; x < out.cols; ++x) {
      for (int c = 0; c < 3; ++c) row[x][c] = cv::saturate_cast<uchar>(row[x][c] + deviation * random.Normal());
    }
  }
  return out;
}

cv::Mat Jpeg(const cv::Mat& photo, int severity, Random&) {
  const int quality = static_cast<int>(Level({25, 18, 15, 10, 7}, severity));
  cv::Mat bgr, decoded, out;
  cv::cvtColor(photo, bgr, cv::COLOR_RGB2BGR);
  std::vector<uchar> bytes;
  cv::imencode(".jpg", bgr, bytes, {cv::IMWRITE_JPEG_QUALITY, quality});
  decoded = cv::imdecode(bytes, cv::IMREAD_COLOR);
  cv::cvtColor(decoded, out, cv::COLOR_BGR2RGB);
  return out;
}

}  // namespace dualgeo::degradations
