// The ADE20K classes that the synthetic world draws, with the ids of the 150-class list (wall 0, building 1 ...).
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace dualgeo {

// Values are what is written into the masks.
enum class AdeClass : std::uint8_t {
  kWall = 0,
  kBuilding = 1,
  kSky = 2,
  kTree = 4,
  kRoad = 6,
  kGrass = 9,
  kSidewalk = 11,
  kPerson = 12,
  kEarth = 13,
  kMountain = 16,
  kPlant = 17,
  kCar = 20,
  kHouse = 25,
  kSea = 26,
  kField = 29,
  kFence = 32,
  kRock = 34,
  kPedestal = 40,
  kColumn = 42,
  kSignboard = 43,
  kSand = 46,
  kSkyscraper = 48,
  kPath = 52,
  kRiver = 60,
  kBridge = 61,
  kHill = 68,
  kPalm = 72,
  kBoat = 76,
  kTower = 84,
  kStreetlight = 87,
  kPole = 93,
  kLake = 128,
  kSculpture = 132,
};

struct AdeClassInfo {
  AdeClass id;
  const char* name;                   // the first of its ADE20K names
  std::array<std::uint8_t, 3> color;  // RGB of ADE20K's usual colour map
};

// All classes above, by id.
std::span<const AdeClassInfo> WorldClasses();

}  // namespace dualgeo
