#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "dualgeo/util/error.h"
#include "resize_kernels.h"

namespace dualgeo {
namespace {

double Support(Filter filter) { return filter == Filter::kBicubic ? 2.0 : 1.0; }

double Weight(Filter filter, double x) {
  x = std::abs(x);
  if (filter == Filter::kBilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double a = -0.5;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

// Output positions [begin, begin + n) of `in` positions resampled to `out`. The arithmetic follows Pillow's step by
// step.
ResizeTaps MakeTaps(int in, int out, Filter filter, int begin, int n) {
  const double scale = static_cast<double>(in) / out;
  const double filter_scale = std::max(scale, 1.0);
  const double support = Support(filter) * filter_scale;
  ResizeTaps taps;
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
          static_cast<std::int32_t>((weight < 0 ? -0.5 : 0.5) + weight * (1 << kResizePrecisionBits));
    }
    taps.first[static_cast<std::size_t>(i)] = first;
    taps.count[static_cast<std::size_t>(i)] = count;
  }
  return taps;
}

}  // namespace

cv::Mat ResizeWindow(const cv::Mat& photo, cv::Size size, Filter filter, cv::Rect window) {
  if ((photo.type() != CV_8UC3 && photo.type() != CV_8UC1) || photo.empty()) {
    throw Error("Resize: not an 8-bit RGB or grey photo");
  }
  if (size.empty() || window.empty() || (window & cv::Rect({0, 0}, size)) != window) {
    throw Error("Resize: empty size, or a window outside of it");
  }
  const ResizeTaps columns = MakeTaps(photo.cols, size.width, filter, window.x, window.width);
  const ResizeTaps rows = MakeTaps(photo.rows, size.height, filter, window.y, window.height);

  // First pass: across, for the rows that the second will read.
  const bool same_height = size.height == photo.rows;
  const int first_row = same_height ? window.y : rows.first.front();
  const int row_count = same_height ? window.height : rows.first.back() + rows.count.back() - first_row;
  cv::Mat across;
  if (size.width == photo.cols) {
    across = photo(cv::Rect(window.x, first_row, window.width, row_count));
  } else {
    across.create(row_count, window.width, photo.type());
    ResizeAcross(photo.ptr(first_row), photo.step, photo.cols, across.ptr(), across.step, row_count, photo.channels(),
                 columns);
  }
  if (same_height) return across.clone();

  // Second pass: down, one whole row at a time.
  cv::Mat result(window.size(), photo.type());
  const int values = window.width * photo.channels();
  for (int y = 0; y < window.height; ++y) {
    const auto at = static_cast<std::size_t>(y);
    ResizeDown(across.ptr(rows.first[at] - first_row), across.step, rows.At(y), rows.count[at], result.ptr(y), values);
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
