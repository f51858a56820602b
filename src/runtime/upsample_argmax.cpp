#include "dualgeo/runtime/upsample_argmax.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

// Where output pixel i of a bilinear resize reads, align_corners false.
struct Tap {
  int low = 0;
  int high = 0;
  float weight_high = 0;
};

std::vector<Tap> Taps(int from, int to) {
  std::vector<Tap> taps(static_cast<std::size_t>(to));
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  for (int i = 0; i < to; ++i) {
    const float source = std::max(0.0F, scale * (static_cast<float>(i) + 0.5F) - 0.5F);
    const int low = std::min(static_cast<int>(source), from - 1);
    taps[static_cast<std::size_t>(i)] = {low, std::min(low + 1, from - 1),
                                         std::min(1.0F, source - static_cast<float>(low))};
  }
  return taps;
}

}  // namespace

cv::Mat UpsampleArgmax(const torch::Tensor& logits, cv::Size size) {
  if (logits.dim() != 3 || logits.scalar_type() != torch::kFloat32 || !logits.is_cpu() || logits.size(0) > 256) {
    throw Error("UpsampleArgmax: logits must be [C, h, w] float32 on the CPU with C at most 256");
  }
  const torch::Tensor contiguous = logits.contiguous();
  const auto classes = static_cast<std::size_t>(contiguous.size(0));
  const int rows_in = static_cast<int>(contiguous.size(1));
  const int columns_in = static_cast<int>(contiguous.size(2));
  const float* const data = contiguous.data_ptr<float>();
  const auto width = static_cast<std::size_t>(size.width);
  const auto across = Taps(columns_in, size.width);
  const auto down = Taps(rows_in, size.height);

  // A source row, stretched to the output's width, serves several output rows; two are alive at a time.
  std::vector<float> stretched[2] = {std::vector<float>(classes * width), std::vector<float>(classes * width)};
  int held[2] = {-1, -1};
  const auto stretch = [&](int row, int slot) {
    held[slot] = row;
    for (std::size_t c = 0; c < classes; ++c) {
      const float* const in = data + (c * static_cast<std::size_t>(rows_in) + static_cast<std::size_t>(row)) *
                                         static_cast<std::size_t>(columns_in);
      float* const out = stretched[slot].data() + c * width;
      for (std::size_t x = 0; x < width; ++x) {
        out[x] = (1 - across[x].weight_high) * in[across[x].low] + across[x].weight_high * in[across[x].high];
      }
    }
  };
  const auto find = [&](int row, int keep) {
    for (int slot = 0; slot < 2; ++slot) {
      if (held[slot] == row) return slot;
    }
    const int slot = held[0] == keep ? 1 : 0;
    stretch(row, slot);
    return slot;
  };

  cv::Mat classes_out(size, CV_8UC1);
  std::vector<float> best(width);
  std::vector<std::int32_t> winner(width);
  for (int y = 0; y < size.height; ++y) {
    const Tap& tap = down[static_cast<std::size_t>(y)];
    const float* const low = stretched[find(tap.low, tap.high)].data();
    const float* const high = stretched[find(tap.high, tap.low)].data();
    const float weight_high = tap.weight_high;
    const float weight_low = 1 - weight_high;
    for (std::size_t x = 0; x < width; ++x) {
      best[x] = weight_low * low[x] + weight_high * high[x];
      winner[x] = 0;
    }
    for (std::size_t c = 1; c < classes; ++c) {
      const float* const a = low + c * width;
      const float* const b = high + c * width;
      const auto id = static_cast<std::int32_t>(c);
      // Without branches, so that it becomes vector instructions: this is where the time goes.
      for (std::size_t x = 0; x < width; ++x) {
        const float value = weight_low * a[x] + weight_high * b[x];
        const bool greater = value > best[x];
        winner[x] = greater ? id : winner[x];
        best[x] = greater ? value : best[x];
      }
    }
    std::uint8_t* const out = classes_out.ptr<std::uint8_t>(y);
    for (std::size_t x = 0; x < width; ++x) out[x] = static_cast<std::uint8_t>(winner[x]);
  }
  return classes_out;
}

}  // namespace dualgeo
