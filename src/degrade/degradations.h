// The degradations, by family: degrade_light.cpp, degrade_weather.cpp, degrade_camera.cpp; one line each here. All take
// an 8-bit RGB photo and a severity from 1 to 5.
#pragma once

#include <opencv2/core.hpp>

#include "dualgeo/util/random.h"

#define DUALGEO_DEGRADATIONS(KIND)                                                                   \
  KIND("night", "light of 2/5 to 1/30, little colour, a dark sky, sensor noise", Night)              \
  KIND("dusk", "light of 3/4 to 1/4, a warm horizon below a blue sky", Dusk)                         \
  KIND("overexposure", "0.5 to 2.6 stops too bright, highlights clipped and glowing", Overexposure)  \
  KIND("underexposure", "1 to 4.2 stops too dark, with the noise that goes with it", Underexposure)  \
  KIND("fog", "Koschmieder's law, optical depth 0.5 to 3 at the horizon", Fog)                       \
  KIND("rain", "streaks, a grey veil, dimmer light", Rain)                                           \
  KIND("snow", "flakes, a white veil, lying snow in the lower part", Snow)                           \
  KIND("season", "greens turn to autumn (1 to 3) and to bare winter colours (4, 5)", Season)         \
  KIND("blur", "out of focus by a disc of 0.6 to 3.5 % of the shorter side", Blur)                   \
  KIND("noise", "Gaussian, deviation 0.08 to 0.38 (ImageNet-C, Hendrycks & Dietterich 2019)", Noise) \
  KIND("jpeg", "quality 25 to 7 (ImageNet-C)", Jpeg)

namespace dualgeo::degradations {

// The value for a severity.
inline double Level(const double (&levels)[5], int severity) { return levels[severity - 1]; }

// To light, CV_32FC3 in [0, 1], and back: a display's gamma of 2.2.
cv::Mat ToLight(const cv::Mat& photo);
cv::Mat FromLight(const cv::Mat& light);
// Smooth noise in [0, 1], CV_32F: some `cells` bumps along the shorter side.
cv::Mat Clouds(cv::Size size, int cells, Random& random);
// Sensor noise on light: photons (variance in proportion to the light) and read-out.
void AddSensorNoise(cv::Mat& light, double photons, double read, Random& random);

#define DECLARE(name, what, apply) cv::Mat apply(const cv::Mat& photo, int severity, Random& random);
DUALGEO_DEGRADATIONS(DECLARE)
#undef DECLARE

}  // namespace dualgeo::degradations
