#include "synthetic/world_places.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>
#include <sstream>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/text.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

constexpr double kRadians = std::numbers::pi / 180.0;

// DDMM, DDMMSS, DDDMM or DDDMMSS after the sign; degree_digits says which.
double ParseAngle(std::string_view digits, std::size_t degree_digits, std::string_view whole) {
  const bool digits_only = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits_only || (digits.size() != degree_digits + 2 && digits.size() != degree_digits + 4)) {
    throw InputError("'" + Printable(whole) + "' is not an ISO 6709 coordinate such as +5955+01045");
  }
  const auto number = [&](std::size_t at, std::size_t n) {
    double value = 0;
    for (const char c : digits.substr(at, n)) value = value * 10 + (c - '0');
    return value;
  };
  double degrees = number(0, degree_digits) + number(degree_digits, 2) / 60;
  if (digits.size() == degree_digits + 4) degrees += number(degree_digits + 2, 2) / 3600;
  return degrees;
}

// The point `km` away on a sphere; bearing clockwise from north, degrees.
LatLon Destination(LatLon from, double bearing, double km) {
  const double lat = from.lat * kRadians, d = km / kEarthRadiusKm, b = bearing * kRadians;
  const double to = std::asin(std::sin(lat) * std::cos(d) + std::cos(lat) * std::sin(d) * std::cos(b));
  const double turn = std::atan2(std::sin(b) * std::sin(d) * std::cos(lat), std::cos(d) - std::sin(lat) * std::sin(to));
  double lon = from.lon + turn / kRadians;
  if (lon > 180) lon -= 360;
  if (lon < -180) lon += 360;
  return {to / kRadians, lon};
}

// Six decimals (0.1 m), the same as in the tables, so that what is checked is what is written.
LatLon Rounded(LatLon p) { return {std::round(p.lat * 1e6) / 1e6, std::round(p.lon * 1e6) / 1e6}; }

std::vector<Zone> ParseZoneTable(const std::filesystem::path& path) {
  std::istringstream lines(ReadFile(path, std::size_t{16} << 20));
  std::vector<Zone> zones;
  std::set<std::string> names;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line[0] == '#') continue;
    const auto where = path.string() + ":" + std::to_string(number) + ": ";
    const auto first = line.find('\t');
    const auto second = first == std::string::npos ? first : line.find('\t', first + 1);
    if (second == std::string::npos || first < 2) {
      throw InputError(where + "expected country code, coordinates and zone separated by tabs");
    }
    Zone zone;
    zone.country = line.substr(0, 2);
    zone.name = line.substr(second + 1, line.find('\t', second + 1) - second - 1);
    try {
      zone.location = ParseIso6709(std::string_view(line).substr(first + 1, second - first - 1));
    } catch (const InputError& e) {
      throw InputError(where + e.what());
    }
    // Folder names are made from zone names: nothing but what such names have.
    const bool plain = !zone.name.empty() && std::all_of(zone.name.begin(), zone.name.end(), [](unsigned char c) {
      return std::isalnum(c) || c == '/' || c == '_' || c == '-' || c == '+';
    });
    if (!plain) throw InputError(where + "'" + Printable(zone.name) + "' is not a zone name");
    if (names.insert(zone.name).second) zones.push_back(std::move(zone));
  }
  if (zones.empty()) throw InputError(path.string() + ": no time zones in it");
  return zones;
}

}  // namespace

LatLon ParseIso6709(std::string_view text) {
  const auto sign = [&](char c) {
    if (c != '+' && c != '-') {
      throw InputError("'" + Printable(text) + "' is not an ISO 6709 coordinate such as +5955+01045");
    }
    return c == '-' ? -1.0 : 1.0;
  };
  const auto split = text.size() < 2 ? std::string_view::npos : text.find_first_of("+-", 1);
  if (split == std::string_view::npos) sign('?');
  const LatLon p{sign(text[0]) * ParseAngle(text.substr(1, split - 1), 2, text),
                 sign(text[split]) * ParseAngle(text.substr(split + 1), 3, text)};
  if (!IsValid(p)) throw InputError("'" + Printable(text) + "' is outside the Earth's latitudes and longitudes");
  return p;
}

std::vector<Zone> ReadZoneTable(const std::filesystem::path& path) {
  if (!path.empty()) {
    if (!std::filesystem::exists(path)) {
      throw InputError(path.string() +
                       ": no such time-zone table; the system's comes with the package tzdata (apt install tzdata)");
    }
    return ParseZoneTable(path);
  }
  std::vector<Zone> best;
  for (const char* table : {"/usr/share/zoneinfo/zone.tab", "/usr/share/zoneinfo/zone1970.tab"}) {
    if (!std::filesystem::exists(table)) continue;
    auto zones = ParseZoneTable(table);
    if (zones.size() > best.size()) best = std::move(zones);
  }
  if (best.empty()) {
    throw InputError(
        "/usr/share/zoneinfo/zone.tab: not there; the synthetic world takes its places from the package tzdata "
        "(apt install tzdata)");
  }
  return best;
}

std::vector<Zone> SpreadZones(const std::vector<Zone>& zones, std::size_t n) {
  if (n == 0 || n == zones.size()) return zones;
  if (n > zones.size()) {
    throw InputError("places: " + std::to_string(n) + " asked for, but the time-zone table has " +
                     std::to_string(zones.size()));
  }
  std::vector<double> nearest(zones.size(), std::numeric_limits<double>::infinity());
  std::vector<bool> taken(zones.size(), false);
  std::size_t next = 0;
  for (std::size_t i = 0; i < n; ++i) {
    taken[next] = true;
    std::size_t farthest = next;
    double distance = -1;
    for (std::size_t j = 0; j < zones.size(); ++j) {
      nearest[j] = std::min(nearest[j], GreatCircleKm(zones[next].location, zones[j].location));
      if (!taken[j] && nearest[j] > distance) {
        distance = nearest[j];
        farthest = j;
      }
    }
    next = farthest;
  }
  std::vector<Zone> subset;
  for (std::size_t j = 0; j < zones.size(); ++j) {
    if (taken[j]) subset.push_back(zones[j]);
  }
  return subset;
}

const char* Name(Neighbour kind) {
  switch (kind) {
    case Neighbour::kStreet:
      return "street";
    case Neighbour::kCity:
      return "city";
    case Neighbour::kRegion:
      return "region";
    case Neighbour::kBase:
      break;
  }
  return "base";
}

std::vector<WorldPlace> MakePlaces(const std::vector<Zone>& zones, const std::vector<Neighbour>& kinds,
                                   std::uint64_t seed) {
  std::vector<WorldPlace> places;
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const Zone& zone = zones[i];
    places.push_back({zone.name, zone.name, zone.country, Neighbour::kBase, i, Rounded(zone.location),
                      Rounded(zone.location), false});
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      Random random(DeriveSeed(seed, "world-neighbour", i, static_cast<std::uint64_t>(kinds[k])));
      double low = 0.2, high = 0.8;
      if (kinds[k] == Neighbour::kCity) low = 5, high = 20;
      if (kinds[k] == Neighbour::kRegion) low = 50, high = 180;
      const double bearing = random.Uniform(0, 360);
      const LatLon location = Rounded(Destination(zone.location, bearing, random.Uniform(low, high)));
      places.push_back({zone.name + "~" + Name(kinds[k]), zone.name, zone.country, kinds[k], i, location,
                        Rounded(zone.location), i % 3 + 1 == static_cast<std::size_t>(kinds[k])});
    }
  }
  return places;
}

}  // namespace dualgeo
