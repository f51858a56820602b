#include "dualgeo/data/resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;  // 8 for the pixel, 2 for weights outside [0, 1] and their sum

double Support(Filter filter) { return filter == Filter::kBicubic ? 2.0 : 1.0; }

double Weight(Filter filter, double x) {
  x = std::abs(x);
  if (filter == Filter::kBilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double a = -0.5;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

// For each output position, the input positions that it is a weighted mean of.
struct Taps {
  std::vector<int> first;
  std::vector<int> count;
  std::vector<std::int32_t> weights;  // `stride` for each position
  std::size_t stride = 0;

  const std::int32_t* At(int i) const { return &weights[static_cast<std::size_t>(i) * stride]; }
};

// Output positions [begin, begin + n) of `in` positions resampled to `out`. The arithmetic follows Pillow's step by
// step.
Taps MakeTaps(int in, int out, Filter filter, int begin, int n) {
  const double scale = static_cast<double>(in) / out;
  const double filter_scale = std::max(scale, 1.0);
  const double support = Support(filter) * filter_scale;
  Taps taps;
  taps.stride = static_cast<std::size_t>(std::ceil(support)) * 2 + 1;
  taps.first.resize(static_cast<std::size_t>(n));
  taps.count.resize(static_cast<std::size_t>(n));
  taps.weights.resize(static_cast<std::size_t>(n) * taps.stride);
  std::vector<double> exact(taps.stride);
  for (int i = 0; i < n; ++i) {
    const double center = (begin + i + 0.5) * scale;
    // Truncated, as Pillow does. NOLINTBEGIN(bugprone-incorrect-roundings)
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int count = std::min(static_cast<int>(center + support + 0.5), in) - first;
    // NOLINTEND(bugprone-incorrect-roundings)
    double sum = 0;
    for (int k = 0; k < count; ++k) {
      const auto at = static_cast<std::size_t>(k);
      exact[at] = Weight(filter, (k + first - center + 0.5) * (1.0 / filter_scale));
      sum += exact[at];
    }
    for (int k = 0; k < count; ++k) {
      const auto at = static_cast<std::size_t>(k);
      const double weight = sum != 0.0 ? exact[at] / sum : exact[at];
      taps.weights[static_cast<std::size_t>(i) * taps.stride + at] =
          static_cast<std::int32_t>((weight < 0 ? -0.5 : 0.5) + weight * (1 << kPrecisionBits));
    }
    taps.first[static_cast<std::size_t>(i)] = first;
    taps.count[static_cast<std::size_t>(i)] = count;
  }
  return taps;
}

std::uint8_t Clip8(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255)); }

template <int kChannels>
void ResizeRow(const std::uint8_t* in, std::uint8_t* out, int n, const Taps& taps) {
  for (int i = 0; i < n; ++i) {
    const std::int32_t* weights = taps.At(i);
    const std::uint8_t* pixel = in + taps.first[static_cast<std::size_t>(i)] * kChannels;
    const int count = taps.count[static_cast<std::size_t>(i)];
    std::array<std::int32_t, kChannels> sums;
    sums.fill(1 << (kPrecisionBits - 1));
    for (int k = 0; k < count; ++k, pixel += kChannels) {
      for (std::size_t c = 0; c < kChannels; ++c) sums[c] += weights[k] * pixel[c];
    }
    for (const std::int32_t sum : sums) *out++ = Clip8(sum);
  }
}

}  // namespace

cv::Mat ResizeWindow(const cv::Mat& photo, cv::Size size, Filter filter, cv::Rect window) {
  if ((photo.type() != CV_8UC3 && photo.type() != CV_8UC1) || photo.empty()) {
    throw Error("Resize: not an 8-bit RGB or grey photo");
  }
  const bool rgb = photo.type() == CV_8UC3;
  if (size.empty() || window.empty() || (window & cv::Rect({0, 0}, size)) != window) {
    throw Error("Resize: empty size, or a window outside of it");
  }
  const Taps columns = MakeTaps(photo.cols, size.width, filter, window.x, window.width);
  const Taps rows = MakeTaps(photo.rows, size.height, filter, window.y, window.height);

  // First pass: across, for the rows that the second will read.
  const bool same_height = size.height == photo.rows;
  const int first_row = same_height ? window.y : rows.first.front();
  const int row_count = same_height ? window.height : rows.first.back() + rows.count.back() - first_row;
  cv::Mat across;
  if (size.width == photo.cols) {
    across = photo(cv::Rect(window.x, first_row, window.width, row_count));
  } else {
    across.create(row_count, window.width, photo.type());
    const auto resize_row = rgb ? ResizeRow<3> : ResizeRow<1>;
    for (int y = 0; y < row_count; ++y) resize_row(photo.ptr(first_row + y), across.ptr(y), window.width, columns);
  }
  if (same_height) return across.clone();

  // Second pass: down, one whole row at a time, which the compiler makes vector code of.
  cv::Mat result(window.size(), photo.type());
  const int values = window.width * photo.channels();
  std::vector<std::int32_t> sums(static_cast<std::size_t>(values));
  for (int y = 0; y < window.height; ++y) {
    std::fill(sums.begin(), sums.end(), 1 << (kPrecisionBits - 1));
    const std::int32_t* weights = rows.At(y);
    for (int k = 0; k < rows.count[static_cast<std::size_t>(y)]; ++k) {
      const std::uint8_t* in = across.ptr(rows.first[static_cast<std::size_t>(y)] - first_row + k);
      const std::int32_t weight = weights[k];
      std::int32_t* sum = sums.data();
      for (int x = 0; x < values; ++x) sum[x] += weight * in[x];
    }
    std::uint8_t* out = result.ptr(y);
    for (int x = 0; x < values; ++x) out[x] = Clip8(sums[static_cast<std::size_t>(x)]);
  }
  return result;
}

cv::Mat Resize(const cv::Mat& photo, cv::Size size, Filter filter) {
  return ResizeWindow(photo, size, filter, cv::Rect({0, 0}, size));
}

cv::Mat Resize(const cv::Mat& photo, cv::Size size, Filter filter, cv::Rect box) {
  if (box.empty() || (box & cv::Rect({0, 0}, photo.size())) != box) throw Error("Resize: a box outside of the photo");
  return Resize(photo(box), size, filter);
}

}  // namespace dualgeo
