#include "data/ade_classes.h"

namespace dualgeo {

std::span<const AdeClassInfo> WorldClasses() {
  static constexpr AdeClassInfo kClasses[] = {
      {AdeClass::kWall, "wall", {120, 120, 120}},
      {AdeClass::kBuilding, "building", {180, 120, 120}},
      {AdeClass::kSky, "sky", {6, 230, 230}},
      {AdeClass::kTree, "tree", {4, 200, 3}},
      {AdeClass::kRoad, "road", {140, 140, 140}},
      {AdeClass::kGrass, "grass", {4, 250, 7}},
      {AdeClass::kSidewalk, "sidewalk", {235, 255, 7}},
      {AdeClass::kPerson, "person", {150, 5, 61}},
      {AdeClass::kEarth, "earth", {120, 120, 70}},
      {AdeClass::kMountain, "mountain", {143, 255, 140}},
      {AdeClass::kPlant, "plant", {204, 255, 4}},
      {AdeClass::kCar, "car", {0, 102, 200}},
      {AdeClass::kHouse, "house", {255, 9, 224}},
      {AdeClass::kSea, "sea", {9, 7, 230}},
      {AdeClass::kField, "field", {112, 9, 255}},
      {AdeClass::kFence, "fence", {255, 184, 6}},
      {AdeClass::kRock, "rock", {255, 41, 10}},
      {AdeClass::kPedestal, "base", {255, 122, 8}},
      {AdeClass::kColumn, "column", {255, 8, 41}},
      {AdeClass::kSignboard, "signboard", {255, 5, 153}},
      {AdeClass::kSand, "sand", {160, 150, 20}},
      {AdeClass::kSkyscraper, "skyscraper", {140, 140, 140}},
      {AdeClass::kPath, "path", {255, 31, 0}},
      {AdeClass::kRiver, "river", {11, 200, 200}},
      {AdeClass::kBridge, "bridge", {255, 82, 0}},
      {AdeClass::kHill, "hill", {255, 102, 0}},
      {AdeClass::kPalm, "palm", {0, 82, 255}},
      {AdeClass::kBoat, "boat", {173, 255, 0}},
      {AdeClass::kTower, "tower", {255, 184, 184}},
      {AdeClass::kStreetlight, "streetlight", {0, 71, 255}},
      {AdeClass::kPole, "pole", {51, 0, 255}},
      {AdeClass::kLake, "lake", {10, 190, 212}},
      {AdeClass::kSculpture, "sculpture", {255, 255, 0}},
  };
  return kClasses;
}

}  // namespace dualgeo
