// Antialiased resampling, equal to Pillow's Image.resize to the last bit: OpenCV's INTER_CUBIC and INTER_LINEAR read a
// fixed neighbourhood and alias when they shrink, and the published models were trained on Pillow's pixels.
// Source: Pillow's libImaging/Resample.c (filter support widened by the ratio; two 8-bit passes with 22-bit fixed
// point).
#pragma once

#include <opencv2/core.hpp>

namespace dualgeo {

enum class Filter {
  kBilinear,  // triangle
  kBicubic,   // Keys, a = -0.5
};

// The part `box` of a CV_8UC3 (or grey, CV_8UC1) photo, resampled to `size`. Throws Error for an empty box or size, or
// a box that leaves the photo.
cv::Mat Resize(const cv::Mat& photo, cv::Size size, Filter filter, cv::Rect box);
cv::Mat Resize(const cv::Mat& photo, cv::Size size, Filter filter);

// Only the columns and rows `window` of what Resize(photo, size, filter) returns: a centre crop need not pay for the
// rest.
cv::Mat ResizeWindow(const cv::Mat& photo, cv::Size size, Filter filter, cv::Rect window);

}  // namespace dualgeo
