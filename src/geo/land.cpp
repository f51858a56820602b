#include "geo/land.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/unit_vector.h"
#include "shipped_land.h"

namespace dualgeo {
namespace {

constexpr double kKmPerDegree = kEarthRadiusKm * kRadiansPerDegree;

// What comes last in the files, a line an arc: 40,000 points, of which a JSON library would make 100,000 values.
constexpr std::string_view kArcsBegin = ",\n\"arcs\":[\n";

std::vector<LandLine> ReadArcs(std::string_view text, const nlohmann::json& transform) {
  const double scale = transform["scale"][0], west = transform["translate"][0], south = transform["translate"][1];
  std::vector<LandLine> arcs;
  long x = 0, y = 0, value = 0;
  bool is_x = true;
  for (const char* at = text.data(); at < text.data() + text.size();) {
    if (*at == '\n') x = y = 0, arcs.emplace_back();
    const auto [end, code] = std::from_chars(at, text.data() + text.size(), value);
    if (code != std::errc{}) {
      ++at;
      continue;
    }
    at = end;
    (is_x ? x : y) += value;
    is_x = !is_x;
    if (is_x) arcs.back().push_back({south + scale * static_cast<double>(y), west + scale * static_cast<double>(x)});
  }
  arcs.pop_back();  // the line that closes the list
  return arcs;
}

// The arcs of one ring, one after the other; ~i is arc i the other way round.
LandLine JoinArcs(const nlohmann::json& indices, const std::vector<LandLine>& arcs) {
  LandLine ring;
  for (const auto& entry : indices) {
    const long index = entry.get<long>();
    LandLine arc = arcs[static_cast<std::size_t>(index < 0 ? ~index : index)];
    if (index < 0) std::ranges::reverse(arc);
    ring.insert(ring.end(), arc.begin() + (ring.empty() ? 0 : 1), arc.end());
  }
  return ring;
}

// Calls `use` with the arcs of each ring of a Polygon or MultiPolygon.
template <typename Use>
void ForEachRing(const nlohmann::json& geometry, const Use& use) {
  const bool many = geometry["type"] == "MultiPolygon";
  for (const auto& part : geometry["arcs"]) {
    if (!many) {
      use(part);
      continue;
    }
    for (const auto& ring : part) use(ring);
  }
}

// Antarctica is cut along 90 S, and what crosses the date line along that.
bool IsCut(LatLon a, LatLon b) {
  return (a.lat < -89.9 && b.lat < -89.9) || (std::abs(a.lon) > 179.99 && std::abs(b.lon) > 179.99);
}

void AddWithoutCuts(const LandLine& line, std::vector<LandLine>& lines) {
  LandLine part;
  const auto end = [&] {
    if (part.size() > 1) lines.push_back(part);
    part.clear();
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (i > 0 && IsCut(line[i - 1], line[i])) end();
    part.push_back(line[i]);
  }
  end();
}

Land ReadLand(std::string_view text) {
  const std::size_t begin = text.find(kArcsBegin);
  const auto topology = nlohmann::json::parse(std::string(text.substr(0, begin)) + "}");
  const std::vector<LandLine> arcs = ReadArcs(text.substr(begin + kArcsBegin.size() - 1), topology["transform"]);
  std::vector<int> uses(arcs.size());
  Land land;
  for (const auto& geometry : topology["objects"]["countries"]["geometries"]) {
    CountryShape& country = land.countries.emplace_back();
    country.code = geometry["id"];
    country.name = geometry["properties"]["name"];
    ForEachRing(geometry, [&](const auto& ring) {
      country.rings.push_back(JoinArcs(ring, arcs));
      for (const auto& entry : ring) {
        const long index = entry.template get<long>();
        ++uses[static_cast<std::size_t>(index < 0 ? ~index : index)];
      }
    });
  }
  for (const auto& geometry : topology["objects"]["land"]["geometries"]) {
    ForEachRing(geometry, [&](const auto& ring) { land.rings.push_back(JoinArcs(ring, arcs)); });
  }
  for (std::size_t i = 0; i < arcs.size(); ++i) {
    if (uses[i] > 1) land.borders.push_back(arcs[i]);
    if (uses[i] == 1) AddWithoutCuts(arcs[i], land.coasts);
  }
  return land;
}

struct LandBox {
  double south = 90, west = 180, north = -90, east = -180;
};

LandBox BoxOf(const LandLine& ring) {
  LandBox box;
  for (const auto& point : ring) {
    box.south = std::min(box.south, point.lat);
    box.west = std::min(box.west, point.lon);
    box.north = std::max(box.north, point.lat);
    box.east = std::max(box.east, point.lon);
  }
  return box;
}

// Whether a line from the place to the east crosses the ring an odd number of times.
bool CrossesOdd(const LandLine& ring, LatLon place) {
  bool odd = false;
  for (std::size_t i = 1; i < ring.size(); ++i) {
    const LatLon a = ring[i - 1], b = ring[i];
    if ((a.lat > place.lat) == (b.lat > place.lat)) continue;
    if (place.lon < a.lon + (place.lat - a.lat) / (b.lat - a.lat) * (b.lon - a.lon)) odd = !odd;
  }
  return odd;
}

// From a place to the segment a-b, on a plane that is true around the place.
double SegmentKm(LatLon place, LatLon a, LatLon b) {
  const double narrow = std::cos(place.lat * kRadiansPerDegree);
  const double ax = std::remainder(a.lon - place.lon, 360.0) * narrow, ay = a.lat - place.lat;
  const double bx = ax + (b.lon - a.lon) * narrow, by = b.lat - place.lat;
  const double dx = bx - ax, dy = by - ay;
  const double length = dx * dx + dy * dy;
  const double t = length > 0 ? std::clamp(-(ax * dx + ay * dy) / length, 0.0, 1.0) : 0;
  return kKmPerDegree * std::hypot(ax + t * dx, ay + t * dy);
}

// The countries' rings with the boxes around them, made once.
struct CountryRing {
  const CountryShape* country;
  const LandLine* line;
  LandBox box;
};

const std::vector<CountryRing>& CountryRings() {
  static const std::vector<CountryRing> kRings = [] {
    std::vector<CountryRing> rings;
    for (const auto& country : LandOf(LandDetail::kFine).countries) {
      for (const auto& ring : country.rings) rings.push_back({&country, &ring, BoxOf(ring)});
    }
    return rings;
  }();
  return kRings;
}

const CountryShape* NearestCountry(LatLon place, double near_km) {
  const CountryShape* nearest = nullptr;
  const double degrees = near_km / kKmPerDegree;
  const double wide = degrees / std::max(0.01, std::cos(place.lat * kRadiansPerDegree));
  for (const auto& [country, line, box] : CountryRings()) {
    if (place.lat < box.south - degrees || place.lat > box.north + degrees) continue;
    const double east = std::remainder(place.lon - box.east, 360.0), west = std::remainder(box.west - place.lon, 360.0);
    const bool beside =
        (place.lon < box.west || place.lon > box.east) && std::abs(east) > wide && std::abs(west) > wide;
    if (beside) continue;
    for (std::size_t i = 1; i < line->size(); ++i) {
      const double km = SegmentKm(place, (*line)[i - 1], (*line)[i]);
      if (km > near_km) continue;
      near_km = km;
      nearest = country;
    }
  }
  return nearest;
}

}  // namespace

const char* LandTopoJson(LandDetail detail) { return detail == LandDetail::kFine ? kLandFineJson : kLandSmallJson; }

const Land& LandOf(LandDetail detail) {
  if (detail == LandDetail::kSmall) {
    static const Land kLand = ReadLand(kLandSmallJson);
    return kLand;
  }
  static const Land kLand = ReadLand(kLandFineJson);
  return kLand;
}

const CountryShape* CountryAt(LatLon place, double near_km) {
  if (!IsValid(place)) return nullptr;
  const CountryShape* inside = nullptr;
  for (const auto& [country, line, box] : CountryRings()) {
    if (inside != nullptr && inside != country) break;  // countries do not overlap
    if (place.lat < box.south || place.lat > box.north || place.lon < box.west || place.lon > box.east) continue;
    // Even-odd: a hole in a country follows its outer ring, and takes the place out again.
    if (CrossesOdd(*line, place)) inside = inside == country ? nullptr : country;
  }
  return inside != nullptr || near_km <= 0 ? inside : NearestCountry(place, near_km);
}

}  // namespace dualgeo
