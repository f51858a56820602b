#include "runtime/upsample_argmax.h"

#include <algorithm>
#include <cstdint>
#include <limits>
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

// Outputs that read from the same two places: [begin, end).
struct Run {
  int begin = 0;
  int end = 0;
};

std::vector<Run> RunsOf(const std::vector<Tap>& taps) {
  std::vector<Run> runs;
  for (int i = 0; i < static_cast<int>(taps.size()); ++i) {
    const auto& tap = taps[static_cast<std::size_t>(i)];
    if (i == 0 || tap.low != taps[static_cast<std::size_t>(i - 1)].low ||
        tap.high != taps[static_cast<std::size_t>(i - 1)].high) {
      runs.push_back({i, i});
    }
    runs.back().end = i + 1;
  }
  return runs;
}

// The logits of all classes at the four places between which a run of rows and one of columns lie.
struct Corners {
  const float* low_low;
  const float* low_high;
  const float* high_low;
  const float* high_high;
};

// Classes that may win somewhere between the corners, ascending. What is interpolated lies between the least and the
// largest corner, but for rounding (slack): a class whose largest is below another's least wins nowhere. Mostly one or
// two are left of 150.
void FindContenders(const Corners& at, std::size_t classes, float slack, std::vector<float>& largest,
                    std::vector<std::size_t>& contenders) {
  float least_to_win = -std::numeric_limits<float>::infinity();
  for (std::size_t c = 0; c < classes; ++c) {
    const float a = at.low_low[c], b = at.low_high[c], d = at.high_low[c], e = at.high_high[c];
    largest[c] = std::max(std::max(a, b), std::max(d, e));
    least_to_win = std::max(least_to_win, std::min(std::min(a, b), std::min(d, e)));
  }
  contenders.clear();
  for (std::size_t c = 0; c < classes; ++c) {
    if (!(largest[c] < least_to_win - slack)) contenders.push_back(c);
  }
}

// The winners of one run of rows and one of columns.
class CellFiller {
 public:
  CellFiller(const std::vector<Tap>& across, const std::vector<Tap>& down)
      : across_(across), down_(down), low_(across.size()), high_(across.size()), best_(across.size() * down.size()) {}

  void Fill(const Corners& at, const std::vector<std::size_t>& contenders, Run rows, Run columns, cv::Mat& out) {
    const auto width = static_cast<std::size_t>(columns.end - columns.begin);
    for (const std::size_t c : contenders) {
      const auto id = static_cast<std::uint8_t>(c);
      const bool first = c == contenders.front();
      for (std::size_t x = 0; x < width; ++x) {
        const float weight = across_[static_cast<std::size_t>(columns.begin) + x].weight_high;
        low_[x] = (1 - weight) * at.low_low[c] + weight * at.low_high[c];
        high_[x] = (1 - weight) * at.high_low[c] + weight * at.high_high[c];
      }
      for (int y = rows.begin; y < rows.end; ++y) {
        const float weight_high = down_[static_cast<std::size_t>(y)].weight_high;
        const float weight_low = 1 - weight_high;
        std::uint8_t* const winner = out.ptr<std::uint8_t>(y) + columns.begin;
        float* const best = best_.data() + static_cast<std::size_t>(y - rows.begin) * width;
        for (std::size_t x = 0; x < width; ++x) {
          const float value = weight_low * low_[x] + weight_high * high_[x];
          const bool greater = first || value > best[x];
          winner[x] = greater ? id : winner[x];
          best[x] = greater ? value : best[x];
        }
      }
    }
  }

 private:
  const std::vector<Tap>& across_;
  const std::vector<Tap>& down_;
  std::vector<float> low_, high_, best_;
};

}  // namespace

cv::Mat UpsampleArgmax(const torch::Tensor& logits, cv::Size size) {
  if (logits.dim() != 3 || logits.scalar_type() != torch::kFloat32 || !logits.is_cpu() || logits.size(0) > 256) {
    throw Error("UpsampleArgmax: logits must be [C, h, w] float32 on the CPU with C at most 256");
  }
  // All classes of a place side by side.
  const torch::Tensor places = logits.permute({1, 2, 0}).contiguous();
  const auto classes = static_cast<std::size_t>(places.size(2));
  const int columns_in = static_cast<int>(places.size(1));
  const float* const data = places.data_ptr<float>();
  const auto at = [&](int row, int column) {
    return data +
           (static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_in) + static_cast<std::size_t>(column)) *
               classes;
  };
  // Infinite or NaN where one of the logits is: then all classes contend.
  const float slack = 1e-5F * places.abs().max().item<float>();

  const auto across = Taps(columns_in, size.width);
  const auto down = Taps(static_cast<int>(places.size(0)), size.height);
  const auto columns = RunsOf(across);
  cv::Mat classes_out(size, CV_8UC1);
  CellFiller filler(across, down);
  std::vector<float> largest(classes);
  std::vector<std::size_t> contenders;
  for (const Run& row_run : RunsOf(down)) {
    const Tap& y = down[static_cast<std::size_t>(row_run.begin)];
    for (const Run& column_run : columns) {
      const Tap& x = across[static_cast<std::size_t>(column_run.begin)];
      const Corners corners = {at(y.low, x.low), at(y.low, x.high), at(y.high, x.low), at(y.high, x.high)};
      FindContenders(corners, classes, slack, largest, contenders);
      filler.Fill(corners, contenders, row_run, column_run, classes_out);
    }
  }
  return classes_out;
}

}  // namespace dualgeo
