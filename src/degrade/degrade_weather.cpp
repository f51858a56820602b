// Fog, rain, snow, and the colours of another season.
#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "degradations.h"

namespace dualgeo::degradations {
namespace {

// How far what is seen at a height of the frame (0 top, 1 bottom) is, 1 being the horizon: a level ground below, and
// above it things and a sky that are far. A stand-in for a depth that nobody measured.
double Distance(double v) {
  constexpr double kHorizon = 0.5, kCamera = 0.09;
  return v <= kHorizon + kCamera ? 1.0 : kCamera / (v - kHorizon);
}

// Koschmieder 1924: what is left of the scene's light is exp(-optical depth); the rest is the air's.
void Veil(cv::Mat& light, double optical_depth, const cv::Vec3f& air, const cv::Mat& density) {
  for (int y = 0; y < light.rows; ++y) {
    auto* row = light.ptr<cv::Vec3f>(y);
    const auto* thick = density.ptr<float>(y);
    const double distance = Distance((y + 0.5) / light.rows);
    for (int x = 0; x < light.cols; ++x) {
      const auto through = static_cast<float>(std::exp(-optical_depth * distance * (0.6 + 0.8 * thick[x])));
      row[x] = row[x] * through + air * (1 - through);
    }
  }
}

double Unit(const cv::Mat& photo) { return std::min(photo.cols, photo.rows) / 256.0; }

}  // namespace

cv::Mat Fog(const cv::Mat& photo, int severity, Random& random) {
  cv::Mat light = ToLight(photo);
  const cv::Mat banks = Clouds(photo.size(), 3, random);
  Veil(light, Level({0.5, 0.9, 1.4, 2.1, 3.0}, severity), {0.58F, 0.61F, 0.64F}, banks);
  return FromLight(light);
}

// Streaks are drops smeared by the exposure: brighter than what is behind them, and all of one slant.
cv::Mat Rain(const cv::Mat& photo, int severity, Random& random) {
  cv::Mat light = ToLight(photo) * Level({0.8, 0.68, 0.56, 0.46, 0.38}, severity);
  Veil(light, Level({0.3, 0.5, 0.8, 1.1, 1.5}, severity), {0.25F, 0.27F, 0.3F}, Clouds(photo.size(), 3, random));
  const double unit = Unit(photo), slant = random.Uniform(-0.25, 0.25);
  const double area = static_cast<double>(photo.total()) / (256.0 * 256.0 * unit * unit);
  constexpr int kMost = 650;  // for a square photo at severity 5; fewer are the first of these
  const int shown = static_cast<int>(area * Level({110, 210, 330, 480, kMost}, severity));
  cv::Mat streaks = cv::Mat::zeros(photo.size(), CV_32F);
  for (int i = 0; i < shown; ++i) {
    const double near = random.Uniform();  // near drops are long and thick
    const double x = random.Uniform(-0.1, 1.1) * photo.cols, y = random.Uniform(-0.1, 1.0) * photo.rows,
                 length = (7 + 22 * near * near) * unit;
    const int thickness = std::max(1, static_cast<int>(std::lround((0.6 + 1.2 * near * near) * unit)));
    cv::line(streaks, cv::Point2d(x, y), cv::Point2d(x + slant * length, y + length),
             cv::Scalar(random.Uniform(0.25, 0.6)), thickness, cv::LINE_8);
  }
  cv::GaussianBlur(streaks, streaks, {}, 0.6 * unit, 0.6 * unit);
  for (int y = 0; y < light.rows; ++y) {
    auto* row = light.ptr<cv::Vec3f>(y);
    const auto* streak = streaks.ptr<float>(y);
    for (int x = 0; x < light.cols; ++x) row[x] = row[x] * (1 - streak[x]) + cv::Vec3f(0.5F, 0.52F, 0.55F) * streak[x];
  }
  return FromLight(light);
}

cv::Mat Snow(const cv::Mat& photo, int severity, Random& random) {
  cv::Mat light = ToLight(photo);
  const cv::Mat drifts = Clouds(photo.size(), 6, random);
  // Snow lies on level ground: low in the frame, in drifts that close up as it goes on.
  const double cover = Level({0.25, 0.45, 0.65, 0.8, 0.92}, severity);
  for (int y = 0; y < light.rows; ++y) {
    auto* row = light.ptr<cv::Vec3f>(y);
    const auto* drift = drifts.ptr<float>(y);
    const double v = (y + 0.5) / light.rows, low = std::clamp((v - 0.5) / 0.2, 0.0, 1.0);
    for (int x = 0; x < light.cols; ++x) {
      const double lies = std::clamp((drift[x] - (1 - cover)) / 0.15, 0.0, 1.0) * low;
      const float luminance = 0.2126F * row[x][0] + 0.7152F * row[x][1] + 0.0722F * row[x][2];
      const auto white = static_cast<float>(0.55 + 0.4 * std::min(1.0F, 2 * luminance));
      const auto share = static_cast<float>(0.85 * lies);
      row[x] = row[x] * (1 - share) + cv::Vec3f(0.94F, 0.97F, 1.0F) * (white * share);
    }
  }
  Veil(light, Level({0.2, 0.4, 0.7, 1.1, 1.6}, severity), {0.7F, 0.72F, 0.75F}, Clouds(photo.size(), 3, random));
  const double unit = Unit(photo);
  const double area = static_cast<double>(photo.total()) / (256.0 * 256.0 * unit * unit);
  const int shown = static_cast<int>(area * Level({90, 180, 300, 450, 650}, severity));
  cv::Mat flakes = cv::Mat::zeros(photo.size(), CV_32F);
  for (int i = 0; i < shown; ++i) {
    const double near = random.Uniform();
    const cv::Point2d at(random.Uniform() * photo.cols, random.Uniform() * photo.rows);
    const double radius = (0.6 + 2.4 * near * near * near) * unit;
    cv::circle(flakes, at, std::max(1, static_cast<int>(std::lround(radius))), cv::Scalar(random.Uniform(0.5, 0.95)),
               cv::FILLED, cv::LINE_8);
  }
  cv::GaussianBlur(flakes, flakes, {}, 0.7 * unit, 0.7 * unit);
  for (int y = 0; y < light.rows; ++y) {
    auto* row = light.ptr<cv::Vec3f>(y);
    const auto* flake = flakes.ptr<float>(y);
    for (int x = 0; x < light.cols; ++x) row[x] = row[x] * (1 - flake[x]) + cv::Vec3f(0.92F, 0.94F, 0.97F) * flake[x];
  }
  return FromLight(light);
}

// Leaves and grass are what is green; all else stays but for the light, which grows a little colder.
cv::Mat Season(const cv::Mat& photo, int severity, Random& random) {
  const double turned = Level({0.4, 0.75, 1.0, 1.0, 1.0}, severity);  // share of the way from green to orange
  const double bare = Level({0, 0, 0.1, 0.55, 0.95}, severity);       // share of the way on to grey brown
  // Trees do not turn on one day: patches differ.
  const cv::Mat patches = Clouds(photo.size(), 5, random);
  cv::Mat rgb, hsv;
  photo.convertTo(rgb, CV_32FC3, 1 / 255.0);
  cv::cvtColor(rgb, hsv, cv::COLOR_RGB2HSV);  // hue in degrees, the others in [0, 1]
  for (int y = 0; y < hsv.rows; ++y) {
    auto* row = hsv.ptr<cv::Vec3f>(y);
    const auto* patch = patches.ptr<float>(y);
    for (int x = 0; x < hsv.cols; ++x) {
      cv::Vec3f& p = row[x];
      // 1 for hues from 65 to 165 degrees, falling to 0 within 20; nothing for what is nearly grey.
      const double hue = std::clamp(1 - std::max(65.0 - p[0], p[0] - 165.0) / 20, 0.0, 1.0);
      const double green = hue * std::clamp((p[1] - 0.08) / 0.12, 0.0, 1.0);
      if (green == 0) continue;
      const double target = 22 + 30 * patch[x];  // red orange to yellow
      const double shift = green * std::min(1.0, turned * (0.7 + 0.6 * patch[x]));
      p[0] = static_cast<float>(p[0] + shift * (target - p[0]));
      p[1] = static_cast<float>(std::min(1.0, p[1] * (1 + 0.25 * shift)) * (1 - 0.75 * green * bare));
      p[2] = static_cast<float>(std::min(1.0, p[2] * (1 + 0.2 * shift * (1 - bare)) * (1 - 0.15 * green * bare)));
    }
  }
  cv::cvtColor(hsv, rgb, cv::COLOR_HSV2RGB);
  const double cold = 0.012 * severity;
  cv::multiply(rgb, cv::Scalar(1 - cold, 1, 1 + cold), rgb);
  cv::Mat out;
  rgb.convertTo(out, CV_8UC3, 255);
  return out;
}

}  // namespace dualgeo::degradations
