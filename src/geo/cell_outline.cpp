#include "geo/cell_outline.h"

#include <algorithm>
#include <cmath>

#include "dualgeo/geo/unit_vector.h"

namespace dualgeo {
namespace {

using CellRing = std::vector<LatLon>;

// Along the great circle from a to b, without b: as many points as it takes to look bent where it is.
void AddEdge(LatLon a, LatLon b, int level, CellRing& outline) {
  const int steps = level <= 2 ? 16 : level <= 4 ? 8 : level <= 6 ? 3 : 1;
  const UnitVector from = ToUnitVector(a), to = ToUnitVector(b);
  for (int i = 0; i < steps; ++i) {
    const double t = static_cast<double>(i) / steps;
    outline.push_back(
        i == 0 ? a
               : ToLatLon({from.x + t * (to.x - from.x), from.y + t * (to.y - from.y), from.z + t * (to.z - from.z)}));
  }
}

bool IsPole(LatLon place) { return std::abs(place.lat) > 89.9999; }

// A pole is a line on this map: it gets the longitudes of its neighbours, one after the other.
CellRing WithPoles(const CellRing& ring) {
  CellRing outline;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    if (!IsPole(ring[i])) {
      outline.push_back(ring[i]);
      continue;
    }
    outline.push_back({ring[i].lat, ring[(i + ring.size() - 1) % ring.size()].lon});
    outline.push_back({ring[i].lat, ring[(i + 1) % ring.size()].lon});
  }
  return outline;
}

// The part of a ring where side * lon <= side * edge.
CellRing CutAt(const CellRing& ring, double edge, double side) {
  CellRing part;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const LatLon a = ring[i], b = ring[(i + 1) % ring.size()];
    const bool a_in = side * a.lon <= side * edge, b_in = side * b.lon <= side * edge;
    if (a_in) part.push_back(a);
    if (a_in != b_in) part.push_back({a.lat + (edge - a.lon) / (b.lon - a.lon) * (b.lat - a.lat), edge});
  }
  return part;
}

}  // namespace

std::vector<LatLon> CellOutline(S2Cell cell) {
  CellRing ring;
  const auto vertices = cell.Vertices();
  for (std::size_t k = 0; k < 4; ++k) AddEdge(vertices[k], vertices[(k + 1) % 4], cell.level(), ring);
  CellRing outline = WithPoles(ring);
  double turned = 0;
  for (std::size_t i = 1; i <= outline.size(); ++i) {
    const double step = std::remainder(outline[i % outline.size()].lon - outline[i - 1].lon, 360.0);
    turned += step;
    if (i < outline.size()) outline[i].lon = outline[i - 1].lon + step;
  }
  if (std::abs(turned) > 180) {  // all around a pole, which closes the ring
    const double pole = cell.Center().lat > 0 ? 90 : -90;
    const LatLon first = outline.front();
    outline.push_back({first.lat, first.lon + turned});
    outline.push_back({pole, first.lon + turned});
    outline.push_back({pole, first.lon});
  }
  return outline;
}

std::vector<std::vector<LatLon>> CellRings(S2Cell cell) {
  const CellRing outline = CellOutline(cell);
  std::vector<CellRing> rings;
  for (const double shift : {-360.0, 0.0, 360.0}) {
    CellRing ring = outline;
    for (auto& point : ring) point.lon += shift;
    ring = CutAt(CutAt(ring, 180, 1), -180, -1);
    if (ring.size() < 3) continue;
    const auto [west, east] = std::ranges::minmax(ring, {}, &LatLon::lon);
    if (east.lon - west.lon < 1e-9) continue;
    ring.push_back(ring.front());
    rings.push_back(std::move(ring));
  }
  return rings;
}

}  // namespace dualgeo
