// The two passes of resize.cpp over 8-bit rows, in integers: what is summed in which order does not matter, so that
// every instruction set (model/instruction_set.h) gives the same bytes.
#pragma once

#include <cstdint>
#include <vector>

namespace dualgeo {

constexpr int kResizePrecisionBits = 32 - 8 - 2;  // 8 for the pixel, 2 for weights outside [0, 1] and their sum

// For each output position, the input positions that it is a weighted mean of.
struct ResizeTaps {
  std::vector<int> first;
  std::vector<int> count;
  std::vector<std::int32_t> weights;  // `stride` for each position
  std::size_t stride = 0;

  const std::int32_t* At(int i) const { return &weights[static_cast<std::size_t>(i) * stride]; }
};

// Across: each of `rows` rows of `channels` (1 or 3) interleaved values, `in_step` bytes apart, becomes one of
// taps.first.size() pixels. in_width: pixels of an input row.
void ResizeAcross(const std::uint8_t* in, std::size_t in_step, int in_width, std::uint8_t* out, std::size_t out_step,
                  int rows, int channels, const ResizeTaps& taps);

// Down: `values` values of one output row, the sum of weights[k] times row k, `step` bytes apart.
void ResizeDown(const std::uint8_t* in, std::size_t step, const std::int32_t* weights, int count, std::uint8_t* out,
                int values);

}  // namespace dualgeo
