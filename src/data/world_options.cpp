#include <algorithm>
#include <string>

#include "dualgeo/data/world.h"
#include "dualgeo/data/world_conditions.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

void WorldOptions::Validate() const {
  const auto in = [](const char* name, double value, double low, double high) {
    if (value >= low && value <= high) return;
    throw InputError(std::string(name) + ": " + FormatDouble(value) + " is not in [" + FormatDouble(low) + ", " +
                     FormatDouble(high) + "]");
  };
  in("places", places, 0, 100000);
  in("views", views, 2, 10000);
  in("query_fraction", query_fraction, 0, 0.9);
  in("size", size, 32, 1024);
  in("jpeg_quality", jpeg_quality, 1, 100);
  in("exposure", exposure, 0, 3);
  for (const std::string& n : neighbours) {
    if (n != "street" && n != "city" && n != "region") {
      throw InputError("neighbours: '" + Printable(n) + "' is not one of street, city, region");
    }
    if (std::count(neighbours.begin(), neighbours.end(), n) > 1)
      throw InputError("neighbours: '" + n + "' is given twice");
  }
  MakeConditionChoices(times, seasons, weathers, exposure);
  MakeConditionChoices(query_times, query_seasons, query_weathers, exposure);
  for (const std::string& condition : conditions) {
    Change({}, condition);
    if (std::count(conditions.begin(), conditions.end(), condition) > 1)
      throw InputError("conditions: '" + condition + "' is given twice");
  }
}

}  // namespace dualgeo
