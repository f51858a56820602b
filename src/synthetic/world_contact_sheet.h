// One picture to judge the synthetic world by: places down, conditions across, each photo beside its mask.
#pragma once

#include <cstdint>
#include <opencv2/core.hpp>
#include <vector>

#include "synthetic/world_places.h"

namespace dualgeo {

// CV_8UC3, BGR: up to eight places, of as many climates as there are, and the neighbours of the first.
cv::Mat DrawContactSheet(const std::vector<WorldPlace>& places, std::uint64_t seed);

// A mask in ADE20K's usual colours, BGR.
cv::Mat ColorMask(const cv::Mat& mask);

}  // namespace dualgeo
