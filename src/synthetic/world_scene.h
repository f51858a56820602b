// What a camera would see at a place of the synthetic world, whatever the light and the weather.
//
// Near places share it in a graded way, so that a method that is wrong by a little is wrong by little:
//   street   the same skyline, ridge, trees and landmark, from another spot
//   city     the same ridge, water and country style, some of the same buildings
//   region   the same climate, kind of ridge and country style
#pragma once

#include <cstdint>
#include <vector>

#include "synthetic/world_canvas.h"
#include "synthetic/world_climate.h"
#include "synthetic/world_places.h"
#include "synthetic/world_style.h"

namespace dualgeo {

enum class RidgeKind { kPlain, kHills, kAlps, kFjord, kMesa, kVolcano, kDunes };
const char* Name(RidgeKind kind);

// A profile against the sky.
struct Ridge {
  static constexpr double kHalfWidth = 2.2;  // heights are evenly spaced over [-kHalfWidth, kHalfWidth]
  std::vector<double> heights;               // frame widths above the horizon
  Color rock, foot;
  AdeClass label = AdeClass::kMountain;
};

enum class Water { kNone, kSea, kLake, kRiver };
enum class Foreground { kRoad, kSquare, kWaterfront, kPark };
enum class Plant { kBroadleaf, kConifer, kCypress, kPalm, kAcacia, kCactus, kBush };

struct Building {
  double x = 0, width = 0.1, height = 0.1;
  Color wall, roof_color;
  Roof roof = Roof::kFlat;
  int floors = 3, columns = 3;
  AdeClass label = AdeClass::kBuilding;
};

struct GrownPlant {
  Plant kind = Plant::kBroadleaf;
  double x = 0, foot = -0.1, height = 0.1;
  double tone = 0;  // [-1, 1]: a little yellower or bluer
};

enum class LandmarkKind {
  kNeedle,
  kLattice,
  kClockTower,
  kChurch,
  kMosque,
  kPagoda,
  kBridge,
  kStatue,
  kLighthouse,
  kObelisk,
  kArch,
  kCastle,
  kWindmill,
  kPyramid,
  kHighRise,
  kWheel
};
inline constexpr int kLandmarkKinds = 16;
const char* Name(LandmarkKind kind);

struct Landmark {
  LandmarkKind kind = LandmarkKind::kNeedle;
  double x = 0, foot = -0.06, height = 0.45;
  double girth = 1;  // how stout
  Color main, accent;
};

struct Scene {
  ClimateSketch climate;
  CountryStyle style;
  RidgeKind ridge_kind = RidgeKind::kHills;
  Ridge far_ridge, near_ridge;
  Water water = Water::kNone;
  Foreground foreground = Foreground::kRoad;
  std::vector<Building> buildings;  // left to right
  std::vector<GrownPlant> plants;   // far to near
  Landmark landmark;
  double vanish_x = 0, road_x = 0, road_width = 0.4;
  Color paving;
  double heading = 0;  // degrees from north, of the view straight ahead
  // The spot the photos are taken from.
  double step = 0, approach = 1;
};

Scene MakeScene(const WorldPlace& place, std::uint64_t seed);

}  // namespace dualgeo
