#include "synthetic/world_render.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/imgproc.hpp>

namespace dualgeo {
namespace {

// Distances of the layers, for haze and parallax.
constexpr Layer kFarRidge{1.0}, kNearRidge{0.85}, kBackWater{0.75}, kSkyline{0.55}, kLandmark{0.42}, kGround{0.35},
    kStreet{0.25}, kNear{0.12};
constexpr double kWide = 4.5;          // beyond every photo's rim
constexpr double kGroundTop = -0.045;  // where the ground meets what is behind
constexpr double kBottom = -1.2;       // below every photo's rim
const Color kSnowColor(236, 240, 246);

class Painter {
 public:
  Painter(const Scene& scene, const Conditions& conditions, Random& things, Canvas& canvas)
      : s_(scene), c_(conditions), random_(things), canvas_(canvas) {
    snow_ = scene.climate.SnowCover(conditions.season);
    if (conditions.weather == Weather::kSnow) snow_ = std::max(snow_, 0.75);
    celsius_ = scene.climate.Celsius(conditions.season);
    aside_ = things.Uniform(-0.45, 0.45);
  }

  void Draw() {
    canvas_.SetLayer(kFarRidge);
    DrawRidge(s_.far_ridge);
    canvas_.SetLayer(kNearRidge);
    if (s_.ridge_kind != RidgeKind::kFjord) DrawRidge(s_.near_ridge);
    DrawBackground();
    canvas_.SetLayer(kSkyline);
    for (const Building& b : s_.buildings) DrawBuilding(b);
    DrawGround();
    canvas_.SetLayer(kLandmark);
    DrawLandmark(s_.landmark, snow_, canvas_);
    for (const GrownPlant& p : s_.plants) {
      canvas_.SetLayer({0.42 + (p.foot + 0.07) * 2});
      DrawPlant(p);
    }
    DrawForeground();
    if (c_.weather == Weather::kRain && s_.foreground != Foreground::kWaterfront) {
      for (const AdeClass wet : {AdeClass::kRoad, AdeClass::kSidewalk}) canvas_.Mirror(kGroundTop - 0.05, wet, 0.28);
    }
    DrawPassersBy();
  }

 private:
  Color Snowed(const Color& c, double share) const { return Mix(c, kSnowColor, share * snow_); }
  bool Tropical() const { return s_.climate.climate == Climate::kTropical; }

  // What grows on the ground, by season.
  Color Grass() const {
    Color summer{108, 156, 62}, dry{186, 166, 96};
    double dryness = std::clamp(1.1 - 1.7 * s_.climate.wetness, 0.0, 1.0);
    Color c = Mix(summer, dry, dryness);
    if (Tropical()) c = {70, 150, 56};
    if (s_.climate.climate == Climate::kBoreal) c = Mix(c, {112, 130, 84}, 0.5);
    if (s_.climate.climate == Climate::kPolar) c = {150, 148, 128};
    const double seasonal = std::clamp(s_.climate.swing_celsius / 12, 0.0, 1.0);
    if (c_.season == Season::kSpring) c = Mix(c, {128, 186, 72}, 0.35 * seasonal);
    if (c_.season == Season::kAutumn) c = Mix(c, {164, 148, 78}, 0.45 * seasonal);
    if (c_.season == Season::kWinter) c = Mix(c, {146, 138, 98}, 0.6 * seasonal);
    return Snowed(c, 0.92);
  }

  Color Leaves(const GrownPlant& p) const {
    const double seasonal = std::clamp(s_.climate.swing_celsius / 9, 0.0, 1.0);
    Color c{70, 128, 50};
    if (c_.season == Season::kSpring)
      c = Mix(c, p.tone > 0.5 ? Color{236, 176, 200} : Color{134, 190, 74}, 0.8 * seasonal);
    if (c_.season == Season::kAutumn) c = Mix(c, p.tone > 0 ? Color{222, 128, 40} : Color{190, 66, 36}, 0.9 * seasonal);
    if (c_.season == Season::kWinter) c = Mix(c, {116, 98, 84}, seasonal);
    return c;
  }

  void DrawRidge(const Ridge& ridge) {
    const auto n = ridge.heights.size();
    const auto x_of = [&](std::size_t i) {
      return Ridge::kHalfWidth * (2.0 * static_cast<double>(i) / static_cast<double>(n - 1) - 1);
    };
    // Beyond the last point the last height goes on.
    std::vector<Point> outline;
    const auto band = [&](auto top, auto bottom) {
      outline.clear();
      outline.emplace_back(-kWide, top(std::size_t{0}));
      for (std::size_t i = 0; i < n; ++i) outline.emplace_back(x_of(i), top(i));
      outline.emplace_back(kWide, top(n - 1));
      outline.emplace_back(kWide, bottom(n - 1));
      for (std::size_t i = n; i-- > 0;) outline.emplace_back(x_of(i), bottom(i));
      outline.emplace_back(-kWide, bottom(std::size_t{0}));
    };
    const auto& h = ridge.heights;
    const auto floor = [](std::size_t) { return -0.3; };
    const double shade = canvas_.light().shade;
    const bool sand = ridge.label == AdeClass::kSand;
    const double lie = sand ? 0.2 : (ridge.label == AdeClass::kHill ? 0.85 : 0.5);
    band([&](std::size_t i) { return h[i]; }, floor);
    canvas_.Polygon(outline, {Snowed(ridge.rock, lie), 0}, ridge.label);
    // Slopes turned away from the sun: from each summit down to the next valley.
    const bool left = canvas_.light().sun_left;
    for (std::size_t i = 2; i + 2 < n; ++i) {
      if (!(h[i] >= h[i - 1] && h[i] > h[i + 1]) || h[i] < 0.05) continue;
      std::size_t end = i;
      const auto next = [&](std::size_t k) { return left ? k + 1 : k - 1; };
      outline.assign(1, Point(x_of(i), h[i]));
      while (next(end) < n && h[next(end)] <= h[end]) {
        end = next(end);
        outline.emplace_back(x_of(end), h[end]);
        if (end == 0) break;
      }
      if (outline.size() < 3) continue;
      // Back to the summit below the profile.
      for (std::size_t k = outline.size(); k-- > 0;) {
        const Point p = outline[k];
        outline.emplace_back(x_of(i) + 0.55 * (p.x - x_of(i)), 0.6 * p.y);
      }
      canvas_.Polygon(outline, {Snowed(ridge.rock, lie) * static_cast<float>(0.35 + 0.6 * shade), 0}, ridge.label);
    }
    // Snow above a line that comes down with the cold; it follows the rock in a zigzag.
    const double line = 0.06 + 0.02 * (celsius_ + 2 - 8 * s_.climate.relief);
    const auto edge = [&](std::size_t i) { return line + (i % 3 == 0 ? 0.0 : (i % 3 == 1 ? 0.035 : 0.015)); };
    for (std::size_t i = 0; !sand && i < n; ++i) {
      outline.clear();
      std::size_t end = i;
      for (; end < n && h[end] > edge(end); ++end) outline.emplace_back(x_of(end), h[end]);
      if (outline.size() < 2) continue;
      for (std::size_t k = end; k-- > i;) outline.emplace_back(x_of(k), std::max(-0.25, edge(k)));
      canvas_.Polygon(outline, {kSnowColor, 0}, ridge.label);
      i = end;
    }
    // Woods or scree at the foot.
    if (!sand && s_.ridge_kind != RidgeKind::kPlain && celsius_ > -25) {
      band([&](std::size_t i) { return h[i] * 0.42 + ((i * 7) % 5) * 0.002; }, floor);
      canvas_.Polygon(outline, {Snowed(ridge.foot, 0.6), 0}, ridge.label);
    }
  }

  AdeClass WaterClass() const {
    return s_.water == Water::kSea ? AdeClass::kSea : (s_.water == Water::kLake ? AdeClass::kLake : AdeClass::kRiver);
  }
  // Lakes and rivers freeze.
  bool Frozen() const { return s_.water != Water::kSea && celsius_ < -8; }
  // Water shows the sky.
  Paint WaterPaint(double depth) const {
    const Color own = s_.water == Water::kSea ? Color{28, 92, 132}
                                              : (s_.water == Water::kLake ? Color{40, 110, 140} : Color{84, 112, 104});
    // The sky's colour is light already: divided by the light here, it comes out as it is.
    const Light& l = canvas_.light();
    Color sky;
    for (int i = 0; i < 3; ++i) sky[i] = l.sky_low[i] / std::max(0.05F, l.direct[i]);
    Color c = Mix(own, Tropical() && s_.water == Water::kSea ? Color{40, 190, 190} : own, 0.7);
    c = Mix(c, sky, 0.35 + 0.2 * depth);
    if (Frozen()) c = Mix(c, {222, 230, 238}, 0.7);
    return {c, 0};
  }

  void DrawBackground() {
    if (s_.water == Water::kNone) return;
    canvas_.SetLayer(kBackWater);
    canvas_.Box(-kWide, -0.3, kWide, 0.0, WaterPaint(1), WaterClass());
    canvas_.Mirror(0.0, WaterClass(), Frozen() ? 0.1 : 0.4);
    for (int i = 0; i < 7; ++i) {
      const double x = random_.Uniform(-0.8, 0.8), y = random_.Uniform(-0.04, -0.006), w = random_.Uniform(0.05, 0.2);
      Paint streak = WaterPaint(1);
      streak.albedo *= 1.12F;
      canvas_.Box(x, y, x + w, y + 0.003, streak, WaterClass());
    }
  }

  void DrawBuilding(const Building& b) {
    const double x0 = b.x, x1 = b.x + b.width, foot = kGroundTop - 0.03, top = kGroundTop + b.height;
    const Light& light = canvas_.light();
    const double glow = 0.32;  // the street's lamps reach the walls
    const Paint wall{b.wall, glow}, dark{b.wall * static_cast<float>(light.shade), glow * 0.8};
    const Paint roof{Snowed(b.roof_color, 0.85), glow * 0.6};
    const double w = b.width, rise = std::min(0.055, 0.45 * w);
    canvas_.Box(x0, foot, x1, top, wall, b.label);
    // A narrow side wall away from the sun.
    if (light.sun_left) {
      canvas_.Box(x1 - 0.22 * w, foot, x1, top, dark, b.label);
    } else {
      canvas_.Box(x0, foot, x0 + 0.22 * w, top, dark, b.label);
    }
    const double mid = (x0 + x1) / 2;
    switch (b.roof) {
      case Roof::kFlat:
        canvas_.Box(x0 - 0.004, top - 0.006, x1 + 0.004, top + 0.006, roof, b.label);
        break;
      case Roof::kGable: {
        const Point p[] = {{x0 - 0.008, top}, {x1 + 0.008, top}, {mid, top + rise}};
        canvas_.Convex(p, roof, b.label);
        break;
      }
      case Roof::kHip: {
        const Point p[] = {
            {x0 - 0.006, top}, {x1 + 0.006, top}, {x1 - 0.25 * w, top + 0.8 * rise}, {x0 + 0.25 * w, top + 0.8 * rise}};
        canvas_.Convex(p, roof, b.label);
        break;
      }
      case Roof::kCurved: {
        const Point p[] = {{x0 - 0.02, top + 0.014},        {x0 + 0.01, top - 0.004},         {x1 - 0.01, top - 0.004},
                           {x1 + 0.02, top + 0.014},        {x1 - 0.3 * w, top + 0.5 * rise}, {mid, top + rise},
                           {x0 + 0.3 * w, top + 0.5 * rise}};
        canvas_.Polygon(p, roof, b.label);
        break;
      }
      case Roof::kDome:
        canvas_.Ellipse({mid, top}, 0.36 * w, 0.9 * rise, roof, b.label);
        canvas_.Box(x0, top - 0.025, x1, top, wall, b.label);
        break;
      case Roof::kMansard: {
        const Point p[] = {
            {x0 - 0.004, top}, {x1 + 0.004, top}, {x1 - 0.1 * w, top + 0.6 * rise}, {x0 + 0.1 * w, top + 0.6 * rise}};
        canvas_.Convex(p, roof, b.label);
        break;
      }
    }
    const double cell_w = w / b.columns, cell_h = (top - kGroundTop) / b.floors;
    const double half_w = cell_w * s_.style.window_width / 2, half_h = cell_h * s_.style.window_height / 2;
    const double lit = canvas_.light().lamps > 0 ? 0.45 : 0;
    for (int i = 0; i < b.floors; ++i) {
      for (int j = 0; j < b.columns; ++j) {
        const double x = x0 + (j + 0.5) * cell_w, y = kGroundTop + (i + 0.55) * cell_h;
        const bool on = random_.Chance(lit);
        const Paint window = on ? Paint{{255, 226, 140}, 1} : Paint{Mix(b.wall, {52, 66, 84}, 0.8), 0.1};
        canvas_.Box(x - half_w, y - half_h, x + half_w, y + half_h, window, b.label);
      }
    }
  }

  void DrawGround() {
    canvas_.SetLayer(kGround);
    AdeClass label = AdeClass::kGrass;
    Color c = Grass();
    switch (s_.climate.climate) {
      case Climate::kDesert:
        label = AdeClass::kSand;
        c = Snowed({222, 186, 128}, 0.8);
        break;
      case Climate::kSteppe:
        label = AdeClass::kField;
        break;
      case Climate::kSavanna:
        label = AdeClass::kEarth;
        c = Mix({188, 112, 66}, Grass(), 0.25);
        break;
      case Climate::kPolar:
        label = AdeClass::kEarth;
        break;
      default:
        break;
    }
    // Darker towards the viewer; narrow strips, so that no step shows.
    constexpr int kStrips = 14;
    for (int i = 0; i < kStrips; ++i) {
      const double top = kGroundTop - 0.003 * i * i,
                   bottom = i + 1 < kStrips ? kGroundTop - 0.003 * (i + 1) * (i + 1) : kBottom;
      canvas_.Box(-kWide, bottom, kWide, top, {c * (1.06F - 0.015F * static_cast<float>(i)), 0.1 + 0.4 * snow_}, label);
    }
  }

  void DrawConifer(const Point& foot, double h, const Color& c) {
    const Paint trunk{{96, 72, 54}, 0.15};
    const float shade = static_cast<float>(canvas_.light().shade);
    const double away = canvas_.light().sun_left ? 1 : -1;
    const double glow = 0.15;
    canvas_.Line(foot, foot + Point(0, 0.2 * h), 0.08 * h, trunk, AdeClass::kTree);
    for (int i = 0; i < 3; ++i) {
      const double low = (0.12 + 0.26 * i) * h, half = (0.27 - 0.06 * i) * h, tip = low + 0.42 * h;
      const Point whole[] = {foot + Point(-half, low), foot + Point(half, low), foot + Point(0, tip)};
      canvas_.Convex(whole, {c, glow}, AdeClass::kTree);
      const Point dark[] = {foot + Point(0, low), foot + Point(away * half, low), foot + Point(0, tip)};
      canvas_.Convex(dark, {c * shade, glow}, AdeClass::kTree);
      if (snow_ > 0.25) {  // on the branches' tops
        const Point white[] = {foot + Point(-0.38 * half, tip - 0.45 * (tip - low)),
                               foot + Point(0.38 * half, tip - 0.45 * (tip - low)), foot + Point(0, tip)};
        canvas_.Convex(white, {Snowed(c, 0.9), glow}, AdeClass::kTree);
      }
    }
  }

  void DrawPlant(const GrownPlant& p) {
    const double h = p.height;
    const Point foot(p.x, p.foot);
    const Paint trunk{{96, 72, 54}, 0.15};
    const float shade = static_cast<float>(canvas_.light().shade);
    const float tone = 1 + 0.1F * static_cast<float>(p.tone);
    const double away = canvas_.light().sun_left ? 1 : -1;
    const double glow = 0.15;
    switch (p.kind) {
      case Plant::kBroadleaf: {
        const Color c = Snowed(Leaves(p) * tone, 0.55);
        canvas_.Line(foot, foot + Point(0, 0.5 * h), 0.1 * h, trunk, AdeClass::kTree);
        canvas_.Ellipse(foot + Point(-0.16 * h, 0.58 * h), 0.26 * h, 0.25 * h, {c, glow}, AdeClass::kTree);
        canvas_.Ellipse(foot + Point(0.16 * h, 0.60 * h), 0.26 * h, 0.26 * h, {c, glow}, AdeClass::kTree);
        canvas_.Ellipse(foot + Point(0, 0.76 * h), 0.28 * h, 0.24 * h, {c, glow}, AdeClass::kTree);
        canvas_.Ellipse(foot + Point(away * 0.2 * h, 0.53 * h), 0.2 * h, 0.17 * h, {c * shade, glow}, AdeClass::kTree);
        break;
      }
      case Plant::kConifer:
        DrawConifer(foot, h, Color{34, 84, 56} * tone);
        break;
      case Plant::kCypress:
        canvas_.Ellipse(foot + Point(0, 0.5 * h), 0.11 * h, 0.5 * h, {Snowed(Color{44, 86, 48} * tone, 0.4), glow},
                        AdeClass::kTree);
        canvas_.Ellipse(foot + Point(away * 0.04 * h, 0.45 * h), 0.06 * h, 0.42 * h,
                        {Snowed(Color{44, 86, 48} * (tone * shade), 0.3), glow}, AdeClass::kTree);
        break;
      case Plant::kPalm: {
        const Point crown = foot + Point(0.12 * h * p.tone, 0.82 * h);
        canvas_.Line(foot, crown, 0.05 * h, {{132, 104, 74}, glow}, AdeClass::kPalm);
        const Color c = Snowed(Color{58, 128, 48} * tone, 0.5);
        for (int i = 0; i < 7; ++i) {
          const double a = std::numbers::pi * (-0.12 + 1.24 * i / 6), dx = std::cos(a), dy = std::sin(a);
          const Point rib = crown + Point(0.22 * h * dx, 0.17 * h * dy + 0.03 * h);
          const Point tip = crown + Point(0.4 * h * dx, 0.17 * h * dy - 0.08 * h);
          const Point leaf[] = {crown, rib + Point(0, 0.03 * h), tip, rib - Point(0, 0.05 * h)};
          canvas_.Polygon(leaf, {i % 2 == 0 ? c : c * shade, glow}, AdeClass::kPalm);
        }
        break;
      }
      case Plant::kAcacia: {
        const Color c = Snowed(Color{112, 132, 56} * tone, 0.5);
        canvas_.Line(foot, foot + Point(-0.1 * h, 0.75 * h), 0.06 * h, trunk, AdeClass::kTree);
        canvas_.Line(foot + Point(0, 0.2 * h), foot + Point(0.25 * h, 0.75 * h), 0.05 * h, trunk, AdeClass::kTree);
        canvas_.Ellipse(foot + Point(0.02 * h, 0.82 * h), 0.62 * h, 0.15 * h, {c, glow}, AdeClass::kTree);
        canvas_.Ellipse(foot + Point(away * 0.2 * h, 0.77 * h), 0.4 * h, 0.08 * h, {c * shade, glow}, AdeClass::kTree);
        break;
      }
      case Plant::kCactus: {
        const Paint c{Snowed(Color{72, 120, 70} * tone, 0.4), glow};
        canvas_.Line(foot, foot + Point(0, h), 0.16 * h, c, AdeClass::kPlant);
        canvas_.Ellipse(foot + Point(0, h), 0.08 * h, 0.08 * h, c, AdeClass::kPlant);
        for (const double side : {-1.0, 1.0}) {
          const double y = side < 0 ? 0.45 * h : 0.33 * h;
          canvas_.Line(foot + Point(0, y), foot + Point(side * 0.28 * h, y), 0.12 * h, c, AdeClass::kPlant);
          canvas_.Line(foot + Point(side * 0.25 * h, y - 0.05 * h), foot + Point(side * 0.25 * h, y + 0.35 * h),
                       0.12 * h, c, AdeClass::kPlant);
        }
        break;
      }
      case Plant::kBush: {
        const Color c = Snowed(Mix(Grass(), {72, 98, 52}, 0.6) * tone, 0.5);
        canvas_.Ellipse(foot + Point(0, 0.3 * h), 0.9 * h, 0.55 * h, {c, glow}, AdeClass::kPlant);
        canvas_.Ellipse(foot + Point(away * 0.3 * h, 0.25 * h), 0.55 * h, 0.35 * h, {c * shade, glow},
                        AdeClass::kPlant);
        break;
      }
    }
  }

  // A point of the road: t from 0 (vanishing point) to 1 (below the photo); side from -1 to 1 across.
  Point OnRoad(double t, double side) const {
    const double far_half = 0.012, top = kGroundTop - 0.03, bottom = -0.75;
    const double x = s_.vanish_x + (s_.road_x + aside_ - s_.vanish_x) * t;
    return {x + side * (far_half + (1.5 * s_.road_width - far_half) * t), top + (bottom - top) * t};
  }

  void Strip(double from, double to, double left, double right, const Paint& paint, AdeClass label) {
    const Point p[] = {OnRoad(from, left), OnRoad(from, right), OnRoad(to, right), OnRoad(to, left)};
    canvas_.Convex(p, paint, label);
  }

  void DrawForeground() {
    canvas_.SetLayer(kStreet);
    const Paint paving{Snowed(s_.paving, 0.8), 0.3};
    switch (s_.foreground) {
      case Foreground::kRoad: {
        // Wheels keep the road half clear.
        const bool dirt = s_.climate.climate == Climate::kSavanna && s_.road_width < 0.36;
        const Color asphalt = dirt ? Color{168, 112, 74} : Color{92, 92, 96};
        Strip(0, 1, -1.3, 1.3, paving, AdeClass::kSidewalk);
        Strip(0, 1, -1, 1, {Snowed(asphalt, 0.45), 0.25}, AdeClass::kRoad);
        const Paint line{s_.style.yellow_markings ? Color{236, 186, 40} : Color{236, 236, 232}, 0.35};
        for (double t = 0.04; t < 1; t *= 1.5) Strip(t, t * 1.25, -0.035, 0.035, line, AdeClass::kRoad);
        const Paint edge{{226, 226, 222}, 0.35};
        Strip(0, 1, -0.93, -0.9, edge, AdeClass::kRoad);
        Strip(0, 1, 0.9, 0.93, edge, AdeClass::kRoad);
        const double curb = s_.style.drives_left ? -1.22 : 1.22;
        for (const double t : {0.1, 0.24, 0.5}) Lamp(OnRoad(t, -curb), 0.06 + 0.5 * t);
        Sign(OnRoad(0.2, curb), 0.14);
        break;
      }
      case Foreground::kSquare:
        for (int i = 0; i < 5; ++i) {
          const double y0 = -0.13 - 0.02 * i * i, y1 = i == 4 ? kBottom : -0.13 - 0.02 * (i + 1) * (i + 1);
          canvas_.Box(-kWide, y1, kWide, y0, {paving.albedo * (i % 2 == 0 ? 1.0F : 0.9F), paving.glow},
                      AdeClass::kSidewalk);
        }
        Lamp({s_.landmark.x - 0.32, -0.16}, 0.16);
        Lamp({s_.landmark.x + 0.32, -0.16}, 0.16);
        break;
      case Foreground::kWaterfront: {
        canvas_.Box(-kWide, -0.185, kWide, -0.13, paving, AdeClass::kSidewalk);
        canvas_.Box(-kWide, -0.21, kWide, -0.185, {s_.paving * 0.6F, 0.2}, AdeClass::kWall);
        canvas_.Box(-kWide, kBottom, kWide, -0.21, WaterPaint(0.3), WaterClass());
        canvas_.Mirror(-0.19, WaterClass(), Frozen() ? 0.12 : 0.5);
        Paint streak = WaterPaint(0.9);
        for (int i = 0; i < 16; ++i) {
          const double x = random_.Uniform(-0.8, 0.7), y = random_.Uniform(-0.5, -0.23),
                       w = random_.Uniform(0.03, 0.16);
          canvas_.Box(x, y, x + w, y + 0.005, streak, WaterClass());
        }
        for (int i = -2; i <= 2; ++i) Lamp({0.35 * i + 0.15, -0.135}, 0.11);
        break;
      }
      case Foreground::kPark:
        Strip(0, 1, -0.32, 0.32, {Snowed({196, 172, 132}, 0.6), 0.25}, AdeClass::kPath);
        for (int i = -8; i <= 8; ++i) {
          canvas_.Box(0.13 * i, -0.135, 0.13 * i + 0.012, -0.095, {{150, 128, 98}, 0.2}, AdeClass::kFence);
        }
        canvas_.Box(-kWide, -0.112, kWide, -0.105, {{150, 128, 98}, 0.2}, AdeClass::kFence);
        Lamp(OnRoad(0.2, 0.6), 0.15);
        break;
    }
  }

  void Lamp(Point foot, double height) {
    const Paint iron{{62, 64, 70}, 0.1};
    const Point top = foot + Point(0, height);
    canvas_.Line(foot, top, 0.035 * height + 0.003, iron, AdeClass::kStreetlight);
    canvas_.Ellipse(top, 0.07 * height, 0.05 * height, {{255, 240, 200}, 1}, AdeClass::kStreetlight);
    canvas_.Shine(top, 0.35 * height + 0.02, {170, 130, 70});
  }

  void Sign(Point foot, double height) {
    const Point top = foot + Point(0, height);
    canvas_.Line(foot, top, 0.006, {{130, 132, 136}, 0.2}, AdeClass::kPole);
    canvas_.Box(top.x - 0.045, top.y - 0.035, top.x + 0.045, top.y + 0.03, {s_.style.sign, 0.5}, AdeClass::kSignboard);
    canvas_.Box(top.x - 0.03, top.y - 0.008, top.x + 0.03, top.y + 0.004,
                {Color(255, 255, 255) - s_.style.sign * 0.9F, 0.5}, AdeClass::kSignboard);
  }

  // What stands about by chance: it is in the mask too, but says nothing of the place.
  void DrawPassersBy() {
    if (s_.foreground == Foreground::kRoad) {
      std::vector<double> along(random_.Below(4));
      for (double& t : along) t = random_.Uniform(0.06, 0.5);
      std::sort(along.begin(), along.end());  // far to near
      for (const double t : along) Car(t);
    }
    if (s_.foreground == Foreground::kWaterfront && random_.Chance(0.5))
      Boat({random_.Uniform(-0.5, 0.5), random_.Uniform(-0.38, -0.26)});
    const int people = static_cast<int>(random_.Below(6));
    for (int i = 0; i < people; ++i) {
      if (s_.foreground == Foreground::kWaterfront) {
        Person({random_.Uniform(-0.5, 0.5), -0.165}, 0.07);
      } else if (s_.foreground == Foreground::kRoad) {
        const double t = random_.Uniform(0.08, 0.45);
        Person(OnRoad(t, random_.Chance(0.5) ? -1.15 : 1.15), 0.03 + 0.32 * t);
      } else {
        const double y = random_.Uniform(-0.4, -0.15);
        Person({random_.Uniform(-0.5, 0.5), y}, 0.02 - 0.45 * y);
      }
    }
    // Something close on one side: a bush or the branches of a tree.
    if (random_.Chance(0.4)) {
      canvas_.SetLayer(kNear);
      const double side = random_.Chance(0.5) ? -1 : 1;
      GrownPlant p;
      p.kind = s_.climate.climate == Climate::kPolar || s_.climate.climate == Climate::kDesert ? Plant::kBush
                                                                                               : Plant::kBroadleaf;
      p.height = p.kind == Plant::kBush ? 0.12 : random_.Uniform(0.45, 0.7);
      p.foot = random_.Uniform(-0.5, -0.35);
      p.x = side * random_.Uniform(0.45, 0.62);
      p.tone = random_.Uniform(-1, 1);
      DrawPlant(p);
    }
  }

  void Car(double t) {
    const bool oncoming = random_.Chance(0.5);
    const double lane = (oncoming != s_.style.drives_left) ? -0.48 : 0.48;
    const Point p = OnRoad(t, lane);
    const double w = 0.016 + 0.72 * s_.road_width * t, h = 0.75 * w;
    static const Color kColors[] = {{210, 212, 216}, {40, 42, 48}, {168, 34, 34}, {38, 70, 140}, {120, 124, 130}};
    const Color body = random_.Chance(0.4) ? s_.style.car : kColors[random_.Below(5)];
    const Paint paint{body, 0.3};
    canvas_.Box(p.x - w / 2, p.y, p.x + w / 2, p.y + 0.16 * h, {{24, 24, 26}, 0}, AdeClass::kCar);
    canvas_.Box(p.x - w / 2, p.y + 0.1 * h, p.x + w / 2, p.y + 0.58 * h, paint, AdeClass::kCar);
    const Point cabin[] = {{p.x - 0.44 * w, p.y + 0.56 * h},
                           {p.x + 0.44 * w, p.y + 0.56 * h},
                           {p.x + 0.32 * w, p.y + h},
                           {p.x - 0.32 * w, p.y + h}};
    canvas_.Convex(cabin, paint, AdeClass::kCar);
    const Point pane[] = {{p.x - 0.37 * w, p.y + 0.58 * h},
                          {p.x + 0.37 * w, p.y + 0.58 * h},
                          {p.x + 0.28 * w, p.y + 0.93 * h},
                          {p.x - 0.28 * w, p.y + 0.93 * h}};
    canvas_.Convex(pane, {{50, 62, 74}, 0.1}, AdeClass::kCar);
    const Color lamp = oncoming ? Color{255, 250, 225} : Color{220, 30, 26};
    for (const double side : {-0.36, 0.36}) {
      const Point at(p.x + side * w, p.y + 0.4 * h);
      canvas_.Box(at.x - 0.1 * w, at.y - 0.06 * h, at.x + 0.1 * w, at.y + 0.06 * h, {lamp, 1}, AdeClass::kCar);
      canvas_.Shine(at, oncoming ? 0.5 * w : 0.3 * w, lamp * 0.6F);
    }
  }

  void Person(Point foot, double h) {
    static const Color kCoats[] = {{180, 40, 50}, {40, 60, 120}, {230, 200, 80},
                                   {60, 60, 66},  {80, 140, 90}, {220, 220, 224}};
    static const Color kSkins[] = {{236, 200, 172}, {198, 148, 110}, {130, 88, 62}, {84, 58, 44}};
    const Color coat = kCoats[random_.Below(6)], skin = kSkins[random_.Below(4)];
    canvas_.Line(foot + Point(-0.07 * h, 0), foot + Point(-0.05 * h, 0.5 * h), 0.1 * h, {{46, 48, 60}, 0.3},
                 AdeClass::kPerson);
    canvas_.Line(foot + Point(0.07 * h, 0), foot + Point(0.05 * h, 0.5 * h), 0.1 * h, {{46, 48, 60}, 0.3},
                 AdeClass::kPerson);
    canvas_.Ellipse(foot + Point(0, 0.63 * h), 0.14 * h, 0.22 * h, {coat, 0.3}, AdeClass::kPerson);
    canvas_.Ellipse(foot + Point(0, 0.91 * h), 0.08 * h, 0.09 * h, {skin, 0.3}, AdeClass::kPerson);
  }

  void Boat(Point at) {
    const Color hull = random_.Chance(0.5) ? Color{236, 236, 236} : Color{150, 60, 44};
    const Point body[] = {at + Point(-0.09, 0.03), at + Point(-0.065, 0), at + Point(0.06, 0), at + Point(0.1, 0.035)};
    canvas_.Convex(body, {hull, 0.2}, AdeClass::kBoat);
    const Point sail[] = {at + Point(0, 0.04), at + Point(0.06, 0.045), at + Point(0.004, 0.17)};
    canvas_.Convex(sail, {{244, 240, 228}, 0.2}, AdeClass::kBoat);
    canvas_.Line(at + Point(0, 0.03), at + Point(0, 0.18), 0.004, {{90, 70, 54}, 0.2}, AdeClass::kBoat);
  }

  const Scene& s_;
  const Conditions& c_;
  Random& random_;
  Canvas& canvas_;
  double snow_ = 0, celsius_ = 10;
  double aside_ = 0;  // how far beside the middle of the road the photographer stands
};

// Film grain of deviation 16, and blotches as of brushed paint, made once: drawing them for every photo would cost more
// than the photo.
const cv::Mat& GrainTile() {
  static const cv::Mat tile = [] {
    constexpr int kSide = 256;
    Random random(DeriveSeed(0, "world-grain"));
    cv::Mat blotches = cv::Mat::zeros(kSide, kSide, CV_32F);
    for (const int cells : {16, 32, 64}) {
      cv::Mat coarse(cells, cells, CV_32F), enlarged;
      for (int y = 0; y < cells; ++y) {
        for (int x = 0; x < cells; ++x) coarse.at<float>(y, x) = static_cast<float>(4 * random.Normal());
      }
      cv::resize(coarse, enlarged, blotches.size(), 0, 0, cv::INTER_CUBIC);
      blotches += enlarged;
    }
    cv::Mat grain(kSide, kSide, CV_8SC3);
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        for (int i = 0; i < 3; ++i) {
          grain.at<cv::Vec<schar, 3>>(y, x)[i] =
              cv::saturate_cast<schar>(blotches.at<float>(y, x) + 16 * random.Normal());
        }
      }
    }
    return grain;
  }();
  return tile;
}

void DrawPrecipitation(const Conditions& c, const Light& light, Random& random, cv::Mat& photo) {
  const int size = photo.cols;
  const double unit = size / 256.0;
  const Color tone = Mix(light.haze, {255, 255, 255}, c.time == TimeOfDay::kNight ? 0.25 : 0.55);
  const cv::Scalar color(tone[2], tone[1], tone[0]);
  if (c.weather == Weather::kRain) {
    cv::Mat wet = photo.clone();
    const double slant = random.Uniform(-0.25, 0.25);
    for (int i = 0; i < 110; ++i) {
      const double x = random.Uniform(-0.1, 1.1) * size, y = random.Uniform(-0.1, 1.0) * size,
                   length = random.Uniform(8, 20) * unit;
      cv::line(wet, cv::Point2d(x, y), cv::Point2d(x + slant * length, y + length), color, 1, cv::LINE_8);
    }
    cv::addWeighted(wet, 0.4, photo, 0.6, 0, photo);
  } else if (c.weather == Weather::kSnow) {
    for (int i = 0; i < 170; ++i) {
      const cv::Point2d at(random.Uniform() * size, random.Uniform() * size);
      const double radius = random.Uniform(0.5, 1.9) * unit;
      cv::circle(photo, at, std::max(1, static_cast<int>(radius)), color, cv::FILLED, cv::LINE_8);
    }
  }
}

// Exposure, white balance and the film's curve by table, then grain.
void Develop(const Conditions& c, Random& random, cv::Mat& photo) {
  const double gain = std::exp2(c.exposure), warm = 0.06 * random.Normal();
  const double balance[] = {1 - warm, 1, 1 + warm};  // blue, green, red
  cv::Mat table(1, 256, CV_8UC3);
  for (int v = 0; v < 256; ++v) {
    for (int i = 0; i < 3; ++i) {
      const double x = gain * balance[i] * v / 255.0;
      // Straight in the shadows, soft in the lights.
      const double y = x < 0.6 ? x : 0.6 + 0.4 * (1 - std::exp(-(x - 0.6) / 0.4));
      table.at<cv::Vec3b>(0, v)[i] = cv::saturate_cast<uchar>(255 * y);
    }
  }
  cv::LUT(photo, table, photo);
  const cv::Mat& grain = GrainTile();
  const int dx = static_cast<int>(random.Below(256)), dy = static_cast<int>(random.Below(256));
  const int strength = c.time == TimeOfDay::kNight ? 5 : (c.time == TimeOfDay::kDusk ? 4 : 3);
  for (int y = 0; y < photo.rows; ++y) {
    auto* row = photo.ptr<cv::Vec3b>(y);
    const auto* noise = grain.ptr<cv::Vec<schar, 3>>((y + dy) % grain.rows);
    for (int x = 0; x < photo.cols; ++x) {
      const auto& n = noise[(x + dx) % grain.cols];
      for (int i = 0; i < 3; ++i) row[x][i] = cv::saturate_cast<uchar>(row[x][i] + n[i] * strength / 16);
    }
  }
}

}  // namespace

WorldView RenderView(const Scene& scene, const Conditions& conditions, std::uint64_t seed, int size) {
  Random camera_random(DeriveSeed(seed, "camera")), air(DeriveSeed(seed, "air")), things(DeriveSeed(seed, "things")),
      film(DeriveSeed(seed, "film"));
  Camera camera;
  // Wide enough that no two photos of a place agree pixel by pixel; the landmark is in most of them, not in all.
  camera.pan = camera_random.Uniform(-0.3, 0.3);
  camera.lift = camera_random.Uniform(-0.1, 0.08);
  camera.zoom = std::exp(camera_random.Uniform(-0.3, 0.28));
  camera.roll = camera_random.Uniform(-3, 3);
  camera.step = scene.step + camera_random.Uniform(-0.15, 0.15);
  camera.approach = scene.approach * std::exp(camera_random.Uniform(-0.15, 0.15));
  Canvas canvas(size, camera, MakeLight(conditions, air));
  // The sky, which draws more on some days than on others, has a generator of its own: so the mask of a view is the
  // same in every weather.
  canvas.Sky(conditions, air);
  Painter(scene, conditions, things, canvas).Draw();
  WorldView view{canvas.Photo(), canvas.Labels(), 0};
  DrawPrecipitation(conditions, canvas.light(), film, view.photo);
  Develop(conditions, film, view.photo);
  // The photo is some 60 degrees wide.
  view.heading = std::fmod(scene.heading + 60 * camera.pan + 360, 360);
  return view;
}

}  // namespace dualgeo
