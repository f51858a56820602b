// Small pictures as text, for chat requests and for the one-file HTML report.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <string_view>

namespace dualgeo {

// The photo as JPEG, turned upright, its longer side reduced to `side` pixels (never enlarged). Throws InputError for
// bytes that are no photo.
std::string PhotoThumbnail(std::string_view bytes, const std::string& name, int side, int jpeg_quality);
// A mask (ReadMask) in its classes' colours as PNG.
std::string MaskPng(const cv::Mat& mask, int side);

// "data:image/jpeg;base64,...": the photo, turned upright, its longer side reduced to `side` pixels (never enlarged).
// Throws InputError for bytes that are no photo.
std::string PhotoDataUrl(std::string_view bytes, const std::string& name, int side, int jpeg_quality);

// "data:image/png;base64,...": a mask (ReadMask) in its classes' colours, reduced by taking the nearest pixel. Classes
// that the synthetic world does not draw get a colour by their id; pixels without a label are grey.
std::string MaskDataUrl(const cv::Mat& mask, int side);

// "sky 41 %, building 30 %": the most frequent classes, at most `count`; the mask in words.
std::string DescribeMask(const cv::Mat& mask, int count);

}  // namespace dualgeo
