#include "synthetic/world_scene.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>

namespace dualgeo {
namespace {

constexpr int kRidgePoints = 133;

// One-dimensional value noise with linear (sharp) or smooth (round) interpolation, in [0, 1].
class Noise1 {
 public:
  Noise1(Random& random, int cells) : lattice_(static_cast<std::size_t>(cells) + 2) {
    for (double& v : lattice_) v = random.Uniform();
  }
  // t in [0, 1].
  double At(double t, bool smooth) const {
    const double x = t * static_cast<double>(lattice_.size() - 2);
    const auto i = static_cast<std::size_t>(x);
    double f = x - static_cast<double>(i);
    if (smooth) f = f * f * (3 - 2 * f);
    return lattice_[i] * (1 - f) + lattice_[i + 1] * f;
  }

 private:
  std::vector<double> lattice_;
};

RidgeKind DrawRidgeKind(const ClimateSketch& c, bool water, Random& random) {
  const double high = c.relief + random.Uniform(-0.15, 0.15);
  const bool cold = c.climate == Climate::kBoreal || c.climate == Climate::kPolar;
  if (c.climate == Climate::kDesert) {
    return high > 0.4 ? (random.Chance(0.5) ? RidgeKind::kMesa : RidgeKind::kAlps) : RidgeKind::kDunes;
  }
  if (high > 0.42) {
    if (water && (cold || c.climate == Climate::kTemperate)) return RidgeKind::kFjord;
    if (c.climate == Climate::kSavanna && random.Chance(0.5)) return RidgeKind::kMesa;
    return random.Chance(0.25) ? RidgeKind::kVolcano : RidgeKind::kAlps;
  }
  if (high > 0.14)
    return c.climate == Climate::kTropical && random.Chance(0.35) ? RidgeKind::kVolcano : RidgeKind::kHills;
  return RidgeKind::kPlain;
}

// scale: of the heights. The character is the kind's; the profile the generator's.
Ridge MakeRidge(RidgeKind kind, double scale, Random& random) {
  Ridge ridge;
  ridge.heights.resize(kRidgePoints);
  const Noise1 broad(random, 8), middle(random, 17), fine(random, 44);
  const double peak = random.Uniform(-0.35, 0.35), slope = random.Uniform(0.5, 0.9);
  const double amplitude = scale * random.Uniform(0.75, 1.25);
  for (int i = 0; i < kRidgePoints; ++i) {
    const double t = static_cast<double>(i) / (kRidgePoints - 1);
    const double x = (2 * t - 1) * Ridge::kHalfWidth;
    double h = 0;
    switch (kind) {
      case RidgeKind::kPlain:
        h = 0.012 + 0.03 * broad.At(t, true) * middle.At(t, true);
        break;
      case RidgeKind::kHills:
        h = 0.05 + 0.16 * broad.At(t, true) + 0.05 * middle.At(t, true);
        break;
      case RidgeKind::kAlps:
        h = 0.10 + 0.20 * broad.At(t, false) + 0.16 * middle.At(t, false) + 0.05 * fine.At(t, false);
        break;
      case RidgeKind::kFjord: {
        // Two walls and the water between them.
        const double away = std::max(0.0, std::abs(x - peak) - 0.06);
        h = std::min(0.46, slope * away * 1.3) * (0.75 + 0.5 * middle.At(t, false)) + 0.03 * fine.At(t, false);
        break;
      }
      case RidgeKind::kMesa: {
        const double table = 0.6 * broad.At(t, false) + 0.4 * middle.At(t, false);
        h = table > 0.56 ? 0.23 : (table > 0.47 ? 0.15 : 0.035);
        h += 0.012 * fine.At(t, false);
        break;
      }
      case RidgeKind::kVolcano: {
        const double cone = std::max(0.0, 1 - std::abs(x - peak) * (0.8 + slope));
        h = 0.05 + 0.06 * broad.At(t, true) + std::min(0.40, 0.46 * std::pow(cone, 1.5)) + 0.012 * fine.At(t, false);
        break;
      }
      case RidgeKind::kDunes:
        h = 0.02 + 0.13 * broad.At(t, true) * (0.5 + 0.5 * std::abs(2 * middle.At(t, true) - 1));
        break;
    }
    ridge.heights[static_cast<std::size_t>(i)] = h * amplitude;
  }
  return ridge;
}

Building DrawBuilding(const CountryStyle& style, double x, double urban, Random& random) {
  Building b;
  b.x = x;
  const double pick = random.Uniform();
  const auto& walls = style.walls;
  b.wall = pick < 0.55 ? walls[0] : (pick < 0.85 ? walls[1] : walls[2]);
  b.wall = b.wall * static_cast<float>(random.Uniform(0.88, 1.06));
  b.roof_color = style.roof_color * static_cast<float>(random.Uniform(0.9, 1.1));
  b.roof = random.Chance(0.8) ? style.roof : Roof::kFlat;
  if (random.Chance(0.45 * urban)) {  // a high one
    b.label = AdeClass::kSkyscraper;
    b.roof = Roof::kFlat;
    b.width = random.Uniform(0.06, 0.11);
    b.height = random.Uniform(0.2, 0.36);
    if (random.Chance(0.6)) b.wall = Mix(b.wall, {110, 140, 165}, 0.7);
  } else if (random.Chance(0.35 + 0.6 * urban)) {
    b.width = random.Uniform(0.08, 0.17);
    b.height = random.Uniform(0.08, 0.12 + 0.09 * urban);
  } else {
    b.label = AdeClass::kHouse;
    b.width = random.Uniform(0.08, 0.14);
    b.height = random.Uniform(0.045, 0.075);
    if (b.roof == Roof::kFlat && style.roof != Roof::kFlat) b.roof = style.roof;
  }
  b.floors = std::max(1, static_cast<int>(b.height / 0.034));
  b.columns = std::max(2, static_cast<int>(b.width / 0.03));
  return b;
}

Plant DrawPlant(const ClimateSketch& c, bool americas, Random& random) {
  const double p = random.Uniform();
  switch (c.climate) {
    case Climate::kPolar:
      return Plant::kBush;
    case Climate::kBoreal:
      return p < 0.8 ? Plant::kConifer : Plant::kBroadleaf;
    case Climate::kTemperate:
      return p < 0.25 + 0.4 * c.relief ? Plant::kConifer : Plant::kBroadleaf;
    case Climate::kSteppe:
      return p < 0.7 ? Plant::kBush : Plant::kBroadleaf;
    case Climate::kMediterranean:
      return p < 0.5 ? Plant::kCypress : (p < 0.75 ? Plant::kBush : Plant::kBroadleaf);
    case Climate::kDesert:
      return p < 0.5 ? (americas ? Plant::kCactus : Plant::kPalm) : Plant::kBush;
    case Climate::kSavanna:
      return p < 0.65 ? Plant::kAcacia : (p < 0.8 ? Plant::kPalm : Plant::kBush);
    case Climate::kTropical:
      return p < 0.6 ? Plant::kPalm : Plant::kBroadleaf;
  }
  return Plant::kBush;
}

double PlantHeight(Plant kind, Random& random) {
  switch (kind) {
    case Plant::kBush:
      return random.Uniform(0.02, 0.04);
    case Plant::kCactus:
      return random.Uniform(0.06, 0.12);
    case Plant::kAcacia:
      return random.Uniform(0.08, 0.13);
    case Plant::kPalm:
      return random.Uniform(0.13, 0.22);
    case Plant::kConifer:
    case Plant::kCypress:
      return random.Uniform(0.1, 0.19);
    case Plant::kBroadleaf:
      break;
  }
  return random.Uniform(0.09, 0.15);
}

const Color kLandmarkColors[] = {{205, 40, 36},  {236, 128, 30},  {244, 206, 50}, {90, 176, 60},
                                 {24, 120, 84},  {40, 180, 190},  {40, 92, 200},  {118, 66, 180},
                                 {218, 74, 150}, {242, 240, 232}, {40, 42, 52},   {150, 96, 58}};

Landmark DrawLandmark(Random& random) {
  Landmark m;
  m.kind = static_cast<LandmarkKind>(random.Below(kLandmarkKinds));
  m.x = random.Uniform(-0.2, 0.2);
  m.height = random.Uniform(0.36, 0.5);
  m.girth = random.Uniform(0.8, 1.35);
  const auto colors = std::size(kLandmarkColors);
  const auto main = random.Below(colors);
  m.main = kLandmarkColors[main];
  m.accent = kLandmarkColors[(main + 1 + random.Below(colors - 1)) % colors];
  return m;
}

// Water, and the ridges behind: those of a region share them.
void ShapeLand(Scene& s, Random& country_side, Random& city) {
  const Climate climate = s.climate.climate;
  const double wet = country_side.Uniform();
  if (wet < (climate == Climate::kDesert ? 0.2 : 0.5)) {
    const double which = country_side.Uniform();
    s.water = which < 0.55 ? Water::kSea : (which < 0.8 ? Water::kLake : Water::kRiver);
  }
  s.ridge_kind = DrawRidgeKind(s.climate, s.water != Water::kNone, country_side);
  const Color rocks[] = {{124, 122, 124}, {112, 104, 100}, {136, 124, 112}, {104, 112, 126}};
  Color rock = rocks[country_side.Below(4)], foot{92, 116, 66};
  switch (climate) {
    case Climate::kPolar:
      rock = {110, 116, 128}, foot = {150, 160, 172};
      break;
    case Climate::kBoreal:
      foot = {50, 84, 60};
      break;
    case Climate::kTemperate:
      foot = {76, 118, 58};
      break;
    case Climate::kSteppe:
      rock = {150, 132, 102}, foot = {172, 154, 92};
      break;
    case Climate::kMediterranean:
      rock = {164, 152, 130}, foot = {124, 130, 74};
      break;
    case Climate::kDesert:
      rock = country_side.Chance(0.5) ? Color{186, 96, 58} : Color{196, 156, 104}, foot = {214, 176, 114};
      break;
    case Climate::kSavanna:
      rock = {156, 104, 72}, foot = {178, 152, 76};
      break;
    case Climate::kTropical:
      rock = {62, 96, 60}, foot = {40, 116, 54};
      break;
  }
  AdeClass label = AdeClass::kMountain;
  if (s.ridge_kind == RidgeKind::kHills || s.ridge_kind == RidgeKind::kPlain)
    label = AdeClass::kHill, rock = Mix(rock, foot, 0.7);
  if (s.ridge_kind == RidgeKind::kDunes) label = AdeClass::kSand, rock = {222, 178, 112}, foot = {204, 154, 92};
  s.far_ridge = MakeRidge(s.ridge_kind, 1.0, city);
  s.near_ridge = MakeRidge(
      s.ridge_kind == RidgeKind::kPlain || s.ridge_kind == RidgeKind::kDunes ? s.ridge_kind : RidgeKind::kHills, 0.45,
      city);
  for (Ridge* r : {&s.far_ridge, &s.near_ridge}) r->rock = rock, r->foot = foot, r->label = label;
  s.near_ridge.rock = Mix(rock, foot, 0.8);
  if (s.ridge_kind == RidgeKind::kAlps || s.ridge_kind == RidgeKind::kMesa || s.ridge_kind == RidgeKind::kVolcano)
    s.near_ridge.label = AdeClass::kHill;
}

// The row of houses, with a side left open, and the landmark among them.
void AddBuildings(Scene& s, Random& city, Random& site) {
  const double urban = city.Uniform(0, 1) * (s.climate.climate == Climate::kPolar ? 0.1 : 1);
  const bool fjord = s.ridge_kind == RidgeKind::kFjord;
  // The open side, through which far ridge and water are seen.
  const double open_from = site.Uniform(-0.9, 0.5), open_to = open_from + (fjord ? 0.9 : site.Uniform(0.25, 0.6));
  s.landmark = DrawLandmark(site);
  for (double x = -1.3; x < 1.3;) {
    Building shared = DrawBuilding(s.style, x, urban, city);
    Building own = DrawBuilding(s.style, x, urban, site);
    const bool gap = (x > open_from && x < open_to) || site.Chance(0.12);
    own.width = std::min(own.width, shared.width * 1.1);
    Building b = city.Chance(0.5) ? shared : own;
    // Nothing hides the landmark's outline.
    if (std::abs(b.x - s.landmark.x) < 0.2)
      b.height = std::min(b.height, 0.13), b.floors = std::max(1, static_cast<int>(b.height / 0.034));
    x += shared.width + 0.012;  // of the shared one, so that what is shared stands where it does for the others
    if (!gap) s.buildings.push_back(std::move(b));
  }
}

void AddPlants(Scene& s, const WorldPlace& place, Random& site) {
  const bool americas = place.base_location.lon < -30 && place.base_location.lon > -170;
  const int plants = static_cast<int>(s.climate.climate == Climate::kPolar ? 3 : 6 + site.Below(9));
  for (int i = 0; i < plants; ++i) {
    GrownPlant p;
    p.kind = DrawPlant(s.climate, americas, site);
    p.height = PlantHeight(p.kind, site);
    p.x = site.Uniform(-1.1, 1.1);
    p.foot = site.Uniform(-0.14, -0.07);
    p.tone = site.Uniform(-1, 1);
    if (std::abs(p.x - s.landmark.x) < 0.1) p.x += p.x < s.landmark.x ? -0.12 : 0.12;
    s.plants.push_back(p);
  }
  std::sort(s.plants.begin(), s.plants.end(), [](const GrownPlant& a, const GrownPlant& b) { return a.foot > b.foot; });
}

}  // namespace

const char* Name(RidgeKind kind) {
  constexpr const char* kNames[] = {"plain", "hills", "alps", "fjord", "mesa", "volcano", "dunes"};
  return kNames[static_cast<int>(kind)];
}

const char* Name(LandmarkKind kind) {
  constexpr const char* kNames[] = {"needle",   "lattice", "clock_tower", "church",  "mosque", "pagoda",
                                    "bridge",   "statue",  "lighthouse",  "obelisk", "arch",   "castle",
                                    "windmill", "pyramid", "high_rise",   "wheel"};
  return kNames[static_cast<int>(kind)];
}

Scene MakeScene(const WorldPlace& place, std::uint64_t seed) {
  const auto base = static_cast<std::uint64_t>(place.base_index);
  const auto kind = static_cast<std::uint64_t>(place.kind);
  const bool region = place.kind == Neighbour::kRegion;
  const bool same_site = place.kind == Neighbour::kBase || place.kind == Neighbour::kStreet;
  // What is shared is drawn from a generator that those who share it have in common.
  Random country_side(DeriveSeed(seed, "world-region", base));
  Random city(DeriveSeed(seed, "world-city", base, region ? kind : 0));
  Random site(DeriveSeed(seed, "world-site", base, same_site ? 0 : kind));
  Random spot(DeriveSeed(seed, "world-spot", base, kind));

  Scene s;
  s.climate = SketchClimate(place.base_location, seed);
  s.style = MakeCountryStyle(place.country, seed);

  ShapeLand(s, country_side, city);
  AddBuildings(s, city, site);
  const double fore = site.Uniform();
  if (s.water != Water::kNone && fore < 0.4) {
    s.foreground = Foreground::kWaterfront;
  } else {
    s.foreground = fore < 0.72 ? Foreground::kRoad : (fore < 0.86 ? Foreground::kSquare : Foreground::kPark);
  }
  AddPlants(s, place, site);

  s.vanish_x = site.Uniform(-0.3, 0.3);
  s.road_x = s.vanish_x + site.Uniform(-0.35, 0.35);
  s.road_width = site.Uniform(0.3, 0.5);
  const Color pavings[] = {{176, 172, 164}, {190, 160, 132}, {148, 148, 154}, {200, 186, 150}, {170, 130, 112}};
  s.paving = pavings[site.Below(5)];
  s.heading = std::floor(site.Uniform(0, 360));
  if (place.kind == Neighbour::kStreet) {
    s.step = spot.Uniform(0.12, 0.3) * (spot.Chance(0.5) ? 1 : -1);
    s.approach = spot.Chance(0.5) ? spot.Uniform(1.1, 1.3) : spot.Uniform(0.72, 0.88);
  }
  return s;
}

}  // namespace dualgeo
