#include "synthetic/world_canvas.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

namespace dualgeo {
namespace {

constexpr int kSubpixelBits = 4;   // of the coordinates that OpenCV's fills take
constexpr double kHorizon = 0.56;  // from the top of a level photo
constexpr int kSkySize = 64;       // the sky is smooth: it is made small and enlarged
constexpr int kCloudSize = 128;
const Color kLampColor(1.0F, 0.86F, 0.62F);

cv::Scalar ToBgr(const Color& c) {
  const auto channel = [](float v) { return static_cast<double>(std::clamp(v, 0.0F, 255.0F)); };
  return {channel(c[2]), channel(c[1]), channel(c[0])};
}

Color Times(const Color& a, const Color& b) { return {a[0] * b[0], a[1] * b[1], a[2] * b[2]}; }

// Fractal value noise in [0, 1] that repeats at its rims.
const cv::Mat& CloudTile() {
  static const cv::Mat tile = [] {
    cv::Mat sum = cv::Mat::zeros(kCloudSize, kCloudSize, CV_32F);
    Random random(DeriveSeed(0, "world-clouds"));
    float weight = 0.5F;
    for (int cells = 4; cells <= 64; cells *= 2, weight *= 0.55F) {
      std::vector<float> lattice(static_cast<std::size_t>(cells * cells));
      for (float& v : lattice) v = static_cast<float>(random.Uniform());
      for (int y = 0; y < kCloudSize; ++y) {
        for (int x = 0; x < kCloudSize; ++x) {
          const float fx = static_cast<float>(x * cells) / kCloudSize, fy = static_cast<float>(y * cells) / kCloudSize;
          const int x0 = static_cast<int>(fx), y0 = static_cast<int>(fy);
          float tx = fx - static_cast<float>(x0), ty = fy - static_cast<float>(y0);
          tx = tx * tx * (3 - 2 * tx), ty = ty * ty * (3 - 2 * ty);
          const auto at = [&](int i, int j) {
            const int index = (j % cells) * cells + i % cells;
            return lattice[static_cast<std::size_t>(index)];
          };
          sum.at<float>(y, x) += weight * ((1 - ty) * ((1 - tx) * at(x0, y0) + tx * at(x0 + 1, y0)) +
                                           ty * ((1 - tx) * at(x0, y0 + 1) + tx * at(x0 + 1, y0 + 1)));
        }
      }
    }
    cv::normalize(sum, sum, 0, 1, cv::NORM_MINMAX);
    return sum;
  }();
  return tile;
}

float SmoothStep(float low, float high, float v) {
  const float t = std::clamp((v - low) / (high - low), 0.0F, 1.0F);
  return t * t * (3 - 2 * t);
}

}  // namespace

Light MakeLight(const Conditions& conditions, Random& random) {
  Light l;
  switch (conditions.weather) {
    case Weather::kClear:
      l = {{1.0F, 0.98F, 0.92F}, {62, 120, 205}, {176, 212, 240}, {186, 208, 230}, 0.35, 0, 0.66};
      break;
    case Weather::kOvercast:
      l = {{0.74F, 0.76F, 0.78F}, {148, 155, 164}, {192, 196, 200}, {184, 189, 195}, 0.6, 0, 0.9};
      break;
    case Weather::kFog:
      l = {{0.74F, 0.75F, 0.76F}, {184, 188, 192}, {202, 205, 207}, {201, 204, 206}, 1.9, 0, 0.95};
      break;
    case Weather::kRain:
      l = {{0.56F, 0.58F, 0.61F}, {92, 100, 110}, {142, 148, 154}, {134, 140, 147}, 1.0, 0, 0.92};
      break;
    case Weather::kSnow:
      l = {{0.74F, 0.76F, 0.80F}, {172, 178, 186}, {206, 209, 214}, {206, 210, 216}, 1.3, 0, 0.92};
      break;
  }
  const bool clear = conditions.weather == Weather::kClear;
  if (conditions.time == TimeOfDay::kDusk) {
    if (clear) {
      l.direct = {0.78F, 0.55F, 0.46F};
      l.sky_top = {56, 64, 124}, l.sky_low = {250, 152, 88}, l.haze = {206, 142, 118};
    } else {
      l.direct = Times(l.direct, {0.72F, 0.61F, 0.64F});
      for (Color* c : {&l.sky_top, &l.sky_low, &l.haze}) *c = Times(*c, {0.64F, 0.54F, 0.60F});
    }
    l.lamps = 0.75;
  } else if (conditions.time == TimeOfDay::kNight) {
    const Color moon(0.17F, 0.20F, 0.31F);
    // Falling snow sends the lamps' light back.
    const float glow = conditions.weather == Weather::kSnow ? 1.7F : 1.0F;
    l.direct = clear ? moon : Times(l.direct, {0.23F, 0.25F, 0.36F}) * glow;
    if (clear) {
      l.sky_top = {7, 10, 28}, l.sky_low = {30, 36, 68}, l.haze = {27, 33, 58};
    } else {
      for (Color* c : {&l.sky_top, &l.sky_low, &l.haze}) *c = Times(*c, {0.17F, 0.18F, 0.24F}) * glow;
    }
    l.lamps = 1;
  }
  // No two days are alike.
  const float bright = static_cast<float>(random.Uniform(0.85, 1.12));
  for (Color* c : {&l.direct, &l.sky_top, &l.sky_low, &l.haze}) *c = *c * bright;
  l.density *= random.Uniform(0.7, 1.3);
  l.sun_left = random.Chance(0.5);
  return l;
}

Canvas::Canvas(int size, const Camera& camera, const Light& light)
    : size_(size),
      camera_(camera),
      light_(light),
      photo_(2 * size, 2 * size, CV_8UC3, cv::Scalar::all(0)),
      labels_(2 * size, 2 * size, CV_8UC1, cv::Scalar::all(static_cast<double>(AdeClass::kSky))) {
  cos_roll_ = std::cos(camera.roll * std::numbers::pi / 180);
  sin_roll_ = std::sin(camera.roll * std::numbers::pi / 180);
  SetLayer({1});
}

void Canvas::SetLayer(Layer layer) {
  const double near = 1 - layer.distance;
  transmission_ = std::exp(-light_.density * layer.distance);
  shift_ = camera_.step * near;
  scale_ = std::pow(camera_.approach, near);
}

cv::Point2d Canvas::Project(Point p) const {
  const double x = ((p.x - shift_) * scale_ - camera_.pan) * camera_.zoom;
  const double y = (p.y * scale_ - camera_.lift) * camera_.zoom;
  const double side = 2.0 * size_;
  return {side * (0.5 + cos_roll_ * x - sin_roll_ * y), side * (kHorizon - cos_roll_ * y - sin_roll_ * x)};
}

cv::Scalar Canvas::Lit(const Paint& paint) const {
  Color c = Times(paint.albedo, light_.direct);
  if (const float lamps = static_cast<float>(light_.lamps * paint.glow); lamps > 0) {
    const Color lamp = Times(paint.albedo, kLampColor) * lamps;
    for (int i = 0; i < 3; ++i) c[i] = std::max(c[i], lamp[i]);
  }
  return ToBgr(Mix(light_.haze, c, transmission_));
}

void Canvas::Fill(const Paint& paint, AdeClass label, bool convex) {
  const cv::Scalar color = Lit(paint);
  const cv::Scalar id(static_cast<double>(label));
  const int n = static_cast<int>(pixels_.size());
  const cv::Point* points = pixels_.data();
  if (convex) {
    cv::fillConvexPoly(photo_, points, n, color, cv::LINE_8, kSubpixelBits);
    cv::fillConvexPoly(labels_, points, n, id, cv::LINE_8, kSubpixelBits);
  } else {
    cv::fillPoly(photo_, &points, &n, 1, color, cv::LINE_8, kSubpixelBits);
    cv::fillPoly(labels_, &points, &n, 1, id, cv::LINE_8, kSubpixelBits);
  }
}

namespace {

// Far outside is as good as just outside, and keeps OpenCV's fixed-point arithmetic in range.
cv::Point ToFixed(cv::Point2d p, int size) {
  const double limit = 16.0 * size;
  return {static_cast<int>(std::lround(std::clamp(p.x, -limit, limit) * (1 << kSubpixelBits))),
          static_cast<int>(std::lround(std::clamp(p.y, -limit, limit) * (1 << kSubpixelBits)))};
}

}  // namespace

void Canvas::Polygon(std::span<const Point> outline, const Paint& paint, AdeClass label) {
  pixels_.clear();
  for (const Point& p : outline) pixels_.push_back(ToFixed(Project(p), size_));
  Fill(paint, label, false);
}

void Canvas::Convex(std::span<const Point> outline, const Paint& paint, AdeClass label) {
  pixels_.clear();
  double left = 1e9, right = -1e9, top = 1e9, bottom = -1e9;
  for (const Point& p : outline) {
    const auto q = Project(p);
    left = std::min(left, q.x), right = std::max(right, q.x);
    top = std::min(top, q.y), bottom = std::max(bottom, q.y);
    pixels_.push_back(ToFixed(q, size_));
  }
  const double side = 2.0 * size_;
  if (right < 0 || left > side || bottom < 0 || top > side) return;
  Fill(paint, label, true);
}

void Canvas::Box(double left, double bottom, double right, double top, const Paint& paint, AdeClass label) {
  const Point corners[] = {{left, bottom}, {right, bottom}, {right, top}, {left, top}};
  Convex(corners, paint, label);
}

void Canvas::Ellipse(Point center, double half_width, double half_height, const Paint& paint, AdeClass label) {
  constexpr int kSides = 20;
  Point rim[kSides];
  for (int i = 0; i < kSides; ++i) {
    const double a = 2 * std::numbers::pi * i / kSides;
    rim[i] = {center.x + half_width * std::cos(a), center.y + half_height * std::sin(a)};
  }
  Convex(rim, paint, label);
}

void Canvas::Line(Point from, Point to, double width, const Paint& paint, AdeClass label) {
  const Point along = to - from;
  const double length = std::hypot(along.x, along.y);
  if (length <= 0) return;
  const Point side(-along.y / length * width / 2, along.x / length * width / 2);
  const Point corners[] = {from + side, to + side, to - side, from - side};
  Convex(corners, paint, label);
}

void Canvas::Shine(Point center, double radius, const Color& color) {
  if (light_.lamps <= 0) return;
  shines_.push_back({Project(center) / 2, radius * camera_.zoom * scale_ * size_,
                     color * static_cast<float>(light_.lamps * transmission_)});
}

void Canvas::Mirror(double at, AdeClass label, double strength) {
  const auto left = Project({-1, at}), right = Project({1, at});
  const double slope = (right.y - left.y) / (right.x - left.x);
  const int side = 2 * size_;
  const float own = static_cast<float>(1 - strength), other = static_cast<float>(strength);
  const auto id = static_cast<uchar>(label);
  const auto line_at = [&](int x) { return static_cast<int>(std::lround(left.y + slope * (x - left.x))); };
  for (int y = std::max(0, std::min(line_at(0), line_at(side - 1))); y < side; ++y) {
    const auto* labels = labels_.ptr<uchar>(y);
    auto* row = photo_.ptr<cv::Vec3b>(y);
    const double depth = static_cast<double>(y) / side;
    const int ripple = static_cast<int>(std::lround(side / 300.0 * std::sin(y * 420.0 / side) * (0.4 + depth)));
    for (int x = 0; x < side; ++x) {
      if (labels[x] != id) continue;
      const int from = 2 * line_at(x) - y;
      if (from < 0 || from >= y) continue;
      const auto& above = photo_.at<cv::Vec3b>(from, std::clamp(x + ripple, 0, side - 1));
      for (int i = 0; i < 3; ++i) {
        row[x][i] =
            cv::saturate_cast<uchar>(own * static_cast<float>(row[x][i]) + other * static_cast<float>(above[i]));
      }
    }
  }
}

void Canvas::Sky(const Conditions& conditions, Random& random) {
  const cv::Mat& tile = CloudTile();
  const int offset_x = static_cast<int>(random.Below(kCloudSize)),
            offset_y = static_cast<int>(random.Below(kCloudSize));
  const double stretch = random.Uniform(0.7, 1.3);
  // Cover: the noise value above which there is cloud.
  float low = 0.45F, high = 0.8F, opacity = 0.9F;
  Color cloud(250, 250, 252);
  const float amount = static_cast<float>(random.Uniform(-0.12, 0.2));
  if (conditions.weather == Weather::kClear) {
    low += amount + 0.08F, high += amount + 0.08F;
  } else {
    low = 0.1F, high = 0.9F;
    opacity = conditions.weather == Weather::kFog ? 0.15F : 0.5F;
    cloud = Mix(light_.sky_top, {70, 74, 80}, 0.45);
  }
  if (conditions.weather == Weather::kClear && conditions.time == TimeOfDay::kDusk) cloud = {214, 118, 108};
  if (conditions.time == TimeOfDay::kNight) cloud = Mix(light_.sky_low, {48, 50, 66}, 0.6);

  // The sun, when it is in the photo, on the side that is lit.
  const bool dusk = conditions.time == TimeOfDay::kDusk;
  const bool sun = conditions.weather == Weather::kClear && conditions.time != TimeOfDay::kNight && random.Chance(0.4);
  const double sun_x = random.Uniform(0.03, 0.4), sun_up = dusk ? random.Uniform(0.03, 0.14) : random.Uniform(0.3, 0.5);
  const Point sun_at(light_.sun_left ? sun_x : 1 - sun_x, kHorizon - (sun_up - camera_.lift) * camera_.zoom);
  const Color halo = dusk ? Color{190, 96, 30} : Color{110, 104, 80};

  cv::Mat sky(kSkySize, kSkySize, CV_8UC3);
  for (int y = 0; y < kSkySize; ++y) {
    const double up = 1.0 - (y + 0.5) / kSkySize;  // 1 at the top of the photo
    const double t = std::clamp((up - (1 - kHorizon) + camera_.lift) / (0.75 * kHorizon), 0.0, 1.0);
    const Color base = Mix(light_.sky_low, light_.sky_top, std::sqrt(t));
    // Clouds lie flatter towards the horizon.
    const double height = std::max(0.0, up - (1 - kHorizon) + camera_.lift);
    const int v = offset_y + 256 + static_cast<int>(stretch * 45.0 * std::log(0.3 + height));
    for (int x = 0; x < kSkySize; ++x) {
      const int u = offset_x + static_cast<int>(x * stretch * (1.2 - 0.5 * std::min(1.0, height)));
      const float noise = tile.at<float>(v % kCloudSize, u % kCloudSize);
      Color c = Mix(base, cloud, opacity * SmoothStep(low, high, noise));
      if (sun) {
        const double dx = (x + 0.5) / kSkySize - sun_at.x, dy = (y + 0.5) / kSkySize - sun_at.y;
        c += halo * static_cast<float>(std::exp(-(dx * dx + dy * dy) / 0.02));
      }
      sky.at<cv::Vec3b>(y, x) =
          cv::Vec3b(cv::saturate_cast<uchar>(c[2]), cv::saturate_cast<uchar>(c[1]), cv::saturate_cast<uchar>(c[0]));
    }
  }
  cv::resize(sky, photo_, photo_.size(), 0, 0, cv::INTER_LINEAR);
  labels_.setTo(static_cast<double>(AdeClass::kSky));

  if (conditions.weather != Weather::kClear) return;
  const double side = 2.0 * size_;
  const auto disk = [&](double x, double y, double radius, const cv::Scalar& color) {
    cv::circle(photo_, {static_cast<int>(x * side), static_cast<int>(y * side)},
               std::max(1, static_cast<int>(radius * side)), color, cv::FILLED);
  };
  if (conditions.time == TimeOfDay::kNight) {
    for (int i = 0; i < 45; ++i) {
      const double x = random.Uniform(), y = random.Uniform(0, 0.5), shine = random.Uniform(90, 220);
      disk(x, y, 0.0018, cv::Scalar(shine, shine, shine));
    }
    if (random.Chance(0.4)) disk(random.Uniform(), random.Uniform(0.05, 0.3), 0.022, {205, 225, 232});
  } else if (sun) {
    disk(sun_at.x, sun_at.y, 0.026, dusk ? cv::Scalar(150, 215, 255) : cv::Scalar(240, 254, 255));
  }
}

cv::Mat Canvas::Photo() const {
  cv::Mat photo;
  cv::resize(photo_, photo, {size_, size_}, 0, 0, cv::INTER_AREA);
  for (const ShineSpot& s : shines_) {
    const int radius = static_cast<int>(std::ceil(s.radius));
    const int cx = static_cast<int>(std::lround(s.center.x)), cy = static_cast<int>(std::lround(s.center.y));
    for (int y = std::max(0, cy - radius); y <= std::min(size_ - 1, cy + radius); ++y) {
      auto* row = photo.ptr<cv::Vec3b>(y);
      for (int x = std::max(0, cx - radius); x <= std::min(size_ - 1, cx + radius); ++x) {
        const double dx = x - s.center.x, dy = y - s.center.y;
        const float fade = static_cast<float>(1 - (dx * dx + dy * dy) / (s.radius * s.radius + 1e-9));
        if (fade <= 0) continue;
        for (int i = 0; i < 3; ++i)
          row[x][i] = cv::saturate_cast<uchar>(static_cast<float>(row[x][i]) + fade * fade * s.color[2 - i]);
      }
    }
  }
  return photo;
}

cv::Mat Canvas::Labels() const {
  cv::Mat labels(size_, size_, CV_8UC1);
  for (int y = 0; y < size_; ++y) {
    const auto* from = labels_.ptr<uchar>(2 * y);
    auto* to = labels.ptr<uchar>(y);
    for (int x = 0; x < size_; ++x) to[x] = from[2 * x];
  }
  return labels;
}

}  // namespace dualgeo
