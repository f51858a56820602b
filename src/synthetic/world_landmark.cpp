#include <cmath>
#include <numbers>

#include "synthetic/world_render.h"

namespace dualgeo {
namespace {

// Floodlit at night, as landmarks are: colour and outline are what a place is known by.
constexpr double kFloodlight = 0.95;
const Color kSnow(238, 241, 246);

// Draws in the landmark's own frame: x in half widths of 0.1 at girth 1, y from the foot (0) to the top (1).
class Sketch {
 public:
  Sketch(const Landmark& m, double snow, Canvas& canvas)
      : main(m.main), accent(m.accent), roof(Mix(m.accent, kSnow, 0.75 * snow)), m_(m), canvas_(canvas) {}

  const Color main, accent, roof;  // the roofs perhaps under snow

  Point At(double x, double y) const { return {m_.x + x * 0.1 * m_.girth, m_.foot + y * m_.height}; }
  Paint Coat(const Color& c) const { return {c, kFloodlight}; }
  // The side away from the sun.
  Paint Shaded(const Color& c) const { return {c * static_cast<float>(canvas_.light().shade), kFloodlight * 0.8}; }

  // A trapezium, its shaded half darker.
  void Tapered(double x, double low, double low_half, double high, double high_half, const Color& c, AdeClass label) {
    const Point whole[] = {At(x - low_half, low), At(x + low_half, low), At(x + high_half, high),
                           At(x - high_half, high)};
    canvas_.Convex(whole, Coat(c), label);
    const double away = canvas_.light().sun_left ? 1 : -1;
    const Point half[] = {At(x, low), At(x + away * low_half, low), At(x + away * high_half, high), At(x, high)};
    canvas_.Convex(half, Shaded(c), label);
  }
  void Box(double x, double low, double high, double half, const Color& c, AdeClass label) {
    Tapered(x, low, half, high, half, c, label);
  }
  void Ball(double x, double y, double half_width, double half_height, const Color& c, AdeClass label) {
    canvas_.Ellipse(At(x, y), half_width * 0.1 * m_.girth, half_height * m_.height, Coat(c), label);
  }
  // The upper half of an ellipse, drawn a little pointed.
  void Dome(double x, double y, double half_width, double height, const Color& c, AdeClass label) {
    constexpr int kSteps = 12;
    Point rim[kSteps + 1];
    for (int i = 0; i <= kSteps; ++i) {
      const double a = std::numbers::pi * i / kSteps;
      const double up = std::sin(a) + 0.25 * std::pow(std::sin(a), 8);
      rim[i] = At(x + half_width * std::cos(a), y + height * up);
    }
    canvas_.Polygon(rim, Coat(c), label);
  }
  void Bar(double x0, double y0, double x1, double y1, double width, const Color& c, AdeClass label) {
    canvas_.Line(At(x0, y0), At(x1, y1), width * 0.1 * m_.girth, Coat(c), label);
  }
  // A dark opening with a round head.
  void Opening(double x, double low, double high, double half, AdeClass label) {
    const Color dark = Mix(m_.main, {24, 22, 26}, 0.8);
    Dome(x, high - 0.04, half, 0.04, dark, label);
    Box(x, low, high - 0.035, half, dark, label);
  }

  const Landmark& landmark() const { return m_; }
  Canvas& canvas() { return canvas_; }

 private:
  const Landmark& m_;
  Canvas& canvas_;
};

constexpr auto kTower = AdeClass::kTower;
constexpr auto kBuilding = AdeClass::kBuilding;

void DrawNeedle(Sketch& s) {
  s.Tapered(0, 0, 0.34, 0.72, 0.13, s.main, kTower);
  s.Ball(0, 0.70, 0.62, 0.075, s.accent, kTower);
  s.Ball(0, 0.69, 0.62, 0.035, s.main, kTower);
  s.Tapered(0, 0.76, 0.2, 0.84, 0.1, s.main, kTower);
  s.Tapered(0, 0.84, 0.07, 1.0, 0.02, s.accent, kTower);
}

void DrawLattice(Sketch& s) {
  // Four legs, seen as two, with the sky between.
  const Point left[] = {s.At(-1.05, 0),    s.At(-0.68, 0),   s.At(-0.28, 0.4),
                        s.At(-0.08, 0.72), s.At(-0.3, 0.55), s.At(-0.52, 0.36)};
  const Point right[] = {s.At(1.05, 0),    s.At(0.68, 0),   s.At(0.28, 0.4),
                         s.At(0.08, 0.72), s.At(0.3, 0.55), s.At(0.52, 0.36)};
  s.canvas().Polygon(left, s.Coat(s.main), kTower);
  s.canvas().Polygon(right, s.Shaded(s.main), kTower);
  s.Tapered(0, 0.5, 0.32, 0.9, 0.06, s.main, kTower);
  s.Box(0, 0.3, 0.36, 0.68, s.accent, kTower);
  s.Box(0, 0.54, 0.59, 0.42, s.accent, kTower);
  s.Bar(-0.55, 0.3, 0.55, 0.12, 0.07, s.main, kTower);
  s.Bar(0.55, 0.3, -0.55, 0.12, 0.07, s.main, kTower);
  s.Bar(0, 0.86, 0, 1, 0.06, s.accent, kTower);
}

void DrawClockTower(Sketch& s) {
  s.Box(0, 0, 0.74, 0.42, s.main, kTower);
  s.Box(0, 0.70, 0.76, 0.52, s.accent, kTower);
  s.Box(0, 0.36, 0.39, 0.46, s.accent, kTower);
  s.Tapered(0, 0.76, 0.5, 1.0, 0.03, s.roof, kTower);
  s.Ball(0, 0.58, 0.3, 0.065, {250, 246, 226}, kTower);
  s.Bar(0, 0.58, 0.02, 0.62, 0.06, {30, 30, 34}, kTower);
  s.Bar(0, 0.58, 0.16, 0.57, 0.06, {30, 30, 34}, kTower);
}

void DrawChurch(Sketch& s) {
  s.Box(0.55, 0, 0.34, 0.75, s.main, kBuilding);
  s.Tapered(0.55, 0.34, 0.85, 0.52, 0.35, s.roof, kBuilding);
  for (const double x : {0.25, 0.65, 1.05}) s.Opening(x, 0.08, 0.26, 0.09, kBuilding);
  s.Box(-0.55, 0, 0.6, 0.38, s.main, kBuilding);
  s.Tapered(-0.55, 0.6, 0.46, 0.93, 0.02, s.roof, kBuilding);
  s.Bar(-0.55, 0.92, -0.55, 1.0, 0.06, s.accent, kBuilding);
  s.Bar(-0.67, 0.965, -0.43, 0.965, 0.05, s.accent, kBuilding);
  s.Opening(-0.55, 0.4, 0.54, 0.12, kBuilding);
  s.Opening(-0.55, 0, 0.15, 0.14, kBuilding);
}

void DrawMosque(Sketch& s) {
  for (const double x : {-1.25, 1.25}) {
    s.Box(x, 0, 0.8, 0.11, s.main, kTower);
    s.Box(x, 0.58, 0.62, 0.19, s.accent, kTower);
    s.Box(x, 0.78, 0.81, 0.17, s.accent, kTower);
    s.Tapered(x, 0.81, 0.13, 1.0, 0.01, s.roof, kTower);
  }
  s.Box(0, 0, 0.32, 0.95, s.main, kBuilding);
  s.Box(0, 0.3, 0.38, 0.68, s.main, kBuilding);
  s.Dome(0, 0.37, 0.7, 0.28, s.roof, kBuilding);
  s.Bar(0, 0.68, 0, 0.78, 0.06, s.accent, kBuilding);
  for (const double x : {-0.6, 0.0, 0.6}) s.Opening(x, 0, 0.2, 0.16, kBuilding);
}

void DrawPagoda(Sketch& s) {
  for (int i = 0; i < 5; ++i) {
    const double low = 0.17 * i, half = 0.72 - 0.1 * i;
    s.Box(0, low, low + 0.12, half * 0.62, s.main, kTower);
    const Point eaves[] = {s.At(-half * 1.25, low + 0.125), s.At(-half, low + 0.10),
                           s.At(half, low + 0.10),          s.At(half * 1.25, low + 0.125),
                           s.At(half * 0.5, low + 0.18),    s.At(-half * 0.5, low + 0.18)};
    s.canvas().Polygon(eaves, s.Coat(s.roof), kTower);
  }
  s.Bar(0, 0.84, 0, 1, 0.08, s.accent, kTower);
}

void DrawBridge(Sketch& s) {
  constexpr auto kBridge = AdeClass::kBridge;
  constexpr double kLeft = -1.5, kRight = 1.5, kDeck = 0.2;
  for (int i = 0; i <= 16; ++i) {  // hangers
    const double t = i / 16.0, x = kLeft + (kRight - kLeft) * t;
    s.Bar(x, kDeck, x, 0.3 + 0.66 * std::pow(2 * t - 1, 2), 0.035, s.accent, kBridge);
  }
  for (int i = 0; i < 12; ++i) {  // the cable
    const double t = i / 12.0, u = (i + 1) / 12.0;
    s.Bar(kLeft + (kRight - kLeft) * t, 0.3 + 0.66 * std::pow(2 * t - 1, 2), kLeft + (kRight - kLeft) * u,
          0.3 + 0.66 * std::pow(2 * u - 1, 2), 0.08, s.accent, kBridge);
  }
  s.Bar(kLeft, 0.96, -4.2, kDeck, 0.08, s.accent, kBridge);
  s.Bar(kRight, 0.96, 4.2, kDeck, 0.08, s.accent, kBridge);
  s.Box(0, kDeck - 0.05, kDeck + 0.02, 5.0, s.main, kBridge);
  for (const double x : {kLeft, kRight}) {
    s.Box(x - 0.16, 0, 1, 0.08, s.main, kBridge);
    s.Box(x + 0.16, 0, 1, 0.08, s.main, kBridge);
    for (const double y : {0.45, 0.7, 0.95}) s.Box(x, y - 0.03, y + 0.03, 0.22, s.main, kBridge);
  }
}

void DrawStatue(Sketch& s) {
  constexpr auto kFigure = AdeClass::kSculpture;
  s.Tapered(0, 0, 0.8, 0.1, 0.7, s.accent, AdeClass::kPedestal);
  s.Tapered(0, 0.1, 0.55, 0.36, 0.42, s.accent, AdeClass::kPedestal);
  s.Tapered(0, 0.36, 0.5, 0.72, 0.26, s.main, kFigure);
  s.Ball(0, 0.79, 0.17, 0.055, s.main, kFigure);
  s.Bar(0.2, 0.70, 0.62, 0.92, 0.16, s.main, kFigure);
  s.Bar(-0.2, 0.70, -0.52, 0.56, 0.16, s.main, kFigure);
  s.Ball(0.64, 0.95, 0.14, 0.045, s.accent, kFigure);
}

void DrawLighthouse(Sketch& s) {
  for (int i = 0; i < 5; ++i) {
    const double low = 0.155 * i, high = low + 0.155;
    const auto half = [](double y) { return 0.5 - 0.3 * y; };
    s.Tapered(0, low, half(low), high, half(high), i % 2 == 0 ? s.main : s.accent, kTower);
  }
  s.Box(0, 0.775, 0.80, 0.38, {60, 62, 66}, kTower);
  s.Box(0, 0.80, 0.90, 0.2, {250, 236, 170}, kTower);
  s.Dome(0, 0.9, 0.28, 0.08, s.roof, kTower);
  s.canvas().Shine(s.At(0, 0.85), 0.09, {255, 236, 170});
}

void DrawObelisk(Sketch& s) {
  s.Box(0, 0, 0.06, 0.75, s.accent, AdeClass::kPedestal);
  s.Box(0, 0.06, 0.14, 0.5, s.accent, AdeClass::kPedestal);
  s.Tapered(0, 0.14, 0.32, 0.9, 0.2, s.main, AdeClass::kColumn);
  s.Tapered(0, 0.9, 0.2, 1.0, 0.0, s.accent, AdeClass::kColumn);
  s.Box(0, 0.4, 0.44, 0.28, s.accent, AdeClass::kColumn);
}

void DrawArch(Sketch& s) {
  s.Box(-0.85, 0, 0.62, 0.4, s.main, kBuilding);
  s.Box(0.85, 0, 0.62, 0.4, s.main, kBuilding);
  s.Box(0, 0.52, 0.78, 1.3, s.main, kBuilding);
  s.Box(0, 0.62, 0.67, 1.42, s.accent, kBuilding);
  s.Box(0, 0.78, 0.83, 1.42, s.accent, kBuilding);
  for (const double x : {-1, 1}) {  // the curve of the vault
    const Point spandrel[] = {s.At(x * 0.46, 0.36), s.At(x * 0.46, 0.53), s.At(0, 0.53), s.At(x * 0.24, 0.5),
                              s.At(x * 0.38, 0.45)};
    s.canvas().Polygon(spandrel, s.Coat(s.main), kBuilding);
  }
  s.Tapered(0, 0.83, 0.55, 1.0, 0.2, s.roof, kBuilding);
}

void DrawCastle(Sketch& s) {
  s.Box(0, 0, 0.42, 1.25, s.main, kBuilding);
  for (int i = -4; i <= 4; ++i) s.Box(0.28 * i, 0.42, 0.48, 0.08, s.main, kBuilding);
  for (const double x : {-1.2, 1.2}) {
    s.Box(x, 0, 0.62, 0.28, s.main, kTower);
    s.Tapered(x, 0.62, 0.4, 0.86, 0.0, s.roof, kTower);
  }
  s.Box(0.3, 0.3, 0.74, 0.33, s.main, kTower);
  s.Tapered(0.3, 0.74, 0.46, 1.0, 0.0, s.roof, kTower);
  s.Opening(-0.35, 0, 0.24, 0.2, kBuilding);
}

void DrawWindmill(Sketch& s) {
  s.Tapered(0, 0, 0.62, 0.56, 0.36, s.main, kBuilding);
  s.Dome(0, 0.55, 0.42, 0.12, s.roof, kBuilding);
  s.Opening(0, 0, 0.16, 0.14, kBuilding);
  for (int i = 0; i < 4; ++i) {
    const double t = std::numbers::pi * (0.2 + i / 2.0), dx = std::cos(t) * s.landmark().height * 4.2,
                 dy = std::sin(t) * 0.42;
    const double x = dx / s.landmark().girth;
    s.Bar(0, 0.58, x, 0.58 + dy, 0.3, s.accent, kBuilding);
  }
  s.Ball(0, 0.58, 0.12, 0.03, {60, 50, 44}, kBuilding);
}

void DrawPyramid(Sketch& s) {
  s.Tapered(0, 0, 2.1, 0.82, 0.0, s.main, kBuilding);
  s.Tapered(0, 0.6, 0.5634, 0.82, 0.0, s.accent, kBuilding);
  s.Tapered(1.7, 0, 0.9, 0.36, 0.0, s.main, kBuilding);
}

void DrawHighRise(Sketch& s) {
  s.Tapered(0, 0, 0.55, 0.4, 0.55, s.main, AdeClass::kSkyscraper);
  s.Tapered(0, 0.4, 0.44, 0.7, 0.44, s.main, AdeClass::kSkyscraper);
  s.Tapered(0, 0.7, 0.3, 0.86, 0.3, s.main, AdeClass::kSkyscraper);
  s.Tapered(0, 0.86, 0.2, 1.0, 0.0, s.roof, AdeClass::kSkyscraper);
  for (double y = 0.06; y < 0.84; y += 0.085) {
    s.Box(0, y, y + 0.034, y < 0.38 ? 0.5 : (y < 0.66 ? 0.39 : 0.26), s.accent, AdeClass::kSkyscraper);
  }
}

void DrawWheel(Sketch& s) {
  // ADE20K has no class for a Ferris wheel; tower is what it is closest to. The sky shows between the spokes.
  const double radius = 0.42, across = radius * s.landmark().height / (0.1 * s.landmark().girth);
  const auto rim = [&](double t) { return Point(across * std::cos(t), 0.56 + radius * std::sin(t)); };
  s.Bar(0, 0.56, -0.7, 0, 0.16, s.accent, kTower);
  s.Bar(0, 0.56, 0.7, 0, 0.16, s.accent, kTower);
  constexpr int kSpokes = 12;
  for (int i = 0; i < kSpokes; ++i) {
    const double t = 2 * std::numbers::pi * i / kSpokes, u = 2 * std::numbers::pi * (i + 1) / kSpokes;
    s.Bar(0, 0.56, rim(t).x, rim(t).y, 0.05, s.main, kTower);
    s.Bar(rim(t).x, rim(t).y, rim(u).x, rim(u).y, 0.17, s.main, kTower);
  }
  for (int i = 0; i < kSpokes; ++i) {
    const Point p = rim(2 * std::numbers::pi * i / kSpokes);
    s.Ball(p.x, p.y - 0.02, 0.18, 0.035, s.accent, kTower);
  }
  s.Ball(0, 0.56, 0.2, 0.045, s.accent, kTower);
}

}  // namespace

void DrawLandmark(const Landmark& m, double snow, Canvas& canvas) {
  Sketch s(m, snow, canvas);
  switch (m.kind) {
    case LandmarkKind::kNeedle:
      return DrawNeedle(s);
    case LandmarkKind::kLattice:
      return DrawLattice(s);
    case LandmarkKind::kClockTower:
      return DrawClockTower(s);
    case LandmarkKind::kChurch:
      return DrawChurch(s);
    case LandmarkKind::kMosque:
      return DrawMosque(s);
    case LandmarkKind::kPagoda:
      return DrawPagoda(s);
    case LandmarkKind::kBridge:
      return DrawBridge(s);
    case LandmarkKind::kStatue:
      return DrawStatue(s);
    case LandmarkKind::kLighthouse:
      return DrawLighthouse(s);
    case LandmarkKind::kObelisk:
      return DrawObelisk(s);
    case LandmarkKind::kArch:
      return DrawArch(s);
    case LandmarkKind::kCastle:
      return DrawCastle(s);
    case LandmarkKind::kWindmill:
      return DrawWindmill(s);
    case LandmarkKind::kPyramid:
      return DrawPyramid(s);
    case LandmarkKind::kHighRise:
      return DrawHighRise(s);
    case LandmarkKind::kWheel:
      return DrawWheel(s);
  }
}

}  // namespace dualgeo
