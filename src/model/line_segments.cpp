#include "model/line_segments.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>

namespace dualgeo {
namespace {

constexpr double kTolerance = std::numbers::pi / 8;
constexpr double kLeastGradient = 5.2 / 255;  // of a pixel whose direction is known within the tolerance

struct GradientField {
  int side;
  std::vector<double> size;
  std::vector<double> direction;  // radians
};

// Over squares of 2 x 2 pixels, at their middle.
GradientField GradientsOf(std::span<const float> values, int side) {
  const auto count = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  GradientField field{side, std::vector<double>(count), std::vector<double>(count)};
  for (int y = 0; y + 1 < side; ++y) {
    for (int x = 0; x + 1 < side; ++x) {
      const auto at = static_cast<std::size_t>(y) * static_cast<std::size_t>(side) + static_cast<std::size_t>(x);
      const auto below = at + static_cast<std::size_t>(side);
      const double a = values[at], b = values[at + 1], c = values[below], d = values[below + 1];
      const double gx = (b + d - a - c) / 2, gy = (c + d - a - b) / 2;
      field.size[at] = std::hypot(gx, gy);
      field.direction[at] = std::atan2(gy, gx);
    }
  }
  return field;
}

double AngleBetween(double a, double b) {
  const double difference = std::abs(std::remainder(a - b, 2 * std::numbers::pi));
  return difference;
}

// The pixels around `seed` of about one direction; they count as used from then on.
std::vector<std::size_t> Grow(const GradientField& field, std::size_t seed, std::vector<char>& used) {
  std::vector<std::size_t> region = {seed};
  used[seed] = 1;
  double x_sum = std::cos(field.direction[seed]), y_sum = std::sin(field.direction[seed]);
  for (std::size_t i = 0; i < region.size(); ++i) {
    const int x = static_cast<int>(region[i]) % field.side, y = static_cast<int>(region[i]) / field.side;
    for (int dy = -1; dy <= 1; ++dy) {
      for (int dx = -1; dx <= 1; ++dx) {
        if (x + dx < 0 || y + dy < 0 || x + dx >= field.side || y + dy >= field.side) continue;
        const auto at = static_cast<std::size_t>((y + dy) * field.side + x + dx);
        if (used[at] != 0 || AngleBetween(field.direction[at], std::atan2(y_sum, x_sum)) > kTolerance) continue;
        used[at] = 1;
        region.push_back(at);
        x_sum += std::cos(field.direction[at]);
        y_sum += std::sin(field.direction[at]);
      }
    }
  }
  return region;
}

// The rectangle along the region's main axis.
bool AsSegment(const GradientField& field, const std::vector<std::size_t>& region, LineSegment& segment) {
  double weight = 0, x_mean = 0, y_mean = 0;
  for (const auto at : region) {
    const double w = field.size[at];
    weight += w;
    x_mean += w * static_cast<double>(at % static_cast<std::size_t>(field.side));
    y_mean += w * static_cast<double>(at / static_cast<std::size_t>(field.side));
  }
  x_mean /= weight;
  y_mean /= weight;
  double xx = 0, yy = 0, xy = 0;
  for (const auto at : region) {
    const double x = static_cast<double>(at % static_cast<std::size_t>(field.side)) - x_mean;
    const double y = static_cast<double>(at / static_cast<std::size_t>(field.side)) - y_mean;
    xx += field.size[at] * x * x;
    yy += field.size[at] * y * y;
    xy += field.size[at] * x * y;
  }
  const double angle = 0.5 * std::atan2(2 * xy, xx - yy);
  double along_min = 0, along_max = 0, across_min = 0, across_max = 0;
  for (const auto at : region) {
    const double x = static_cast<double>(at % static_cast<std::size_t>(field.side)) - x_mean;
    const double y = static_cast<double>(at / static_cast<std::size_t>(field.side)) - y_mean;
    const double along = x * std::cos(angle) + y * std::sin(angle);
    const double across = y * std::cos(angle) - x * std::sin(angle);
    along_min = std::min(along_min, along);
    along_max = std::max(along_max, along);
    across_min = std::min(across_min, across);
    across_max = std::max(across_max, across);
  }
  const double length = along_max - along_min + 1, width = across_max - across_min + 1;
  const bool line = length >= 12.0 * field.side / 256 && length >= 3 * width &&
                    static_cast<double>(region.size()) >= 0.5 * length * width;
  if (!line) return false;
  double degrees = angle * 180 / std::numbers::pi;
  if (degrees < 0) degrees += 180;
  const double middle = (along_min + along_max) / 2;
  segment = {x_mean + middle * std::cos(angle) + 0.5, y_mean + middle * std::sin(angle) + 0.5, length,
             degrees < 180 ? degrees : 0};
  return true;
}

}  // namespace

std::vector<LineSegment> FindLineSegments(std::span<const float> values, int side) {
  const GradientField field = GradientsOf(values, side);
  std::vector<std::size_t> order(field.size.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return field.size[a] > field.size[b]; });
  std::vector<char> used(order.size(), 0);
  for (const auto at : order) used[at] = field.size[at] < kLeastGradient ? 1 : 0;
  std::vector<LineSegment> segments;
  for (const auto seed : order) {
    if (used[seed] != 0) continue;
    const auto region = Grow(field, seed, used);
    LineSegment segment{};
    if (region.size() >= 8 && AsSegment(field, region, segment)) segments.push_back(segment);
  }
  return segments;
}

}  // namespace dualgeo
