#include "dualgeo/refine/distance_table.h"

#include <cmath>

#include "dualgeo/geo/distance.h"

namespace dualgeo {

double NodeKm(int node) {
  if (node == 0) return 0;  // everything nearer than 0.8 m counts as equal
  const double squared_chord = std::ldexp(1 + (node % 8) / 8.0, node / 8 - 46);
  return kEarthRadiusKm * 2 * std::asin(std::min(1.0, 0.5 * std::sqrt(squared_chord)));
}

DistanceTable::DistanceTable(int columns, const std::function<double(double km, int column)>& f) : columns_(columns) {
  values_.reserve(static_cast<std::size_t>(kDistanceNodes * columns));
  for (int node = 0; node < kDistanceNodes; ++node) {
    const double km = NodeKm(node);
    for (int column = 0; column < columns; ++column) values_.push_back(static_cast<float>(f(km, column)));
  }
}

}  // namespace dualgeo
