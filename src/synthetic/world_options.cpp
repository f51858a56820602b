#include <algorithm>
#include <string>

#include "config/config.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "synthetic/world.h"
#include "synthetic/world_conditions.h"

namespace dualgeo {

void WorldOptions::Validate() const {
  CheckFields(*this, "world");
  for (const std::string& n : neighbours) {
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
