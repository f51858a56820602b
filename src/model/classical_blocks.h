// What a photo's classical vector (encoder_classical.cpp) is made of, and how each part of it is compared: after IM2GPS
// (Hays and Efros, CVPR 2008). No LibTorch here.
#pragma once

#include <cstdint>

namespace dualgeo {

struct ClassicalBlock {
  const char* name;
  std::int64_t size;
  enum class Distance { kSquares, kChiSquared, kAbsolute } distance;
  double weight;  // the parts of one feature add up to 1
};

inline constexpr ClassicalBlock kClassicalBlocks[] = {
    {"tiny_image", 16 * 16 * 3, ClassicalBlock::Distance::kSquares, 1},
    {"color_histogram", 4 * 14 * 14, ClassicalBlock::Distance::kChiSquared, 1},
    {"texton_histogram", 512, ClassicalBlock::Distance::kChiSquared, 1},
    {"line_angles", 18, ClassicalBlock::Distance::kChiSquared, 0.5},
    {"line_lengths", 8, ClassicalBlock::Distance::kChiSquared, 0.5},
    {"gist", 4 * 6 * 5 * 5, ClassicalBlock::Distance::kAbsolute, 0.5},
    {"gist_colors", 3 * 5 * 5, ClassicalBlock::Distance::kAbsolute, 0.5},
    {"layout", 4 * 8 * 8, ClassicalBlock::Distance::kAbsolute, 1},
};

constexpr std::int64_t ClassicalSize() {
  std::int64_t size = 0;
  for (const auto& block : kClassicalBlocks) size += block.size;
  return size;
}

}  // namespace dualgeo
