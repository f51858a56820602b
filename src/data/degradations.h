// The degradations, by family: degrade_light.cpp, degrade_weather.cpp, degrade_camera.cpp. All take an 8-bit RGB photo
// and a severity from 1 to 5.
#pragma once

#include <opencv2/core.hpp>

#include "dualgeo/util/random.h"

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

cv::Mat Night(const cv::Mat& photo, int severity, Random& random);
cv::Mat Dusk(const cv::Mat& photo, int severity, Random& random);
cv::Mat Overexposure(const cv::Mat& photo, int severity, Random& random);
cv::Mat Underexposure(const cv::Mat& photo, int severity, Random& random);

cv::Mat Fog(const cv::Mat& photo, int severity, Random& random);
cv::Mat Rain(const cv::Mat& photo, int severity, Random& random);
cv::Mat Snow(const cv::Mat& photo, int severity, Random& random);
cv::Mat Season(const cv::Mat& photo, int severity, Random& random);

cv::Mat Blur(const cv::Mat& photo, int severity, Random& random);
cv::Mat Noise(const cv::Mat& photo, int severity, Random& random);
cv::Mat Jpeg(const cv::Mat& photo, int severity, Random& random);

}  // namespace dualgeo::degradations
