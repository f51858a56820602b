#include "table_cells.h"

#include <cstdio>

namespace dualgeo {

std::string Signed(double value, int decimals) { return (value > 0 ? "+" : "") + Fixed(value, decimals); }

std::string WithInterval(double value, const std::optional<Interval>& interval, int decimals) {
  std::string text = Fixed(value, decimals);
  if (interval) text += " [" + Fixed(interval->low, decimals) + ", " + Fixed(interval->high, decimals) + "]";
  return text;
}

std::string PValue(double p) {
  char text[32];
  std::snprintf(text, sizeof text, p < 0.001 ? "%.1e" : "%.3f", p);
  return p >= 1 ? "1" : text;
}

}  // namespace dualgeo
