// What a country of the synthetic world looks like: houses, roofs, road markings, side of the road.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "synthetic/world_canvas.h"

namespace dualgeo {

enum class Roof { kFlat, kGable, kHip, kCurved /*upturned eaves*/, kDome, kMansard };

struct CountryStyle {
  std::vector<Color> walls;  // three, most frequent first
  Color roof_color;
  Roof roof = Roof::kGable;
  double window_width = 0.4, window_height = 0.5;  // share of their grid cell
  bool yellow_markings = false;                    // the line between the directions; else white
  bool drives_left = false;
  Color sign;  // of the road signs
  Color car;   // the most frequent car or taxi
};

// Driving side and markings are the real country's; the rest is drawn for it from the seed.
CountryStyle MakeCountryStyle(const std::string& country, std::uint64_t seed);

}  // namespace dualgeo
