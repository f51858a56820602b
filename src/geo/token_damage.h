// What became of a token on its way through other programs.
#pragma once

#include <string>
#include <string_view>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

// In words what is wrong with a token whose cell should hold `mean`, or be not far from it; empty when nothing is.
std::string TokenDamage(std::string_view token, LatLon mean);

}  // namespace dualgeo
