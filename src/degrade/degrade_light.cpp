// Too little light, too much, and light of another colour. All of it happens in linear light, as in a camera.
#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "degradations.h"

namespace dualgeo::degradations {
namespace {

float Luminance(const cv::Vec3f& p) { return 0.2126F * p[0] + 0.7152F * p[1] + 0.0722F * p[2]; }

double SmoothRamp(double from, double to, double x) {
  const double t = std::clamp((x - from) / (to - from), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

template <class Function>
void ForEach(cv::Mat& light, const Function& function) {
  for (int y = 0; y < light.rows; ++y) {
    auto* row = light.ptr<cv::Vec3f>(y);
    for (int x = 0; x < light.cols; ++x) function(row[x], y);
  }
}

}  // namespace

cv::Mat ToLight(const cv::Mat& photo) {
  cv::Mat table(1, 256, CV_32F);
  for (int v = 0; v < 256; ++v) table.at<float>(v) = static_cast<float>(std::pow(v / 255.0, 2.2));
  cv::Mat light;
  cv::LUT(photo, table, light);
  return light;
}

cv::Mat FromLight(const cv::Mat& light) {
  cv::Mat shown;
  cv::max(light, 0.0, shown);
  cv::pow(shown, 1 / 2.2, shown);
  cv::Mat photo;
  shown.convertTo(photo, CV_8UC3, 255);  // saturates
  return photo;
}

cv::Mat Clouds(cv::Size size, int cells, Random& random) {
  cv::Mat sum = cv::Mat::zeros(size, CV_32F);
  double weight = 1;
  for (int octave = 0; octave < 3; ++octave, cells *= 2, weight /= 2) {
    cv::Mat coarse(cells, cells, CV_32F), fine;
    for (int y = 0; y < cells; ++y) {
      for (int x = 0; x < cells; ++x) coarse.at<float>(y, x) = static_cast<float>(weight * random.Uniform());
    }
    cv::resize(coarse, fine, size, 0, 0, cv::INTER_CUBIC);
    sum += fine;
  }
  cv::Mat clouds = sum / 1.75;
  cv::min(clouds, 1.0, clouds);
  cv::max(clouds, 0.0, clouds);
  return clouds;
}

void AddSensorNoise(cv::Mat& light, double photons, double read, Random& random) {
  ForEach(light, [&](cv::Vec3f& p, int) {
    for (int c = 0; c < 3; ++c) {
      const double deviation = std::sqrt(photons * std::max(0.0F, p[c]) + read * read);
      p[c] = std::max(0.0F, p[c] + static_cast<float>(deviation * random.Normal()));
    }
  });
}

// Rods see no colour, and blue better than red (Purkinje). A day's sky is the brightest thing of a photo and the
// night's among the darkest: what is bright and high up is dimmed more.
cv::Mat Night(const cv::Mat& photo, int severity, Random& random) {
  const double gain = Level({0.4, 0.22, 0.12, 0.065, 0.035}, severity);
  const double grey = Level({0.35, 0.5, 0.6, 0.7, 0.8}, severity);
  const double sky_gain = Level({0.6, 0.45, 0.35, 0.28, 0.22}, severity);
  cv::Mat light = ToLight(photo);
  const double height = light.rows;
  ForEach(light, [&](cv::Vec3f& p, int y) {
    const double luminance = Luminance(p);
    const double sky = (1 - SmoothRamp(0.3, 0.75, y / height)) * SmoothRamp(0.25, 0.6, luminance);
    const double factor = gain * (1 - sky * (1 - sky_gain));
    const double moon[] = {0.75, 0.9, 1.25};
    for (int c = 0; c < 3; ++c) {
      p[c] = static_cast<float>(factor * ((1 - grey) * p[c] + grey * luminance * moon[c]));
    }
  });
  AddSensorNoise(light, 0.0002, 0.0012, random);
  return FromLight(light);
}

cv::Mat Dusk(const cv::Mat& photo, int severity, Random& random) {
  const double gain = Level({0.75, 0.6, 0.45, 0.33, 0.24}, severity);
  const double strength = Level({0.3, 0.5, 0.7, 0.85, 1.0}, severity);
  // Where the light comes from: the horizon, somewhere along it.
  const double sun = random.Uniform(0.1, 0.9);
  cv::Mat light = ToLight(photo);
  for (int y = 0; y < light.rows; ++y) {
    auto* row = light.ptr<cv::Vec3f>(y);
    const double v = (y + 0.5) / light.rows;
    const double near_horizon = std::exp(-std::pow((v - 0.48) / 0.2, 2));
    for (int x = 0; x < light.cols; ++x) {
      const double u = (x + 0.5) / light.cols;
      const double warm = near_horizon * (0.45 + 0.55 * std::exp(-std::pow((u - sun) / 0.45, 2)));
      const double warm_tint[] = {1.5, 0.92, 0.5}, cool_tint[] = {0.72, 0.82, 1.18};
      for (int c = 0; c < 3; ++c) {
        const double tint = warm * warm_tint[c] + (1 - warm) * cool_tint[c];
        row[x][c] *= static_cast<float>(gain * (1 + strength * (tint - 1)));
      }
    }
  }
  AddSensorNoise(light, 0.0001, 0.0006, random);
  return FromLight(light);
}

cv::Mat Overexposure(const cv::Mat& photo, int severity, Random&) {
  const double gain = std::exp2(Level({0.5, 1.0, 1.5, 2.0, 2.6}, severity));
  cv::Mat light = ToLight(photo) * gain;
  // What no longer fits spills over its surroundings.
  cv::Mat spill = light - cv::Scalar::all(1), glow;
  cv::max(spill, 0.0, spill);
  cv::min(spill, 3.0, spill);
  const double sigma = 0.02 * std::min(photo.cols, photo.rows);
  cv::GaussianBlur(spill, glow, {}, sigma, sigma, cv::BORDER_REFLECT_101);
  return FromLight(light + 0.15 * glow);
}

cv::Mat Underexposure(const cv::Mat& photo, int severity, Random& random) {
  cv::Mat light = ToLight(photo) * std::exp2(-Level({1, 1.8, 2.6, 3.4, 4.2}, severity));
  AddSensorNoise(light, 0.0002, 0.001, random);
  return FromLight(light);
}

}  // namespace dualgeo::degradations
