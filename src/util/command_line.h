// What started this process, as Linux keeps it: for a second program that takes over, and for provenance.
#pragma once

#include <string>
#include <vector>

namespace dualgeo {

// The program's name and its arguments as they were typed, whoever parses them. Empty where /proc is not mounted.
std::vector<std::string> ArgumentsAsTyped();

}  // namespace dualgeo
