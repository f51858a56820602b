#include "synthetic/world_climate.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

// An ellipse on the map, degrees; its effect fades from the middle to the rim.
struct Spot {
  double lat, lon, half_lat, half_lon, strength;
};

constexpr Spot kDry[] = {
    {23, 5, 11, 26, 1},    // Sahara
    {24, 46, 11, 14, 1},   // Arabia
    {34, 58, 7, 9, .8},    // Iran, Afghanistan
    {42, 62, 7, 14, .8},   // Central Asia
    {41, 98, 7, 18, .9},   // Gobi, Taklamakan
    {27, 70, 5, 5, .8},    // Thar
    {-25, 132, 8, 16, 1},  // Australia
    {-24, 18, 8, 7, .9},   // Namib, Kalahari
    {-22, -70, 10, 4, 1},  // Atacama
    {-44, -69, 8, 4, .6},  // Patagonia
    {33, -112, 7, 9, .9},  // Sonora, Mojave
    {7, 46, 7, 6, .8},     // Somalia
};
constexpr Spot kWet[] = {
    {-3, -62, 10, 15, 1}, {0, 22, 6, 14, .9},   {0, 112, 12, 25, 1}, {14, 100, 9, 12, .6}, {56, -5, 8, 10, .7},
    {50, -126, 9, 7, .8}, {-43, 170, 7, 7, .7}, {36, 138, 6, 8, .6}, {38, -80, 9, 12, .7}, {28, 114, 8, 9, .6},
};
constexpr Spot kHigh[] = {
    {-20, -69, 32, 6, 1}, {5, -75, 8, 6, .9},   {44, -113, 16, 9, .9}, {62, -145, 7, 18, .9}, {46, 9, 4, 8, 1},
    {64, 12, 8, 10, .9},  {33, 84, 9, 18, 1},   {40, 72, 6, 9, 1},     {42, 44, 4, 7, 1},     {-43, 170, 5, 5, 1},
    {36, 138, 6, 6, .8},  {9, 39, 7, 5, .9},    {40, 33, 5, 9, .6},    {72, -35, 14, 20, .9}, {-78, 60, 16, 180, .7},
    {19, -99, 7, 7, .8},  {-6, 143, 6, 10, .9}, {33, -5, 4, 6, .8},    {65, -19, 4, 7, .8},   {-3, 36, 8, 5, .7},
};

double Influence(std::span<const Spot> spots, LatLon p) {
  double best = 0;
  for (const Spot& s : spots) {
    double dlon = std::abs(p.lon - s.lon);
    if (dlon > 180) dlon = 360 - dlon;
    const double r = std::hypot((p.lat - s.lat) / s.half_lat, dlon / s.half_lon);
    best = std::max(best, s.strength * std::clamp(1.6 - r, 0.0, 1.0));
  }
  return best;
}

// Value noise on the sphere, about uniform in [0, 1]; features are some 6371 km / frequency wide.
double SmoothNoise(std::uint64_t seed, LatLon p, double frequency) {
  const double lat = p.lat * std::numbers::pi / 180, lon = p.lon * std::numbers::pi / 180;
  const double at[3] = {(std::cos(lat) * std::cos(lon) + 2) * frequency,
                        (std::cos(lat) * std::sin(lon) + 2) * frequency, (std::sin(lat) + 2) * frequency};
  std::uint64_t cell[3];
  double t[3];
  for (int i = 0; i < 3; ++i) {
    cell[i] = static_cast<std::uint64_t>(at[i]);
    t[i] = at[i] - std::floor(at[i]);
    t[i] = t[i] * t[i] * (3 - 2 * t[i]);
  }
  double sum = 0;
  for (unsigned corner = 0; corner < 8; ++corner) {
    double weight = 1;
    std::uint64_t key = 0;
    for (unsigned i = 0; i < 3; ++i) {
      const unsigned up = (corner >> i) & 1U;
      weight *= up != 0 ? t[i] : 1 - t[i];
      key = key * 1000003 + cell[i] + up;
    }
    sum += weight * Random(DeriveSeed(seed, "world-noise", key)).Uniform();
  }
  // Averaging corners pulls towards the middle: stretch again.
  return std::clamp((sum - 0.5) * 1.6 + 0.5, 0.0, 1.0);
}

}  // namespace

const char* Name(Climate climate) {
  constexpr const char* kNames[] = {"polar",         "boreal", "temperate", "steppe",
                                    "mediterranean", "desert", "savanna",   "tropical"};
  return kNames[static_cast<int>(climate)];
}

double ClimateSketch::Celsius(Season season) const {
  constexpr double kPhase[] = {-0.1, 1, 0.1, -1};
  return annual_celsius + swing_celsius * kPhase[static_cast<int>(season)];
}

double ClimateSketch::SnowCover(Season season) const { return std::clamp((1.0 - Celsius(season)) / 5.0, 0.0, 1.0); }

ClimateSketch SketchClimate(LatLon place, std::uint64_t seed) {
  ClimateSketch c;
  const double away = std::abs(place.lat);
  const double inland = SmoothNoise(DeriveSeed(seed, "inland"), place, 6);
  c.relief = std::clamp(
      0.75 * Influence(kHigh, place) + 0.55 * SmoothNoise(DeriveSeed(seed, "relief"), place, 8) - 0.08, 0.0, 1.0);
  // The rain bands: wet at the equator and in the middle latitudes, dry at the tropics.
  const double bands = 0.55 + 0.3 * std::cos(place.lat * 6 * std::numbers::pi / 180);
  c.wetness = std::clamp(bands + 0.35 * (SmoothNoise(DeriveSeed(seed, "wet"), place, 7) - 0.5) +
                             0.5 * Influence(kWet, place) - 0.75 * Influence(kDry, place),
                         0.0, 1.0);
  c.annual_celsius =
      27.5 - 0.0069 * away * away - 5 * c.relief + 4 * (SmoothNoise(DeriveSeed(seed, "warm"), place, 6) - 0.5);
  c.swing_celsius = 0.26 * away * (0.6 + 0.9 * inland);
  const double t = c.annual_celsius, w = c.wetness;
  if (t < -4) {
    c.climate = Climate::kPolar;
  } else if (t < 5) {
    c.climate = Climate::kBoreal;
  } else if (t < 16) {
    c.climate = w < 0.34 ? Climate::kSteppe : Climate::kTemperate;
  } else if (w < 0.2) {
    c.climate = Climate::kDesert;
  } else if (t < 21.5 && away > 23) {
    c.climate = w < 0.65 ? Climate::kMediterranean : Climate::kTemperate;
  } else {
    c.climate = w < 0.58 ? Climate::kSavanna : Climate::kTropical;
  }
  return c;
}

}  // namespace dualgeo
