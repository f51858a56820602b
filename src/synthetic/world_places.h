// Where the synthetic world has places: the cities of the system's time-zone table and jittered neighbours of each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

// One row of the time-zone table.
struct Zone {
  std::string name;     // "Europe/Oslo"
  std::string country;  // ISO 3166 two letters; the first where the table lists several
  LatLon location;
};

// ISO 6709 as the table writes it: +DDMM+DDDMM or +DDMMSS+DDDMMSS. Degrees. Throws InputError when it is not that.
LatLon ParseIso6709(std::string_view text);

// Reads zone.tab or zone1970.tab. An empty path means the system's: of the two the one with more places.
// Throws InputError, naming the package tzdata, when there is none, and naming file and line when a row is damaged.
std::vector<Zone> ReadZoneTable(const std::filesystem::path& path = {});

// n of the zones, spread over the Earth: each next one is the farthest from those before it, so that a smaller n gives
// a subset of a larger one. In the order of the table. 0: all. Throws InputError when there are fewer than n.
std::vector<Zone> SpreadZones(const std::vector<Zone>& zones, std::size_t n);

// How a place relates to its base place; distances in km.
enum class Neighbour { kBase, kStreet /*0.2-0.8*/, kCity /*5-20*/, kRegion /*50-180*/ };
const char* Name(Neighbour kind);

struct WorldPlace {
  std::string name;  // "Europe/Oslo", "Europe/Oslo~street"
  std::string base;  // "Europe/Oslo"
  std::string country;
  Neighbour kind = Neighbour::kBase;
  std::size_t base_index = 0;
  LatLon location;
  LatLon base_location;
  // Never photographed for training: what a method does where it has not been.
  bool held_out = false;
};

// The base place and one neighbour of each kind asked for, base after base. A third of the neighbours of each kind is
// held out; with all three kinds that is one of every base.
std::vector<WorldPlace> MakePlaces(const std::vector<Zone>& zones, const std::vector<Neighbour>& kinds,
                                   std::uint64_t seed);

}  // namespace dualgeo
