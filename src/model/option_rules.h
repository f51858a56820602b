// Rules that the options of several networks share. No LibTorch here.
#pragma once

#include <string>

namespace dualgeo {

// Throws InputError: "what: 5 does not divide of_what 48".
void RequireDivides(int divisor, int number, const std::string& what, const std::string& of_what);

}  // namespace dualgeo
